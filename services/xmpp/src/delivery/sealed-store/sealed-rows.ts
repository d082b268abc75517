/** The table `xmpp.sealed`: every statement that names it, except the lease's. */
import { sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { leaseHeld } from '@sealpost/keyring'
import type { LeaseScope } from '@sealpost/keyring'

/** The key is "sealxmpp" in ASCII as an int8. */
export const LEASE: LeaseScope = { schema: 'xmpp', rows: 'sealed', lockKey: 0x7365_616c_786d_7070n }

/** Read at a time by a scan: 4 MiB, up to some ten thousand rows. */
const SCAN_PAGES = 512

export interface Row {
  readonly id: string
  readonly handle: string
  readonly seq: number
  readonly sizeClass: number
  readonly blob: Buffer
}

/** The rows of the keyring that holds the lease. */
export class SealedRows {
  readonly #db: Db
  readonly #keyringId: string
  readonly #epoch: number

  constructor(db: Db, lease: { keyringId: string; epoch: number }) {
    this.#db = db
    this.#keyringId = lease.keyringId
    this.#epoch = lease.epoch
  }

  /** Adds what is not there yet; false, and nothing added, when the lease is no longer ours. */
  async insert(rows: readonly Row[]): Promise<boolean> {
    const starts: number[] = []
    let start = 1
    for (const { blob } of rows) {
      starts.push(start)
      start += blob.length
    }
    // The blobs travel as one value, which the driver sends as it is; an array of them would be sent as hexadecimal text.
    const [result] = await this.#db.query<{ held: boolean }>(
      sql`
      with lease as (${leaseHeld(LEASE, this.#keyringId, this.#epoch)}), added as (
        insert into xmpp.sealed (id, queue_handle, seq, size_class, blob)
        select id, queue_handle, seq, size_class, substring(${Buffer.concat(rows.map(({ blob }) => blob))}::bytea from start for length)
        from unnest(
          ${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ handle }) => handle)}::uuid[], ${rows.map(({ seq }) => seq)}::bigint[],
          ${rows.map(({ sizeClass }) => sizeClass)}::smallint[], ${starts}::int[], ${rows.map(({ blob }) => blob.length)}::int[]
        ) as row (id, queue_handle, seq, size_class, start, length)
        where exists (select from lease)
        on conflict (id) do nothing)
      select exists (select from lease) as held`,
      { name: 'sealed_insert' },
    )
    return result?.held === true
  }

  /** The blobs of one queue between two sequence numbers, both included, by row id. Rows whose key is gone may be among them. */
  async blobs(handle: string, firstSeq: number, lastSeq: number): Promise<Map<string, Buffer>> {
    const rows = await this.#db.query<{ id: string; blob: Buffer }>(
      sql`
      select id, blob from xmpp.sealed
      where queue_handle = ${handle}::uuid and seq between ${firstSeq}::bigint and ${lastSeq}::bigint
        and exists (${leaseHeld(LEASE, this.#keyringId, this.#epoch)})`,
      { name: 'sealed_read' },
    )
    return new Map(rows.map(({ id, blob }) => [id, blob]))
  }

  async held(): Promise<boolean> {
    return (await this.#db.query(leaseHeld(LEASE, this.#keyringId, this.#epoch))).length > 0
  }

  delete(ids: readonly string[]): Promise<number> {
    return this.#db.execute(sql`delete from xmpp.sealed where id = any(${ids}::uuid[])`, {
      name: 'sealed_delete',
    })
  }

  /** All rows without their blobs, packed as the keyring compares them, and their highest sequence number, in the order in which they lie on disk, which in that of their random ids would be read page by page for each. Nobody writes meanwhile but to delete. */
  async *scan(): AsyncIterable<{ packed: Buffer; lastSeq: number }> {
    const [size] = await this.#db.query<{ pages: number }>(
      sql`select (pg_relation_size('xmpp.sealed') / current_setting('block_size')::int)::int as pages`,
    )
    const pages = size?.pages ?? 0
    for (let page = 0; page < pages; page += SCAN_PAGES)
      yield* await this.#db.query<{ packed: Buffer; lastSeq: number }>(
        sql`
        select coalesce(string_agg(uuid_send(id) || uuid_send(queue_handle) || int8send(seq) || int2send(size_class), ''), '') as packed,
          coalesce(max(seq), 0) as "lastSeq" from xmpp.sealed
        where ctid >= ${`(${page},0)`}::tid and ctid < ${`(${page + SCAN_PAGES},0)`}::tid`,
        { name: 'sealed_scan' },
      )
  }
}
