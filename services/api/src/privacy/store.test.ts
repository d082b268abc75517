import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryPrivacyStore } from './store.memory.ts'
import { postgresPrivacyStore } from './store.postgres.ts'
import type { PrivacyRequest, PrivacyStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<PrivacyStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresPrivacyStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const request = (change: Partial<PrivacyRequest> = {}): PrivacyRequest => ({
  id: systemRandom.uuid(),
  accountId: systemRandom.uuid(),
  kind: 'correction',
  state: 'open',
  origin: 'account',
  details: 'words',
  receivedOn: '2026-01-01',
  dueOn: '2026-01-31',
  closedOn: undefined,
  answer: undefined,
  ...change,
})

describe.each([
  ['memory', async () => memoryPrivacyStore()],
  ['postgres', openPostgres],
])('PrivacyStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: PrivacyStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('of ten at once for one account the bound lets in three; one that is closed makes room', async () => {
    const accountId = systemRandom.uuid()
    const added = await Promise.all(Array.from({ length: 10 }, () => store.add(request({ accountId }), 3)))
    expect(added.filter(Boolean)).toHaveLength(3)
    const [first] = await store.list({ accountId, limit: 10 })
    const closing = { state: 'answered', answer: 'done', closedOn: '2026-01-02' } as const
    expect(await store.close(first?.id ?? '', closing)).toBe(true)
    expect(await store.close(first?.id ?? '', closing)).toBe(false)
    expect(await store.find(first?.id ?? '')).toEqual({ ...first, ...closing })
    expect(await store.add(request({ accountId }), 3)).toBe(true)
  })

  test('pages are in order and without gaps; filters hold', async () => {
    const accountId = systemRandom.uuid()
    for (const day of ['2026-02-01', '2026-02-02', '2026-02-02', '2026-02-03'])
      await store.add(request({ accountId, receivedOn: day, dueOn: day, kind: 'access' }), 10)
    const all = await store.list({ accountId, limit: 10 })
    expect(all.map(({ receivedOn }) => receivedOn)).toEqual([
      '2026-02-03',
      '2026-02-02',
      '2026-02-02',
      '2026-02-01',
    ])
    const [, second] = all
    const after = second && { at: second.receivedOn, id: second.id }
    expect(await store.list({ accountId, limit: 10, after })).toEqual(all.slice(2))
    expect(await store.list({ accountId, limit: 10, dueBefore: '2026-02-02' })).toEqual(all.slice(3))
    expect(await store.list({ accountId, limit: 10, kind: 'deletion' })).toEqual([])
    expect(await store.list({ accountId, limit: 10, state: 'refused' })).toEqual([])
  })

  test('an erased account leaves days and kinds, until these go too', async () => {
    const row = request()
    await store.add(row, 1)
    await store.eraseAccount(row.accountId ?? '', '2026-01-05')
    const left = {
      ...row,
      accountId: undefined,
      details: undefined,
      state: 'answered',
      closedOn: '2026-01-05',
    }
    expect(await store.find(row.id)).toEqual(left)
    await store.forget('2026-01-05')
    expect(await store.find(row.id)).toEqual(left)
    await store.forget('2026-01-06')
    expect(await store.find(row.id)).toBeUndefined()
  })
})
