/** The data map (packages/data-map) against what there is: every column of every table, every field of a log line, every file of secrets. */
import { DATA_MAP, dataMapDocument, dataPolicy, FILES, LOG_FIELDS } from '@sealpost/data-map'
import { LOG_FIELD_NAMES } from '@sealpost/log'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { listFiles, readText } from './_source-tree.ts'
import { createMigratedDatabase } from './database.ts'

/** `schema.table` and its columns, in order of name. */
async function columnsOf(url: string): Promise<Map<string, string[]>> {
  const database = new Client({ connectionString: url })
  await database.connect()
  const { rows } = await database.query<{ name: string; columns: string[] }>(
    `select format('%s.%s', table_schema, table_name) as name, array_agg(column_name::text order by column_name) as columns
     from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') group by 1`,
  )
  await database.end()
  return new Map(rows.map(({ name, columns }) => [name, columns.sort()]))
}

test('every table and every column has an entry, and every entry has a column', async () => {
  await using database = await createMigratedDatabase()
  const there = [...(await columnsOf(database.url))]
  const mapped = Object.entries(DATA_MAP).map(([name, { columns }]) => [name, Object.keys(columns).sort()])
  const byName = ([a]: [string, ...unknown[]], [b]: [string, ...unknown[]]): number => a.localeCompare(b)
  expect((mapped as [string, string[]][]).sort(byName)).toEqual(there.sort(byName))
})

test('a table that leads to accounts is about one; the map says what becomes of it, and whether its owner gets it', () => {
  for (const [name, table] of Object.entries(DATA_MAP)) {
    const leads = Object.keys(table.columns).some((column) => /(?:^|_)account_id$/.test(column))
    if (leads) expect([name, table.about]).toEqual([name, 'account'])
    const told = table.about === 'nobody' ? [] : [...Object.values<string>(table.told), table.erased]
    const words = [table.purpose, table.kept, ...told, ...Object.values(table.columns)]
    expect([name, words.filter((says) => says.trim() === '')]).toEqual([name, []])
  }
})

test('every field of a log line has an entry', () => {
  expect(Object.values(LOG_FIELDS)).not.toContain('')
  expect(Object.keys(LOG_FIELDS).sort()).toEqual([...LOG_FIELD_NAMES].sort())
})

test('every file of keys that a program names has an entry', () => {
  const named = new Set<string>()
  for (const path of listFiles().filter((each) => /^(?:packages|services)\/[^/]+\/src\/.*\.ts$/.test(each)))
    for (const [, name] of readText(path).matchAll(/'([a-z-]+\.key)'/g)) named.add(name ?? '')
  const mapped = Object.keys(FILES).map((path) => path.split('/').at(-1) ?? '')
  // The key of the local CA lies with the certificates.
  expect([...named].filter((name) => name !== 'ca.key' && !mapped.includes(name))).toEqual([])
  expect(named.size).toBeGreaterThan(10)
})

test('the data policy follows from the map: a password in clear, or messages that are not sealed, would be told', () => {
  expect(dataPolicy()).toEqual({
    authData: 'hidden',
    encryptionAtRest: true,
    dataDeletion: true,
    dataExport: true,
    fullErasure: true,
    accessPolicy: ['admins', 'government'],
    readableInBackups: false,
  })
  const keyring = 'KEYRING/smtp/keyring.slots'
  const copied = { ...FILES, [keyring]: { purpose: '', kept: '', backup: 'yes' } } as const
  expect(dataPolicy(DATA_MAP, copied).readableInBackups).toBe(true)
  const { sealed: _sealed, ...readable } = DATA_MAP['xmpp.sealed'] as { sealed: true; about: 'account' }
  const worse = {
    ...DATA_MAP,
    'xmpp.sealed': { ...DATA_MAP['smtp.mail_settings'], ...readable },
    'x.y': { about: 'nobody', purpose: '', kept: '', columns: { password: '' } },
  } as typeof DATA_MAP
  expect(dataPolicy(worse)).toMatchObject({ authData: 'plain', encryptionAtRest: false })
})

test('the document that is published has all of it', () => {
  expect(dataMapDocument()).toMatchObject({
    schema: 'urn:sealpost:data-map:1',
    tables: expect.arrayContaining([
      expect.objectContaining({ name: 'xmpp.roster_item', exported: 'chat', sealed: false }),
      expect.objectContaining({ name: 'audit.entry', not_exported: expect.any(String) as string }),
    ]) as unknown,
    log_fields: LOG_FIELDS,
  })
})
