/** The roster's store in Postgres, schema `xmpp`. The only code that names these tables. */
import { type Db, sql, type Tx } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { RosterItem, RosterStore } from './store.ts'
import { subscriptionValue } from './subscription.ts'

interface SqlItem {
  ver: number
  contact: string | null
  contact_account_id: string | null
  name: string | null
  groups: string[] | null
  listed: boolean
  subscription: string
  ask: boolean
  pending_in: boolean
  approved: boolean
}

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresRosterStore(db: Db): RosterStore {
  return {
    async load(accountId) {
      const rows = await db.query<SqlItem>(
        sql`
          select r.ver, i.contact, i.contact_account_id::text, i.name, i.groups, i.listed, i.subscription, i.ask,
            i.pending_in, i.approved
          from xmpp.roster r left join xmpp.roster_item i using (account_id)
          where r.account_id = ${accountId}::uuid`,
        { name: 'roster-load' },
      )
      const items = rows.flatMap(parseItem)
      return { ver: rows[0]?.ver ?? 0, items: new Map(items.map((item) => [item.contact.toString(), item])) }
    },
    change: (accountId, { put, remove, visible }) =>
      db.transaction(async (tx) => {
        // First, so that two changes of one roster take turns on its row.
        const ver = await countOn(tx, accountId, visible)
        if (put) await putItem(tx, accountId, put)
        if (remove) {
          await tx.execute(sql`
            delete from xmpp.roster_item where account_id = ${accountId}::uuid and contact = ${remove.toString()}`)
        }
        return ver
      }),
    adopt: (accountId, owner, items) =>
      db.transaction(async (tx) => {
        await countOn(tx, accountId, items.length > 0)
        for (const item of items) await putItem(tx, accountId, item)
        await tx.execute(sql`
          update xmpp.roster_item set contact_account_id = ${accountId}::uuid
          where contact = ${owner.toString()} and contact_account_id is null`)
      }),
    async holders(contactAccountId) {
      const rows = await db.query<{ account_id: string; contact: string }>(sql`
        select account_id::text, contact from xmpp.roster_item where contact_account_id = ${contactAccountId}::uuid`)
      return rows.map((row) => ({ accountId: row.account_id, contact: parseJid(row.contact) }))
    },
    async erase(accountId) {
      await db.execute(sql`delete from xmpp.roster where account_id = ${accountId}::uuid`)
    },
  }
}

async function countOn(tx: Tx, accountId: string, visible: boolean): Promise<number> {
  const step = visible ? 1 : 0
  const rows = await tx.query<{ ver: number }>(sql`
    insert into xmpp.roster as r (account_id, ver) values (${accountId}::uuid, ${step}::bigint)
    on conflict (account_id) do update set ver = r.ver + excluded.ver
    returning ver`)
  return rows[0]?.ver ?? 0
}

async function putItem(tx: Tx, accountId: string, item: RosterItem): Promise<void> {
  await tx.execute(sql`
    insert into xmpp.roster_item
      (account_id, contact, contact_account_id, name, groups, listed, subscription, ask, pending_in, approved)
    values (${accountId}::uuid, ${item.contact.toString()}, ${item.contactAccountId}::uuid, ${item.name},
      ${item.groups}::text[], ${item.listed}, ${subscriptionValue(item)}, ${item.ask}, ${item.pendingIn},
      ${item.approved})
    on conflict (account_id, contact) do update set
      contact_account_id = excluded.contact_account_id, name = excluded.name, groups = excluded.groups,
      listed = excluded.listed, subscription = excluded.subscription, ask = excluded.ask,
      pending_in = excluded.pending_in, approved = excluded.approved`)
}

function parseItem(row: SqlItem): RosterItem[] {
  if (row.contact === null) return []
  const { subscription } = row
  return [
    {
      contact: parseJid(row.contact),
      contactAccountId: row.contact_account_id ?? undefined,
      name: row.name ?? undefined,
      groups: row.groups ?? [],
      listed: row.listed,
      to: subscription === 'to' || subscription === 'both',
      from: subscription === 'from' || subscription === 'both',
      ask: row.ask,
      pendingIn: row.pending_in,
      approved: row.approved,
    },
  ]
}
