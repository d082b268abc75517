import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../../test/database.ts'
import { migrate, openDb, sql } from './index.ts'

interface Folder extends AsyncDisposable {
  readonly directory: string
  add(name: string, text: string): Promise<void>
}

async function makeFolder(): Promise<Folder> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-migrate-'))
  return {
    directory,
    add: (name, text) => writeFile(join(directory, name), text),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

test('ten processes at once: each file runs once, as the role of the owner', async () => {
  await using database = await createTestDatabase()
  await using folder = await makeFolder()
  await folder.add(
    '0001_item.sql',
    'create table alpha.item (id int primary key); insert into alpha.item values (1);',
  )
  await folder.add(
    '0002_more.sql',
    "-- what for: 'quotes' and $$ dollars\ninsert into alpha.item values (2);",
  )
  const options = { url: database.url, owner: 'alpha', directory: folder.directory }
  await Promise.all(Array.from({ length: 10 }, () => migrate(options)))
  await folder.add('0003_last.sql', 'insert into alpha.item values (3);')
  await migrate(options)
  await migrate(options)

  await using db = await openDb({ url: database.url, role: 'sealpost_alpha' })
  expect(await db.query(sql`select id from alpha.item order by id`)).toEqual([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ])
  expect(await db.query(sql`select name from alpha.migration order by id`)).toEqual([
    { name: '0001_item' },
    { name: '0002_more' },
    { name: '0003_last' },
  ])
  const owner = await db.query(sql`select tableowner from pg_tables where schemaname = 'alpha' group by 1`)
  expect(owner).toEqual([{ tableowner: 'sealpost_alpha' }])
})

test('an owner can touch nothing of another', async () => {
  await using database = await createTestDatabase()
  await using folder = await makeFolder()
  for (const owner of ['alpha', 'beta']) {
    await folder.add('0001_item.sql', `create table ${owner}.item (id int);`)
    await migrate({ url: database.url, owner, directory: folder.directory })
  }
  await using db = await openDb({ url: database.url, role: 'sealpost_alpha' })
  await expect(db.query(sql`select * from beta.item`)).rejects.toMatchObject({ code: '42501' })
  await expect(db.query(sql`create table public.item (id int)`)).rejects.toMatchObject({ code: '42501' })
  await expect(db.query(sql`create schema other`)).rejects.toMatchObject({ code: '42501' })
})

test('a file that fails undoes all of its run and is told', async () => {
  await using database = await createTestDatabase()
  await using folder = await makeFolder()
  await folder.add('0001_item.sql', 'create table alpha.item (id int);')
  await folder.add('0002_bad.sql', 'create table alpha.item (id int);')
  const options = { url: database.url, owner: 'alpha', directory: folder.directory }
  await expect(migrate(options)).rejects.toMatchObject({ code: '42P07' })
  await using db = await openDb({ url: database.url })
  expect(await db.query(sql`select to_regclass('alpha.item') as item`)).toEqual([{ item: null }])
  await folder.add('0002_bad.sql', 'create table alpha.other (id int);')
  await migrate(options)
})

test('an owner whose name is no plain identifier, or whose schema is foreign, is refused', async () => {
  await using database = await createTestDatabase()
  await using folder = await makeFolder()
  const { directory } = folder
  await expect(migrate({ url: database.url, owner: 'a; drop', directory })).rejects.toMatchObject({
    code: 'DB_IDENTIFIER',
  })
  await using db = await openDb({ url: database.url })
  await db.execute(sql`create schema gamma`)
  await expect(migrate({ url: database.url, owner: 'gamma', directory })).rejects.toMatchObject({
    code: 'DB_SCHEMA_OWNER',
  })
})

test('a user without superuser rights can migrate and take on the roles', async () => {
  await using database = await createTestDatabase()
  await using folder = await makeFolder()
  await folder.add('0001_item.sql', 'create table delta.item (id int);')
  const name = `operator_${new URL(database.url).pathname.slice(6)}`
  await using admin = await openDb({ url: database.url })
  const [, database_] = new URL(database.url).pathname.split('/')
  await admin.execute({ text: `create role ${name} login createrole password 'x'`, values: [] } as never)
  await admin.execute({
    text: `grant create on database ${String(database_)} to ${name}`,
    values: [],
  } as never)
  await admin.execute({ text: 'drop role if exists sealpost_delta', values: [] } as never)
  const url = new URL(database.url)
  url.username = name
  url.password = 'x'
  await migrate({ url: url.href, owner: 'delta', directory: folder.directory })
  await using db = await openDb({ url: url.href, role: 'sealpost_delta' })
  expect(await db.query(sql`select * from delta.item`)).toEqual([])
})
