import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryAccountSessionStore } from './account-session-store.memory.ts'
import { postgresAccountSessionStore } from './account-session-store.postgres.ts'
import type { AccountSessionStore } from './account-session-store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<AccountSessionStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresAccountSessionStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

describe.each([
  ['memory', async () => memoryAccountSessionStore()],
  ['postgres', openPostgres],
])('AccountSessionStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: AccountSessionStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const token = () => systemRandom.bytes(32)
  const begin = async (accountId: string, startedAt: number, max = 20) => {
    const hash = token()
    const times = { startedAt, seenAt: startedAt, restMs: 10_000, endsAt: startedAt + 20_000 }
    await store.insert(hash, { id: systemRandom.uuid(), accountId, signOuts: 0, ...times }, max)
    return hash
  }

  test('a session is seen, goes on after signing out elsewhere, and ends', async () => {
    const accountId = systemRandom.uuid()
    const [mine, other] = [await begin(accountId, 1_000), await begin(accountId, 2_000)]
    await store.touch(mine, 3_000)
    await store.renew(mine, 4)
    expect(await store.find(mine)).toEqual({
      id: expect.any(String) as string,
      accountId,
      signOuts: 4,
      startedAt: 1_000,
      seenAt: 3_000,
      restMs: 10_000,
      endsAt: 21_000,
    })
    await store.end(mine)
    expect(await store.find(mine)).toBeUndefined()
    expect(await store.find(other)).toBeDefined()
    expect(await store.find(token())).toBeUndefined()
  })

  test('an account has its sessions in a list, and ends one of them, none of others', async () => {
    const [one, two] = [systemRandom.uuid(), systemRandom.uuid()]
    await begin(one, 1_000)
    const newest = await begin(one, 2_000)
    const stranger = await begin(two, 3_000)
    expect((await store.list(one)).map(({ startedAt }) => startedAt)).toEqual([2_000, 1_000])
    const { id = '' } = (await store.find(newest)) ?? {}
    expect(await store.endOne(two, id)).toBe(false)
    expect(await store.endOne(one, id)).toBe(true)
    expect(await store.endOne(one, id)).toBe(false)
    expect((await store.list(one)).map(({ startedAt }) => startedAt)).toEqual([1_000])
    expect(await store.find(stranger)).toBeDefined()
  })

  test('the newest stay, also one that is newest by a clock that went back', async () => {
    const accountId = systemRandom.uuid()
    const stranger = await begin(systemRandom.uuid(), 1)
    const hashes = [
      await begin(accountId, 10, 2),
      await begin(accountId, 20, 2),
      await begin(accountId, 5, 2),
    ]
    const found = await Promise.all(hashes.map((hash) => store.find(hash)))
    expect(found.map((row) => row?.startedAt)).toEqual([undefined, 20, 5])
    expect(await store.find(stranger)).toBeDefined()
  })

  test('they go with their account, and with their time', async () => {
    const [one, two] = [systemRandom.uuid(), systemRandom.uuid()]
    const first = await begin(one, 50_000)
    const [resting, ended, late] = [
      await begin(two, 50_000),
      await begin(two, 40_000),
      await begin(two, 50_001),
    ]
    await store.touch(ended, 59_000)
    await store.eraseAccount(one)
    await store.eraseOver(60_000)
    for (const hash of [first, resting, ended]) expect(await store.find(hash)).toBeUndefined()
    expect(await store.find(late)).toBeDefined()
  })
})
