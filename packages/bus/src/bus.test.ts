import { once, EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { createTestDatabase } from '../../../test/database.ts'
import { startProxy } from '../../db/test/_proxy.ts'
import { createPostgresBus, createProcessBus } from './index.ts'
import type { Bus, BusOptions } from './index.ts'

declare module '@sealpost/bus' {
  interface Topics {
    'test/changed': { readonly id: string }
    'test/other': { readonly id: string }
  }
}

/** Two ends of one bus: in one process the same, over Postgres two. */
type Open = (stack: AsyncDisposableStack, options: BusOptions) => Promise<[Bus, Bus]>

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

async function until(events: string[], count: number, grown: EventEmitter): Promise<void> {
  while (events.length < count) await once(grown, 'event')
}

describe.each([
  ['process', inProcess],
  ['postgres', overPostgres],
] as const)('Bus (%s)', (_name, open) => {
  test('events reach every subscriber of their topic, in order, as copies', async () => {
    await using stack = new AsyncDisposableStack()
    const [one, two] = await open(stack, {})
    const grown = new EventEmitter()
    const events: string[] = []
    const note = (end: string) => (payload: { readonly id: string }) => {
      events.push(`${end}${payload.id}`)
      grown.emit('event')
    }
    one.subscribe('test/changed', note('a'))
    two.subscribe('test/changed', note('b'))
    two.subscribe('test/other', note('x'))
    const payload = { id: '1' }
    await one.publish('test/changed', payload)
    payload.id = 'changed later'
    await one.publish('test/changed', { id: '2' })
    await until(events, 4, grown)
    expect(events.filter((event) => event.startsWith('a'))).toEqual(['a1', 'a2'])
    expect(events.filter((event) => event.startsWith('b'))).toEqual(['b1', 'b2'])
  })

  test('a handler that throws is reported and disturbs nobody; disposing ends a subscription', async () => {
    await using stack = new AsyncDisposableStack()
    const errors: unknown[] = []
    const grown = new EventEmitter()
    const [one, two] = await open(stack, { onError: (error) => errors.push(error) })
    const events: string[] = []
    two.subscribe('test/changed', () => {
      throw new Error('handler')
    })
    two.subscribe('test/changed', async () => Promise.reject(new Error('handler, later')))
    const ended = two.subscribe('test/changed', () => void events.push('ended'))
    ended[Symbol.dispose]()
    two.subscribe('test/changed', ({ id }) => {
      events.push(id)
      grown.emit('event')
    })
    await one.publish('test/changed', { id: '1' })
    await until(events, 1, grown)
    expect(events).toEqual(['1'])
    expect(errors).toHaveLength(2)
  })
})

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
