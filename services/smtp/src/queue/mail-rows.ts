/** The table `smtp.mail`: every statement that names it, except the lease's. */
import { sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { leaseHeld } from '@sealpost/keyring'
import type { LeaseScope } from '@sealpost/keyring'
import type { BodyPlace } from './sealed-body.ts'

/** The key is "sealmail" in ASCII as an int8. */
export const LEASE: LeaseScope = { schema: 'smtp', rows: 'mail', lockKey: 0x7365_616c_6d61_696cn }

/** What the start needs of a mail. */
export interface RowHead {
  readonly id: string
  readonly handle: string
  readonly seq: number
  readonly key: Buffer
  readonly envelope: Buffer
  readonly state: Buffer | null
  readonly spool: string | null
  readonly acceptedAt: Date
}

export interface NewRow {
  readonly id: string
  readonly handle: string
  readonly seq: number
  readonly key: Buffer
  readonly envelope: Buffer
  readonly header: Buffer
  readonly body: BodyPlace
  /** Seconds since the epoch. */
  readonly acceptedAt: number
}

/** The rows of the keyring that holds the lease. */
export class MailRows {
  readonly #db: Db
  readonly #keyringId: string
  readonly #epoch: number

  constructor(db: Db, lease: { keyringId: string; epoch: number }) {
    this.#db = db
    this.#keyringId = lease.keyringId
    this.#epoch = lease.epoch
  }

  /** Adds them all; false, and nothing added, when the lease is no longer ours. */
  async insert(rows: readonly NewRow[]): Promise<boolean> {
    const bytes = new Slices()
    const keys = rows.map(({ key }) => bytes.add(key))
    const envelopes = rows.map(({ envelope }) => bytes.add(envelope))
    const headers = rows.map(({ header }) => bytes.add(header))
    const bodies = rows.map(({ body }) => bytes.add(body.inline ?? Buffer.alloc(0)))
    // The bytes travel as one value, which the driver sends as it is; an array of them would be sent as hexadecimal text.
    const [result] = await this.#db.query<{ held: boolean }>(
      sql`
      with lease as (${leaseHeld(LEASE, this.#keyringId, this.#epoch)}), added as (
        insert into smtp.mail (id, queue_handle, seq, key, envelope, header, body, spool, accepted_at)
        select id, queue_handle, seq, substring(bytes from key_at for key_length), substring(bytes from envelope_at for envelope_length),
          substring(bytes from header_at for header_length),
          case when spool is null then substring(bytes from body_at for body_length) end, spool, to_timestamp(accepted_at)
        from (select ${bytes.concat()}::bytea as bytes) as sent, unnest(
          ${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ handle }) => handle)}::uuid[], ${rows.map(({ seq }) => seq)}::bigint[],
          ${keys.map(([at]) => at)}::int[], ${keys.map(([, length]) => length)}::int[],
          ${envelopes.map(([at]) => at)}::int[], ${envelopes.map(([, length]) => length)}::int[],
          ${headers.map(([at]) => at)}::int[], ${headers.map(([, length]) => length)}::int[],
          ${bodies.map(([at]) => at)}::int[], ${bodies.map(([, length]) => length)}::int[],
          ${rows.map(({ body }) => body.spool ?? null)}::uuid[], ${rows.map(({ acceptedAt }) => acceptedAt)}::bigint[]
        ) as row (id, queue_handle, seq, key_at, key_length, envelope_at, envelope_length, header_at, header_length, body_at, body_length, spool, accepted_at)
        where exists (select from lease))
      select exists (select from lease) as held`,
      { name: 'mail_insert' },
    )
    return result?.held === true
  }

  /** Envelope, header and, unless it is in the spool, body. */
  async content(id: string): Promise<{ envelope: Buffer; header: Buffer; body: Buffer | null } | undefined> {
    const [row] = await this.#db.query<{ envelope: Buffer; header: Buffer; body: Buffer | null }>(
      sql`select envelope, header, body from smtp.mail where id = ${id}::uuid`,
      { name: 'mail_content' },
    )
    return row
  }

  /** What became of mails since; those that are gone are passed over. False when the lease is no longer ours. */
  async saveStates(states: readonly { readonly id: string; readonly state: Buffer }[]): Promise<boolean> {
    const bytes = new Slices()
    const places = states.map(({ state }) => bytes.add(state))
    const [result] = await this.#db.query<{ held: boolean }>(
      sql`
      with lease as (${leaseHeld(LEASE, this.#keyringId, this.#epoch)}), saved as (
        update smtp.mail set state = substring(bytes from at for length)
        from (select ${bytes.concat()}::bytea as bytes) as sent,
          unnest(${states.map(({ id }) => id)}::uuid[], ${places.map(([at]) => at)}::int[], ${places.map(([, length]) => length)}::int[])
            as given (mail, at, length)
        where id = mail and exists (select from lease))
      select exists (select from lease) as held`,
      { name: 'mail_save' },
    )
    return result?.held === true
  }

  delete(ids: readonly string[]): Promise<number> {
    return this.#db.execute(sql`delete from smtp.mail where id = any(${ids}::uuid[])`, {
      name: 'mail_delete',
    })
  }

  /** All rows, `limit` at a time, without their content. */
  async *scan(limit: number): AsyncIterable<RowHead[]> {
    let after = '00000000-0000-0000-0000-000000000000'
    for (;;) {
      const rows = await this.#db.query<RowHead>(
        sql`
        select id, queue_handle as handle, seq, key, envelope, state, spool, accepted_at as "acceptedAt" from smtp.mail
        where id > ${after}::uuid order by id limit ${limit}::int`,
        { name: 'mail_scan' },
      )
      const last = rows.at(-1)
      if (last === undefined) return
      yield rows
      after = last.id
    }
  }
}

/** Many buffers as one, and where each of them lies in it: from 1, as Postgres counts. */
class Slices {
  readonly #buffers: Buffer[] = []
  #next = 1

  add(buffer: Buffer): readonly [at: number, length: number] {
    const place = [this.#next, buffer.length] as const
    this.#buffers.push(buffer)
    this.#next += buffer.length
    return place
  }

  concat(): Buffer {
    return Buffer.concat(this.#buffers)
  }
}
