/** FAST tokens in Postgres, schema `xmpp`. The only code that names their table. */
import { type Db, sql } from '@sealpost/db'
import type { FastTokenStore, TokenSlot } from './token-store.ts'

interface Row {
  slot: TokenSlot
  mechanism: string
  seed: Buffer
  expires_on: string
}

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresFastTokenStore(db: Db): FastTokenStore {
  return {
    async ofDevice({ accountId, identity }) {
      const rows = await db.query<Row>(
        sql`select slot, mechanism, seed, expires_on::text from xmpp.fast_token
            where account_id = ${accountId}::uuid and identity = ${identity}`,
        { name: 'fast_of_device' },
      )
      return rows.map(({ expires_on: expiresOn, ...token }) => ({ ...token, expiresOn }))
    },

    async issue({ accountId, identity }, { mechanism, seed, expiresOn }) {
      const issued = await db.execute(sql`
        insert into xmpp.fast_token (account_id, identity, slot, mechanism, seed, expires_on)
        select account_id, identity, 'next', ${mechanism}, ${seed}::bytea, ${expiresOn}::date from xmpp.device
        where account_id = ${accountId}::uuid and identity = ${identity}
        on conflict (account_id, identity, slot) do update
          set mechanism = excluded.mechanism, seed = excluded.seed, expires_on = excluded.expires_on, last_count = null`)
      return issued > 0
    },

    use({ accountId, identity }, seed, count) {
      const own = sql`account_id = ${accountId}::uuid and identity = ${identity}`
      return db.transaction(async (tx) => {
        const [used] = await tx.query<{ slot: TokenSlot }>(sql`
          update xmpp.fast_token set last_count = ${count ?? null}::integer
          where ${own} and seed = ${seed} and slot <> 'spent'
            and (last_count is null or ${count ?? null}::integer > last_count)
          returning slot`)
        if (used?.slot !== 'next') return used !== undefined
        await tx.execute(sql`delete from xmpp.fast_token where ${own} and slot = 'spent'`)
        await tx.execute(sql`update xmpp.fast_token set slot = 'spent' where ${own} and slot = 'current'`)
        await tx.execute(sql`update xmpp.fast_token set slot = 'current' where ${own} and slot = 'next'`)
        return true
      })
    },

    async revokeDevice({ accountId, identity }) {
      await db.execute(
        sql`delete from xmpp.fast_token where account_id = ${accountId}::uuid and identity = ${identity}`,
      )
    },

    async revokeAccount(accountId) {
      await db.execute(sql`delete from xmpp.fast_token where account_id = ${accountId}::uuid`)
    },

    async expire(today) {
      await db.execute(sql`delete from xmpp.fast_token where expires_on <= ${today}::date`)
    },
  }
}
