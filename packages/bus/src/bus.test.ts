import { once, EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { createTestDatabase } from '../../../test/database.ts'
import { startProxy } from '../../db/test/_proxy.ts'
import { busContract, type Open } from '../test/contract.ts'
import { createPostgresBus, createProcessBus } from './index.ts'
import type { Bus } from './index.ts'

const inProcess: Open = async (stack, options) => {
  const bus = stack.use(createProcessBus(options))
  return Promise.resolve([bus, bus])
}

const overPostgres: Open = async (stack, options) => {
  const database = stack.use(await createTestDatabase())
  const end = async (): Promise<Bus> => {
    const db = stack.use(await openDb({ url: database.url }))
    return stack.use(await createPostgresBus(db, options))
  }
  return [await end(), await end()]
}

busContract('process', inProcess)
busContract('postgres', overPostgres)

test('over Postgres a break is told by onReset, and foreign or oversized payloads do no harm', async () => {
  await using database = await createTestDatabase()
  await using direct = await openDb({ url: database.url })
  await using proxy = await startProxy(database.url)
  await using db = await openDb({ url: proxy.url })
  await using bus = await createPostgresBus(db)
  const events = new EventEmitter()
  bus.onReset(() => void events.emit('reset'))
  bus.subscribe('test/changed', ({ id }) => void events.emit('event', id))

  const reset = once(events, 'reset')
  proxy.cut()
  await expect(bus.publish('test/changed', { id: 'lost' })).rejects.toMatchObject({ name: 'DbError' })
  proxy.restore()
  await reset

  await expect(bus.publish('test/changed', { id: 'x'.repeat(8_000) })).rejects.toMatchObject({
    code: 'BUS_PAYLOAD_TOO_LARGE',
  })
  const next = once(events, 'event')
  for (const payload of ['', '{', '[]', 'null', '["test/changed"]', '[1,2]', '["__proto__",{}]'])
    await direct.execute(sql`select pg_notify('sealpost_bus', ${payload})`)
  await bus.publish('test/changed', { id: 'after' })
  expect(await next).toEqual(['after'])
})
