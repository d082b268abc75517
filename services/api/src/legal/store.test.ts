import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryLegalStore } from './store.memory.ts'
import { postgresLegalStore } from './store.postgres.ts'
import type { LegalRequest, LegalStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<LegalStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresLegalStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const request = (change: Partial<LegalRequest> = {}): LegalRequest => ({
  id: systemRandom.uuid(),
  state: 'received',
  kind: 'warrant',
  authority: 'Court',
  officialAddress: 'clerk@court.example',
  letterhead: true,
  username: 'ann@example.org',
  accountId: systemRandom.uuid(),
  sought: ['creation-date', 'last-use'],
  soughtOtherwise: undefined,
  deviceType: undefined,
  legalBasis: 'Order',
  receivedHow: 'post',
  receivedOn: '2026-01-10',
  gagUntil: undefined,
  refusedBecause: [],
  closedOn: undefined,
  notifiedOn: undefined,
  ...change,
})

describe.each([
  ['memory', async () => memoryLegalStore()],
  ['postgres', openPostgres],
])('LegalStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: LegalStore
  const add = async (change: Partial<LegalRequest> = {}): Promise<LegalRequest> => {
    const added = request(change)
    await store.add(added)
    return added
  }
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('of many who produce at once one does, with its document', async () => {
    const { id } = await add({ state: 'approved' })
    const change = (document: string) =>
      store.change(id, ['approved'], 'produced', { closedOn: '2026-01-12', document })
    const outcomes = await Promise.all(['a', 'b', 'c'].map(change))
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    expect(await store.document(id)).toBe(['a', 'b', 'c'][outcomes.indexOf(true)])
    await store.forget('2026-01-12', '2026-01-13')
    expect(await store.document(id)).toBeUndefined()
    expect(await store.find(id)).toMatchObject({ state: 'produced' })
    await store.forget('2026-01-13', '2026-01-13')
    expect(await store.find(id)).toBeUndefined()
  })

  test('who is told when: not before the end of what forbids it, and once', async () => {
    const gagged = await add({ state: 'approved', gagUntil: '2026-01-20' })
    const due = async (day: string) => (await store.toNotify(day)).map(({ id }) => id).includes(gagged.id)
    expect([await due('2026-01-20'), await due('2026-01-21')]).toEqual([false, true])
    expect(await store.ofAccount(gagged.accountId ?? '', '2026-01-20')).toEqual([])
    expect(await store.ofAccount(gagged.accountId ?? '', '2026-01-21')).toEqual([gagged])
    await store.notified(gagged.id, '2026-01-21')
    expect(await due('2026-01-22')).toBe(false)
  })

  test('an erased account is named no more, and what was produced of it is gone', async () => {
    const produced = await add({ state: 'approved' })
    await store.change(produced.id, ['approved'], 'produced', { closedOn: '2026-02-01', document: 'x' })
    await store.eraseAccount(produced.accountId ?? '')
    expect(await store.find(produced.id)).toMatchObject({ username: undefined, accountId: undefined })
    expect(await store.document(produced.id)).toBeUndefined()
  })

  test('counts by kind and result; pages; reports that stay', async () => {
    const refused = { state: 'refused', closedOn: '2031-01-02', refusedBecause: ['no-letterhead'] } as const
    for (const receivedOn of ['2030-12-31', '2031-01-01'])
      await add({ kind: 'subpoena', receivedOn, ...refused })
    expect(await store.counts('2031-01-01', '2031-07-01')).toEqual([
      { kind: 'subpoena', result: 'received', count: 1 },
      { kind: 'subpoena', result: 'refused', count: 2 },
    ])
    const [first] = await store.list({ limit: 1, state: 'refused' })
    expect(first).toMatchObject({ receivedOn: '2031-01-01', refusedBecause: ['no-letterhead'] })
    const after = first && { at: first.receivedOn, id: first.id }
    expect((await store.list({ limit: 1, after }))[0]).toMatchObject({ receivedOn: '2030-12-31' })
    expect(await store.findReport('2031-01-01')).toBeUndefined()
    expect(await store.report('2031-01-01', 'one')).toBe('one')
    expect(await store.report('2031-01-01', 'two')).toBe('one')
  })
})
