import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../../test/database.ts'
import { startProxy } from '../test/_proxy.ts'
import { DbError, isConnectionError, isUniqueViolation, join, openDb, sql } from './index.ts'

const CANARY = 'canary@example.com'

async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('Expected a failure')
}

test.concurrent('values come back as int8 number, date text, timestamptz Date, bytea Buffer', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url })
  const rows = await db.query<Record<string, unknown>>(
    sql`select ${9_007_199_254_740_991}::int8 as big, ${'2030-02-28'}::date as day,
          ${new Date(5)}::timestamptz as at, ${Buffer.from('ab')}::bytea as blob, ${['a', 'b']}::text[] as list`,
  )
  expect(rows).toEqual([
    {
      big: 9_007_199_254_740_991,
      day: '2030-02-28',
      at: new Date(5),
      blob: Buffer.from('ab'),
      list: ['a', 'b'],
    },
  ])
  expect(await failure(db.query(sql`select 9007199254740993::int8`))).toMatchObject({ code: 'DB_INT8_RANGE' })
})

test.concurrent('named statements are prepared; execute tells the number of rows', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url, poolSize: 1 })
  await db.execute(sql`create table item (id int primary key)`)
  const count = await db.execute(sql`insert into item values ${join([sql`(${1})`, sql`(${2})`])}`)
  expect(count).toBe(2)
  for (const id of [1, 2, 3]) {
    const rows = await db.query<{ id: number }>(sql`select id from item where id = ${id}`, {
      name: 'item-by-id',
    })
    expect(rows).toHaveLength(id === 3 ? 0 : 1)
  }
  const prepared = await db.query<{ name: string }>(sql`select name from pg_prepared_statements`)
  expect(prepared).toEqual([{ name: 'item-by-id' }])
})

test.concurrent('errors carry the SQLSTATE and no value, whatever is printed of them', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url })
  await db.execute(sql`create table person (name text constraint person_once unique, id uuid)`)
  await db.execute(sql`insert into person (name) values (${CANARY})`)
  const unique = await failure(db.execute(sql`insert into person (name) values (${CANARY})`))
  const malformed = await failure(db.execute(sql`insert into person (id) values (${CANARY})`))
  expect(isUniqueViolation(unique)).toBe(true)
  expect(isUniqueViolation(unique, 'person_once')).toBe(true)
  expect(isUniqueViolation(unique, 'other')).toBe(false)
  expect(isUniqueViolation(malformed)).toBe(false)
  expect(malformed).toMatchObject({ name: 'DbError', code: '22P02' })
  for (const error of [unique, malformed]) {
    expect(error).toBeInstanceOf(DbError)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CANARY)
  }
  const wrong = await failure(db.query(sql`select nothing from nowhere where x = ${CANARY}`))
  expect(wrong).toMatchObject({ code: '42P01', message: expect.stringContaining('nowhere') as string })
})

test.concurrent('a transaction commits, or rolls back and passes on what its work threw', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url, poolSize: 1 })
  await db.execute(sql`create table item (id int primary key)`)
  expect(
    await db.transaction(async (tx) => {
      await tx.execute(sql`insert into item values (1)`)
      return 'done'
    }),
  ).toBe('done')
  const thrown = new TypeError('cannot connect the dots')
  const caught = await failure(
    db.transaction(async (tx) => {
      await tx.execute(sql`insert into item values (2)`)
      throw thrown
    }),
  )
  expect(caught).toBe(thrown)
  const doubled = await failure(db.transaction((tx) => tx.execute(sql`insert into item values (3), (3)`)))
  expect(isUniqueViolation(doubled)).toBe(true)
  expect(await db.query(sql`select id from item`)).toEqual([{ id: 1 }])
})

test.concurrent('a refused statement does not cost the connection', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url, poolSize: 1 })
  const pid = async (): Promise<unknown> => (await db.query(sql`select pg_backend_pid() as pid`))[0]
  const before = await pid()
  await failure(db.query(sql`select 1 / 0`))
  expect(await pid()).toEqual(before)
})

test.concurrent('the pool fails while Postgres is away and works again afterwards', async () => {
  await using database = await createTestDatabase()
  await using proxy = await startProxy(database.url)
  const errors: Error[] = []
  await using db = await openDb({ url: proxy.url, onError: (error) => errors.push(error) })
  const running = failure(db.query(sql`select pg_sleep(30)`))
  const idle = db.query(sql`select 1`)
  await idle
  proxy.cut()
  expect(isConnectionError(await running)).toBe(true)
  for (let attempt = 0; attempt < 5; attempt += 1)
    expect(isConnectionError(await failure(db.query(sql`select 1`)))).toBe(true)
  const inTransaction = failure(db.transaction((tx) => tx.query(sql`select 1`)))
  expect(isConnectionError(await inTransaction)).toBe(true)
  proxy.restore()
  expect(await db.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
  for (const error of errors) expect(isConnectionError(error)).toBe(true)
})

test.concurrent('a connection that the server ends during a transaction is an error of that transaction only', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url })
  const ended = failure(
    db.transaction(async (tx) => {
      const [backend] = await tx.query<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      await db.query(sql`select pg_terminate_backend(${backend?.pid}::int)`)
      await tx.query(sql`select 1`)
    }),
  )
  expect(isConnectionError(await ended)).toBe(true)
  expect(await db.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
})

test.concurrent('no more than 5,000 statements wait for a connection', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url, poolSize: 1 })
  const first = db.query(sql`select pg_sleep(0.5)`)
  const refused: unknown[] = []
  const calls = Array.from({ length: 5_100 }, () =>
    db.query(sql`select 1`).catch((error: unknown) => void refused.push(error)),
  )
  await first
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThanOrEqual(101)
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'DB_BUSY' })
    expect(isConnectionError(error)).toBe(true)
  }
  await Promise.all(calls)
})

test.concurrent('an unreachable server, a missing role and a closed pool are told apart', async () => {
  await using database = await createTestDatabase()
  await using proxy = await startProxy(database.url)
  const role = await failure(openDb({ url: database.url, role: 'no_such_role' }))
  expect(role).toBeInstanceOf(DbError)
  expect(isConnectionError(role)).toBe(false)
  proxy.cut()
  expect(isConnectionError(await failure(openDb({ url: proxy.url })))).toBe(true)
  const db = await openDb({ url: database.url })
  await db[Symbol.asyncDispose]()
  await db[Symbol.asyncDispose]()
  expect(await failure(db.query(sql`select 1`))).toMatchObject({ code: 'DB_CLOSED' })
})

test.concurrent('disposal resolves when the server has closed the connections', async () => {
  await using database = await createTestDatabase()
  await using watcher = await openDb({ url: database.url })
  for (let round = 0; round < 10; round++) {
    const db = await openDb({ url: database.url })
    await Promise.all(Array.from({ length: 5 }, () => db.query(sql`select pg_sleep(0.01)`)))
    await db[Symbol.asyncDispose]()
    const others = await watcher.query(
      sql`select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    expect(others).toEqual([])
  }
})
