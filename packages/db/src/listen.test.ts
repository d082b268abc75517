import { EventEmitter, once } from 'node:events'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../../test/database.ts'
import { startProxy } from '../test/_proxy.ts'
import { isConnectionError, openDb, sql } from './index.ts'

test.concurrent('payloads arrive; after a cut the connection comes back and says so', async () => {
  await using database = await createTestDatabase()
  await using proxy = await startProxy(database.url)
  await using direct = await openDb({ url: database.url })
  const errors: Error[] = []
  await using db = await openDb({ url: proxy.url, onError: (error) => errors.push(error) })
  const events = new EventEmitter()
  let resets = 0
  const listening = await db.listen(
    'news',
    (payload) => events.emit('payload', payload),
    () => {
      resets += 1
      events.emit('reset')
    },
  )
  expect(resets).toBe(1)

  const first = once(events, 'payload')
  await direct.execute(sql`select pg_notify('news', 'one')`)
  expect(await first).toEqual(['one'])

  const again = once(events, 'reset')
  proxy.cut()
  await direct.execute(sql`select pg_notify('news', 'lost')`)
  proxy.restore()
  await again
  expect(resets).toBe(2)
  const second = once(events, 'payload')
  await direct.execute(sql`select pg_notify('news', 'two')`)
  expect(await second).toEqual(['two'])
  for (const error of errors) expect(isConnectionError(error)).toBe(true)

  await listening[Symbol.asyncDispose]()
  // The server takes a moment to notice; the time limit of the test ends the wait.
  for (let open = 1; open > 0;) {
    const rows = await direct.query(
      sql`select 1 from pg_stat_activity where query like 'listen %' and datname = current_database()`,
    )
    open = rows.length
  }
  expect(resets).toBe(2)
})

test.concurrent('a first connection that fails is an error, and a channel must be a plain name', async () => {
  await using database = await createTestDatabase()
  await using proxy = await startProxy(database.url)
  await using db = await openDb({ url: proxy.url })
  const ignore = (): void => undefined
  await expect(db.listen('news; drop table x', ignore, ignore)).rejects.toMatchObject({
    code: 'DB_IDENTIFIER',
  })
  proxy.cut()
  await expect(db.listen('news', ignore, ignore)).rejects.toSatisfy(isConnectionError)
})

test.concurrent('a lock is given to exactly one of ten, and to the next when it is released', async () => {
  await using database = await createTestDatabase()
  await using db = await openDb({ url: database.url })
  const lost = (): void => expect.unreachable('nothing was lost')
  const tries = await Promise.all(Array.from({ length: 10 }, () => db.lock(7n, lost)))
  const held = tries.filter((lock) => lock !== undefined)
  expect(held).toHaveLength(1)
  const other = await db.lock(-(2n ** 63n), lost)
  expect(other).toBeDefined()
  await held[0]?.[Symbol.asyncDispose]()
  const next = await db.lock(7n, lost)
  expect(next).toBeDefined()
  await next?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
})

test.concurrent.each(['cut', 'silence'] as const)(
  'a lock whose line is %s is lost once, within half a minute',
  async (how) => {
    await using database = await createTestDatabase()
    await using proxy = await startProxy(database.url)
    await using db = await openDb({ url: proxy.url })
    let times = 0
    const lost = Promise.withResolvers<undefined>()
    const lock = await db.lock(8n, () => {
      times += 1
      lost.resolve(undefined)
    })
    expect(lock).toBeDefined()
    const from = performance.now()
    proxy[how]()
    await lost.promise
    expect(performance.now() - from).toBeLessThan(30_000)
    await lock?.[Symbol.asyncDispose]()
    expect(times).toBe(1)
  },
)
