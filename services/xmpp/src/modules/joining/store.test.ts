import { createHash } from 'node:crypto'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { memoryContactInviteStore } from './store.memory.ts'
import { postgresContactInviteStore } from './store.postgres.ts'
import type { ContactInviteStore } from './store.ts'

const NOW = Date.UTC(2026, 10, 26)

async function openPostgres(stack: AsyncDisposableStack): Promise<ContactInviteStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresContactInviteStore(stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 4 })))
}

const hash = (): Buffer => createHash('sha256').update(systemRandom.token()).digest()

describe.each([
  ['memory', async () => memoryContactInviteStore()],
  ['postgres', openPostgres],
])('ContactInviteStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: ContactInviteStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('a link is open until it is used, once, or has expired', async () => {
    const accountId = systemRandom.uuid()
    const tokenHash = hash()
    expect(await store.insert({ tokenHash, accountId, expiresAt: NOW + 1_000 }, 2, NOW)).toBe(true)
    expect(await store.find(tokenHash, NOW)).toBe(accountId)
    expect(await store.find(hash(), NOW)).toBe(undefined)
    expect(await store.find(tokenHash, NOW + 1_000)).toBe(undefined)
    expect(await store.take(tokenHash, NOW + 1_000)).toBe(false)
    const taken = await Promise.all([1, 2, 3].map(() => store.take(tokenHash, NOW)))
    expect(taken.filter(Boolean)).toHaveLength(1)
    expect(await store.find(tokenHash, NOW)).toBe(undefined)
  })

  test('so many of one account, at once too; expired ones do not count', async () => {
    const [ann, bob] = [systemRandom.uuid(), systemRandom.uuid()]
    const insert = (accountId: string, expiresAt: number, now = NOW) =>
      store.insert({ tokenHash: hash(), accountId, expiresAt }, 3, now)
    const added = await Promise.all([1, 2, 3, 4, 5].map((second) => insert(ann, NOW + second * 1_000)))
    expect(added.filter(Boolean)).toHaveLength(3)
    expect(await insert(bob, NOW + 1_000)).toBe(true)
    expect(await store.ofAccount(ann, NOW)).toHaveLength(3)
    expect(await insert(ann, NOW + 90_000, NOW + 60_000)).toBe(true)
    expect(await store.ofAccount(ann, NOW + 60_000)).toEqual([NOW + 90_000])
    expect(await store.ofAccount(bob, NOW)).toEqual([])
  })

  test('erasure takes those of one account', async () => {
    const [ann, bob] = [systemRandom.uuid(), systemRandom.uuid()]
    for (const accountId of [ann, bob])
      await store.insert({ tokenHash: hash(), accountId, expiresAt: NOW + 1_000 }, 3, NOW)
    await store.erase(ann)
    expect([await store.ofAccount(ann, NOW), await store.ofAccount(bob, NOW)]).toEqual([[], [NOW + 1_000]])
  })
})
