/** Idempotency keys in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type { IdempotencyStore } from './store.ts'

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresIdempotency(db: Db): IdempotencyStore {
  return {
    async claim(keyHash, proposedId, expiresAt, now) {
      // An update even of a valid row, so that the statement always answers with the row that won.
      const [row] = await db.query<{ account_id: string }>(sql`
        insert into api.idempotency as i (key_hash, account_id, expires_at)
        values (${keyHash}, ${proposedId}::uuid, ${new Date(expiresAt)})
        on conflict (key_hash) do update set
          account_id = case when i.expires_at > ${new Date(now)} then i.account_id else excluded.account_id end,
          expires_at = case when i.expires_at > ${new Date(now)} then i.expires_at else excluded.expires_at end
        returning account_id`)
      return row?.account_id ?? proposedId
    },
    async eraseAccount(accountId) {
      await db.execute(sql`delete from api.idempotency where account_id = ${accountId}::uuid`)
    },
    async eraseExpired(now) {
      await db.execute(sql`delete from api.idempotency where expires_at <= ${new Date(now)}`)
    },
  }
}
