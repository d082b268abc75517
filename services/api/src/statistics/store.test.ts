import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryStatistics } from './store.memory.ts'
import { postgresStatistics } from './store.postgres.ts'
import type { StatisticsStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<StatisticsStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresStatistics(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

describe.each([
  ['memory', async () => memoryStatistics()],
  ['postgres', openPostgres],
])('StatisticsStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: StatisticsStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const HOUR = 3_600_000
  const DAY = 24 * HOUR
  const start = Date.UTC(2030, 0, 1)

  test('readings of an hour come together, those of a day too; percentiles keep their buckets', async () => {
    const online = (value: number) => ({ name: 'chat.online', bucket: '', value }) as const
    const under = (bucket: string, value: number) => ({ name: 'chat.delivery', bucket, value }) as const
    await store.add(start, [online(3), under('0.1', 1), under('+Inf', 2)])
    await store.add(start + HOUR - 1, [online(7)])
    await store.add(start + HOUR, [online(1)])
    const hours = await store.read({
      step: 'hour',
      names: ['chat.online', 'chat.delivery'],
      from: start,
      until: start + DAY,
    })
    expect(hours).toEqual([
      { name: 'chat.delivery', bucket: '+Inf', at: start, sum: 2, samples: 1, max: 2 },
      { name: 'chat.delivery', bucket: '0.1', at: start, sum: 1, samples: 1, max: 1 },
      { name: 'chat.online', bucket: '', at: start, sum: 10, samples: 2, max: 7 },
      { name: 'chat.online', bucket: '', at: start + HOUR, sum: 1, samples: 1, max: 1 },
    ])
    const query = { names: ['chat.online'], from: start, until: start + DAY } as const
    expect(await store.read({ ...query, step: 'day' })).toEqual([
      { name: 'chat.online', bucket: '', at: start, sum: 11, samples: 3, max: 7 },
    ])
    await store.add(start, [])
    expect(await store.read({ ...query, step: 'hour', until: start })).toEqual([])
  })

  test('hours are erased without days, and only the older ones', async () => {
    const later = start + 10 * DAY
    await store.add(later, [{ name: 'mail.received', bucket: '', value: 1 }])
    await store.add(later + HOUR, [{ name: 'mail.received', bucket: '', value: 1 }])
    await store.erase('hour', later + HOUR)
    const query = { names: ['mail.received'], from: start, until: later + DAY } as const
    expect((await store.read({ ...query, step: 'hour' })).map(({ at }) => at)).toEqual([later + HOUR])
    expect((await store.read({ ...query, step: 'day' })).map(({ sum }) => sum)).toEqual([2])
    await store.erase('day', later + DAY)
    expect(await store.read({ ...query, step: 'day' })).toEqual([])
  })
})
