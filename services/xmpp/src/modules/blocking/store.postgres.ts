/** Block lists in Postgres, schema `xmpp`. The only code that names this table. */
import { type Db, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { BlockStore } from './store.ts'

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresBlockStore(db: Db): BlockStore {
  return {
    async load(accountId) {
      const rows = await db.query<{ jid: string }>(
        sql`select jid from xmpp.blocked where account_id = ${accountId}::uuid`,
        { name: 'block-list-load' },
      )
      return rows.map(({ jid }) => parseJid(jid))
    },
    async add(accountId, items) {
      await db.execute(sql`
        insert into xmpp.blocked (account_id, jid, blocked_account_id)
        select ${accountId}::uuid, * from unnest(
          ${items.map(({ jid }) => jid.toString())}::text[], ${items.map((item) => item.accountId ?? null)}::uuid[])
        on conflict do nothing`)
    },
    async remove(accountId, jids) {
      await db.execute(sql`
        delete from xmpp.blocked where account_id = ${accountId}::uuid and jid = any(${jids.map(String)}::text[])`)
    },
    async holders(blockedAccountId) {
      const rows = await db.query<{ account_id: string; jid: string }>(sql`
        select account_id, jid from xmpp.blocked where blocked_account_id = ${blockedAccountId}::uuid`)
      return rows.map((row) => ({ accountId: row.account_id, jid: parseJid(row.jid) }))
    },
    async erase(accountId) {
      await db.execute(sql`delete from xmpp.blocked where account_id = ${accountId}::uuid`)
    },
  }
}
