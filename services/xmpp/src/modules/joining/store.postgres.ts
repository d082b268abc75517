/** Links to become a contact in Postgres, schema `xmpp`. The only code that names this table. */
import { type Db, sql } from '@sealpost/db'
import type { ContactInviteStore } from './store.ts'

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresContactInviteStore(db: Db): ContactInviteStore {
  return {
    insert: ({ tokenHash, accountId, expiresAt }, max, now) =>
      db.transaction(async (tx) => {
        // Those of one account take turns, so that counting and inserting is one step.
        await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${accountId}::text, 0))`)
        await tx.execute(sql`delete from xmpp.contact_invite where expires_at <= ${new Date(now)}`)
        const added = await tx.execute(sql`
          insert into xmpp.contact_invite (token_hash, account_id, expires_at)
          select ${tokenHash}::bytea, ${accountId}::uuid, ${new Date(expiresAt)}::timestamptz
          where (select count(*) from xmpp.contact_invite where account_id = ${accountId}::uuid) < ${max}::int`)
        return added > 0
      }),
    async find(tokenHash, now) {
      const [row] = await db.query<{ account_id: string }>(
        sql`select account_id from xmpp.contact_invite where token_hash = ${tokenHash} and expires_at > ${new Date(now)}`,
      )
      return row?.account_id
    },
    async take(tokenHash, now) {
      const taken = await db.execute(
        sql`delete from xmpp.contact_invite where token_hash = ${tokenHash} and expires_at > ${new Date(now)}`,
      )
      return taken > 0
    },
    async ofAccount(accountId, now) {
      const rows = await db.query<{ expires_at: Date }>(sql`
        select expires_at from xmpp.contact_invite
        where account_id = ${accountId}::uuid and expires_at > ${new Date(now)} order by expires_at`)
      return rows.map((row) => row.expires_at.getTime())
    },
    async erase(accountId) {
      await db.execute(sql`delete from xmpp.contact_invite where account_id = ${accountId}::uuid`)
    },
  }
}
