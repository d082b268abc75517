import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryIdempotency } from './store.memory.ts'
import { postgresIdempotency } from './store.postgres.ts'
import type { IdempotencyStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<IdempotencyStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresIdempotency(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

describe.each([
  ['memory', async () => memoryIdempotency()],
  ['postgres', openPostgres],
])('IdempotencyStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: IdempotencyStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('10 tries with one key: all get the same id', async () => {
    const key = systemRandom.bytes(32)
    const ids = await Promise.all(
      Array.from({ length: 10 }, () => store.claim(key, systemRandom.uuid(), 2_000, 1_000)),
    )
    expect(new Set(ids).size).toBe(1)
  })

  test('a key is free again after its time, or with its account', async () => {
    const key = systemRandom.bytes(32)
    const [first, second, third] = [systemRandom.uuid(), systemRandom.uuid(), systemRandom.uuid()]
    expect(await store.claim(key, first, 2_000, 1_000)).toBe(first)
    expect(await store.claim(key, second, 3_000, 1_999)).toBe(first)
    expect(await store.claim(key, second, 3_000, 2_000)).toBe(second)
    await store.eraseExpired(2_999)
    expect(await store.claim(key, third, 4_000, 2_000)).toBe(second)
    await store.eraseAccount(second)
    expect(await store.claim(key, third, 4_000, 2_000)).toBe(third)
    await store.eraseExpired(4_000)
    expect(await store.claim(key, first, 5_000, 3_000)).toBe(first)
  })
})
