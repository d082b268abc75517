import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryAbuse } from './store.memory.ts'
import { postgresAbuse } from './store.postgres.ts'
import type { AbuseStore, StoredReport } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<AbuseStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresAbuse(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

function report(change: Partial<StoredReport> = {}): StoredReport {
  return {
    id: systemRandom.uuid(),
    source: 'form',
    category: 'spam',
    named: true,
    accountId: undefined,
    reporterId: undefined,
    reporter: Buffer.from('reporter'),
    content: Buffer.from('content'),
    state: 'new',
    outcome: undefined,
    actions: [],
    receivedOn: '2030-01-01',
    closedOn: undefined,
    ...change,
  }
}

describe.each([
  ['memory', async () => memoryAbuse()],
  ['postgres', openPostgres],
])('AbuseStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: AbuseStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('reports go from new over in-work to closed, and say what was done', async () => {
    const made = report()
    expect(await store.add(made, 100)).toBe(true)
    expect(await store.add(made, 100)).toBe(false)
    expect(await store.find(made.id)).toEqual(made)
    expect((await store.change(made.id, { state: 'in-work' }))?.state).toBe('in-work')
    await store.acted(made.id, 'warn')
    await store.acted(made.id, 'warn')
    const closed = { state: 'closed', outcome: 'acted', closedOn: '2030-01-02' } as const
    expect(await store.change(made.id, closed)).toEqual({ ...made, ...closed, actions: ['warn'] })
    expect(await store.counts()).toContainEqual({
      source: 'form',
      category: 'spam',
      named: true,
      state: 'closed',
      outcome: 'acted',
      count: 1,
    })
    expect(await store.change(systemRandom.uuid(), { state: 'new' })).toBeUndefined()
  })

  test('anonymous ones are kept apart, and cannot take the room of others', async () => {
    const [anonymous, named] = [report({ named: false }), report()]
    expect(await store.add(anonymous, 1)).toBe(true)
    expect(await store.add(report({ named: false }), 1)).toBe(false)
    expect(await store.add(named, 100)).toBe(true)
    expect(await store.list({ named: false, limit: 9 })).toEqual([anonymous])
    expect(await store.list({ named: false, source: 'mail', limit: 9 })).toEqual([])
    expect(await store.list({ named: false, source: anonymous?.source, limit: 9 })).toEqual([anonymous])
    const all = await store.list({ limit: 9 })
    expect(await store.list({ limit: 9, after: all[0]?.id })).toEqual(all.slice(1))
  })

  test('erasing an account takes reports about it, and its name off those it made', async () => {
    const accountId = systemRandom.uuid()
    const [about, by] = [report({ accountId }), report({ reporterId: accountId })]
    await store.add(about, 100)
    await store.add(by, 100)
    await store.eraseAccount(accountId)
    expect(await store.find(about.id)).toBeUndefined()
    expect(await store.find(by.id)).toEqual({
      ...by,
      reporterId: undefined,
      reporter: undefined,
      named: false,
    })
  })

  test('old ones go', async () => {
    const [closed, old] = [report(), report({ receivedOn: '2028-12-31' })]
    await store.add(closed, 100)
    await store.add(old, 100)
    await store.change(closed.id, { state: 'closed', outcome: 'unfounded', closedOn: '2030-01-05' })
    await store.eraseOld('2030-01-05', '2028-12-31')
    expect(await store.find(closed.id)).toBeDefined()
    await store.eraseOld('2030-01-06', '2029-01-01')
    expect([await store.find(closed.id), await store.find(old.id)]).toEqual([undefined, undefined])
  })
})

test('in Postgres a report is written with what is told of it, or not at all', async () => {
  await using stack = new AsyncDisposableStack()
  const store = await openPostgres(stack)
  const failing = (): Promise<void> => Promise.reject(new Error('away'))
  const made = report()
  await expect(store.add(made, 100, failing)).rejects.toThrow('away')
  expect(await store.find(made.id)).toBeUndefined()
  await store.add(made, 100)
  const closed = { state: 'closed', outcome: 'acted', closedOn: '2030-01-02' } as const
  await expect(store.change(made.id, closed, failing)).rejects.toThrow('away')
  expect(await store.find(made.id)).toEqual(made)
})
