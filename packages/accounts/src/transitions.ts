/** What became of accounts, as the database notes it in the transaction of each change (migrations/0210_transition.sql). At least once: who reads forgets only what is told. */
import { sql, type Db } from '@sealpost/db'

export interface Transition {
  /** The same however often it is read. */
  readonly id: string
  readonly accountId: string
  readonly event: 'created' | 'suspended' | 'restored' | 'terminated'
  /** Of a suspension, the code. */
  readonly reason: string | undefined
}

export interface Transitions {
  /** The oldest that nobody has forgotten. */
  pending(limit: number): Promise<Transition[]>
  /** They have been told, durably. */
  forget(ids: readonly string[]): Promise<void>
}

interface Row {
  readonly id: string
  readonly account_id: string
  readonly event: Transition['event']
  readonly reason: string | null
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresTransitions(db: Db): Transitions {
  return {
    async pending(limit) {
      const rows = await db.query<Row>(
        sql`select id, account_id, event, reason from account.transition order by seq limit ${limit}`,
      )
      return rows.map(({ id, account_id: accountId, event, reason }) => ({
        id,
        accountId,
        event,
        reason: reason ?? undefined,
      }))
    },
    async forget(ids) {
      await db.execute(sql`delete from account.transition where id = any(${[...ids]}::uuid[])`)
    },
  }
}
