/**
 * What became of accounts and organisations, as the database notes it in the transaction of each change (migrations/0210_transition.sql, 0300_outbox.sql). At least
 * once: who reads forgets only what is told.
 */
import { sql, type Db, type Tx } from '@sealpost/db'

export interface OutboxEvent {
  /** As webhooks name it. */
  readonly type: string
  /** Ids, codes and days, never an address or name of a person. */
  readonly data: Readonly<Record<string, unknown>>
}

export interface Telling {
  /** Told with the change, or not at all. */
  readonly event?: OutboxEvent | undefined
}

export interface Outbox {
  /** The oldest that nobody has forgotten. The id is the same however often it is read. */
  pending(limit: number): Promise<(OutboxEvent & { readonly id: string })[]>
  /** They have been told, durably. */
  forget(ids: readonly string[]): Promise<void>
}

interface Row {
  readonly id: string
  readonly type: string
  readonly data: string
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresOutbox(db: Db): Outbox {
  return {
    async pending(limit) {
      const rows = await db.query<Row>(sql`
        (select id, 'account.' || event as type, json_strip_nulls(json_build_object('account_id', account_id, 'reason', reason))::text as data
          from account.transition order by seq limit ${limit}::int)
        union all
        (select id, type, data from account.outbox order by seq limit ${limit}::int)
        limit ${limit}::int`)
      return rows.map(({ id, type, data }) => ({
        id,
        type,
        data: JSON.parse(data) as OutboxEvent['data'],
      }))
    },
    async forget(ids) {
      const told = sql`id = any(${[...ids]}::uuid[])`
      await db.execute(sql`delete from account.transition where ${told}`)
      await db.execute(sql`delete from account.outbox where ${told}`)
    },
  }
}

/** Writes an event in the transaction of the change that it tells of. */
export async function noteEvent(tx: Tx, event: OutboxEvent | undefined): Promise<void> {
  if (event === undefined) return
  await tx.execute(
    sql`insert into account.outbox (type, data) values (${event.type}, ${JSON.stringify(event.data)})`,
  )
}
