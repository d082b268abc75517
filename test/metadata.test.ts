/** What the tables cannot tell, whoever reads them: when somebody did something, and how often somebody wrote to somebody. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DATA_MAP } from '@sealpost/data-map'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { createMigratedDatabase } from './database.ts'

/** Times in tables about people, each with the reason for which a day would not do. */
const TIMES: Readonly<Record<string, string>> = {
  'account.invite.expires_at': 'a promise to whoever has the link',
  'api.account_session.started_at': 'ends the session within hours',
  'api.account_session.seen_at': 'ends the session within minutes; gone with it',
  'api.account_session.ends_at': 'ends the session',
  'api.administrator_session.started_at': 'ends the session within hours',
  'api.administrator_session.seen_at': 'ends the session within minutes; gone with it',
  'api.administrator_session.proved_at': 'what cannot be taken back asks for a recent proof',
  'api.approval.asked_at': 'gone after a day',
  'api.approval.expires_at': 'gone after a day',
  'api.challenge.expires_at': 'gone after five minutes',
  'api.idempotency.expires_at': 'gone after a day',
  'api.notice.starts_at': 'of planned maintenance, by the operator',
  'api.notice.ends_at': 'of planned maintenance, by the operator',
  'api.notice.created_at': 'the operator’s act',
  'api.notice.shown_until': 'the operator’s act',
  'api.notice.withdrawn_at': 'the operator’s act',
  'api.phone.expires_at': 'a code is good for minutes',
  'api.subscription.billed_at': 'what the billing system did, in its order',
  'api.webhook_event.created_at': 'what receivers are told; gone when they have it',
  'audit.entry.at': 'what administrators did',
  'keys.address_token.expires_at': 'gone after a day',
  'keys.link.expires_at': 'a promise to whoever has the link',
  'smtp.greylist.first_at': 'to the minute: whether a second try comes late enough; names nobody',
  'smtp.list_member.expires_at': 'a promise to whoever has the link',
  'smtp.mail.accepted_at': 'expiry counts from here; of nobody that the row names, gone with the mail',
  'smtp.sender_reputation.blocked_until': 'to the minute; names nobody',
  'xmpp.contact_invite.expires_at': 'a promise to whoever has the link',
}

/** Tables with a row for two who know each other. */
const PAIRS = [
  'xmpp.roster_item',
  'xmpp.blocked',
  'xmpp.room_affiliation',
  'smtp.known_recipient',
  'smtp.greylist',
  'smtp.list_member',
]

interface Column {
  readonly table: string
  readonly column: string
  readonly type: string
}

async function columns(): Promise<Column[]> {
  await using database = await createMigratedDatabase()
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query<Column>(
    `select format('%s.%s', table_schema, table_name) as table, column_name as column, data_type as type from information_schema.columns
     join information_schema.tables using (table_schema, table_name)
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  )
  await client.end()
  return rows
}

const all = await columns()

test('what is kept about people has days; each time has a reason', () => {
  const times = all
    .filter(({ table }) => DATA_MAP[table]?.about !== 'nobody')
    .filter(({ type }) => /^(?:timestamp|time)/.test(type))
    .map(({ table, column }) => `${table}.${column}`)
  expect(times.toSorted()).toEqual(Object.keys(TIMES).toSorted())
})

test('the last use of anything that lives for long is a day', () => {
  const used = all.filter(({ column }) => /^(?:last_)?(?:used|seen)_(?:on|at)$|^last_on$/.test(column))
  const finer = used.filter(({ type }) => type !== 'date').map(({ table }) => table)
  expect(finer.toSorted()).toEqual(['api.account_session', 'api.administrator_session'])
  expect(used.length).toBeGreaterThan(6)
})

test('docs/privacy.md names each table that has a row for two', async () => {
  const text = await readFile(join(import.meta.dirname, '../docs/privacy.md'), 'utf8')
  const claim = /^4\. \*\*Nothing says who was in touch with whom.*$/m.exec(text)?.[0] ?? ''
  expect(PAIRS.filter((table) => !claim.includes(`\`${table}\``))).toEqual([])
})

test('no table counts what goes on between two', () => {
  for (const pair of PAIRS) {
    const ofPair = all.filter(({ table }) => table === pair)
    expect(ofPair.length).toBeGreaterThan(0)
    const counts = ofPair.filter(({ type }) => /int|numeric|double|real/.test(type))
    expect([pair, counts.map(({ column }) => column)]).toEqual([pair, []])
  }
})
