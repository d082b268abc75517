import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryAnswers } from './answer-store.memory.ts'
import { postgresAnswers } from './answer-store.postgres.ts'
import type { AnswerStore, Claim } from './answer-store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<AnswerStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresAnswers(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

describe.each([
  ['memory', async () => memoryAnswers()],
  ['postgres', openPostgres],
])('AnswerStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: AnswerStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const claim = (change: Partial<Claim> = {}): Claim => ({
    keyHash: systemRandom.bytes(32),
    requestHash: systemRandom.bytes(32),
    runningUntil: 2_000,
    expiresAt: 9_000,
    ...change,
  })

  test('10 claims at once: one gets the key', async () => {
    const one = claim()
    const results = await Promise.all(Array.from({ length: 10 }, () => store.claim(one, 1_000)))
    expect(results.filter((known) => known === undefined)).toHaveLength(1)
  })

  test('the answer is there until it expires; then the key is free', async () => {
    const one = claim()
    expect(await store.claim(one, 1_000)).toBeUndefined()
    const running = {
      requestHash: one.requestHash,
      runningUntil: 2_000,
      status: undefined,
      sealed: undefined,
    }
    expect(await store.claim(one, 1_000)).toEqual(running)
    const sealed = Buffer.from('sealed')
    await store.answer(one.keyHash, 201, sealed)
    await store.release(one.keyHash) // too late: it was done
    expect(await store.claim(claim({ keyHash: one.keyHash }), 8_999)).toEqual({
      ...running,
      status: 201,
      sealed,
    })
    await store.eraseExpired(8_999)
    expect(await store.claim(one, 9_000)).toBeUndefined()
  })

  test('a released key is free', async () => {
    const one = claim()
    await store.claim(one, 1_000)
    await store.release(one.keyHash)
    expect(await store.claim(one, 1_000)).toBeUndefined()
  })
})
