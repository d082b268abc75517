/** The store of elements in Postgres, schema `xmpp`. The only code that names its table. */
import { type Db, sql } from '@sealpost/db'
import { ROW_BYTES, type StoredXml, xmlCost, type XmlStore } from './store.ts'

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresXmlStore(db: Db): XmlStore {
  return {
    async get(accountId, { ns, name }) {
      const [row] = await db.query<{ xml: string }>(
        sql`select xml from xmpp.stored_xml where account_id = ${accountId}::uuid and ns = ${ns} and name = ${name}`,
        { name: 'stored-xml-get' },
      )
      return row?.xml
    },
    put: (accountId, stored, bytesMax) =>
      db.transaction(async (tx) => {
        const names = sql`select * from unnest(${stored.map(({ ns }) => ns)}::text[], ${stored.map(({ name }) => name)}::text[])`
        const [others] = await tx.query<{ bytes: number }>(
          sql`select coalesce(sum(octet_length(ns) + octet_length(name) + octet_length(xml) + ${ROW_BYTES}::int), 0)::int as bytes
            from xmpp.stored_xml where account_id = ${accountId}::uuid and (ns, name) not in (${names})`,
        )
        const bytes = stored.reduce((sum, each) => sum + xmlCost(each), others?.bytes ?? 0)
        if (bytes > bytesMax) return false
        await tx.execute(sql`
          insert into xmpp.stored_xml (account_id, ns, name, xml)
          select ${accountId}::uuid, s.ns, s.name, s.xml
          from unnest(${stored.map(({ ns }) => ns)}::text[], ${stored.map(({ name }) => name)}::text[],
            ${stored.map(({ xml }) => xml)}::text[]) as s (ns, name, xml)
          on conflict (account_id, ns, name) do update set xml = excluded.xml`)
        return true
      }),
    all: (accountId) =>
      db.query<StoredXml>(
        sql`select ns, name, xml from xmpp.stored_xml where account_id = ${accountId}::uuid order by ns, name`,
      ),
    async erase(accountId) {
      await db.execute(sql`delete from xmpp.stored_xml where account_id = ${accountId}::uuid`)
    },
  }
}
