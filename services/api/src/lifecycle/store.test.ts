/** One contract for both stores of subscriptions. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { assert } from '@sealpost/errors'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { MemorySubscriptions } from './store.memory.ts'
import { PostgresSubscriptions } from './store.postgres.ts'
import type { SubscriptionStore } from './store.ts'
import type { Subject, Terms } from './subscription.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<SubscriptionStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return new PostgresSubscriptions(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const TERMS: Terms = {
  billingMethod: 'card',
  reference: 'inv-1',
  termMonths: 12,
  startedOn: '2026-01-01',
  renewsOn: '2027-01-01',
  fee: 'none',
  suspendsOn: undefined,
}

describe.each([
  ['memory', async () => new MemorySubscriptions()],
  ['postgres', openPostgres],
])('SubscriptionStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: SubscriptionStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const of = (kind: Subject['kind']): Subject => ({ kind, id: systemRandom.uuid() })
  const put = async (subject: Subject, terms: Partial<Terms> = {}, billedAt?: number) => {
    const subscription = await store.put(systemRandom.uuid(), subject, { ...TERMS, ...terms }, billedAt)
    assert(subscription, 'it is taken')
    return subscription
  }

  test('what was said before something that is there is not taken', async () => {
    const subject = of('account')
    expect((await put(subject)).billedAt).toBeUndefined()
    for (const at of [2_000, 2_000, 3_000]) expect((await put(subject, {}, at)).billedAt).toBe(at)
    expect(await store.put(systemRandom.uuid(), subject, { ...TERMS, fee: 'due' }, 2_999)).toBeUndefined()
    expect(await store.find(subject)).toMatchObject({ fee: 'none', billedAt: 3_000 })
    expect(await put(subject, { fee: 'due' })).toMatchObject({ fee: 'due', billedAt: 3_000 })
    await store.remove(subject)
  })

  test('one each, replaced under its first id', async () => {
    for (const kind of ['organisation', 'account'] as const) {
      const subject = of(kind)
      const first = await put(subject)
      expect(first).toEqual({ ...TERMS, id: first.id, subject, state: 'running' })
      const second = await put(subject, { fee: 'overdue', suspendsOn: '2026-02-01', reference: undefined })
      expect(second).toMatchObject({
        id: first.id,
        fee: 'overdue',
        suspendsOn: '2026-02-01',
        reference: undefined,
      })
      expect(await store.find(subject)).toEqual(second)
      expect(await store.remove(subject)).toBe(true)
      expect(await store.remove(subject)).toBe(false)
      expect(await store.find(subject)).toBeUndefined()
    }
  })

  test('reminders are due within the days, once for each day', async () => {
    const subject = of('account')
    const { id } = await put(subject, { renewsOn: '2030-01-08' })
    const due = async (today: string, until: string) =>
      (await store.remindable('renewal', today, until, 10)).map((each) => each.id)
    expect(await due('2029-12-31', '2030-01-07')).toEqual([])
    expect(await due('2030-01-01', '2030-01-08')).toEqual([id])
    await store.reminded(id, 'renewal', '2030-01-08')
    expect(await due('2030-01-01', '2030-01-08')).toEqual([])
    await put(subject, { renewsOn: '2031-01-08' })
    expect(await due('2031-01-01', '2031-01-08')).toEqual([id])
    expect(await store.remindable('suspension', '2000-01-01', '2100-01-01', 10)).toEqual([])
  })

  test('suspensions are due on their day and after it, in pages', async () => {
    const ids: string[] = []
    for (const suspendsOn of ['2020-01-01', '2020-01-02', '2020-01-03'])
      ids.push((await put(of('organisation'), { fee: 'overdue', suspendsOn })).id)
    const [first, second] = ids.slice(0, 2).sort()
    expect((await store.suspendable('2020-01-02', undefined, 1)).map(({ id }) => id)).toEqual([first])
    expect((await store.suspendable('2020-01-02', first, 9)).map(({ id }) => id)).toEqual([second])
  })

  test('a refund is due once, outlives the account without naming it, and goes when paid or after its time', async () => {
    const [paid, forgotten] = [of('account'), of('account')]
    for (const subject of [paid, forgotten]) await put(subject, { fee: 'overdue', suspendsOn: '2026-01-08' })
    const due = await store.refundDue(paid, '2026-01-03')
    expect(due).toMatchObject({ state: 'refund-due', fee: 'none', suspendsOn: undefined, subject: paid })
    expect(await store.refundDue(paid, '2026-01-04')).toBeUndefined()
    await store.refundDue(forgotten, '2026-01-03')
    await store.eraseAccount(paid.id)
    expect(await store.find(paid)).toBeUndefined()
    const query = {
      after: undefined,
      limit: 9,
      fee: undefined,
      state: 'refund-due',
      organisationIds: undefined,
    }
    expect((await store.list(query)).find(({ id }) => id === due?.id)).toMatchObject({ subject: undefined })
    expect(await store.refunded(due?.id ?? '')).toBe(true)
    expect(await store.refunded(due?.id ?? '')).toBe(false)
    await store.eraseRefunds('2026-01-03')
    expect(await store.list(query)).toHaveLength(1)
    await store.eraseRefunds('2026-01-04')
    expect(await store.list(query)).toEqual([])
  })

  test('a running subscription goes with its account', async () => {
    const subject = of('account')
    await put(subject)
    await store.eraseAccount(subject.id)
    expect(await store.find(subject)).toBeUndefined()
  })

  test('are listed by id, of some organisations only where that is asked', async () => {
    const [one, other] = [of('organisation'), of('organisation')]
    for (const subject of [one, other, of('account')]) await put(subject, { fee: 'due' })
    const query = { after: undefined, limit: 99, fee: 'due', state: undefined }
    const all = await store.list({ ...query, organisationIds: undefined })
    expect(all).toHaveLength(3)
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort())
    expect(await store.list({ ...query, organisationIds: [one.id] })).toMatchObject([{ subject: one }])
    expect(await store.list({ ...query, organisationIds: [] })).toEqual([])
    const rest = await store.list({ ...query, organisationIds: undefined, after: all[0]?.id })
    expect(rest).toEqual(all.slice(1))
  })

  test('events are remembered for their time', async () => {
    const [first, second] = [systemRandom.bytes(32), systemRandom.bytes(32)]
    await store.done(first, 1_000, 0)
    await store.done(first, 1_500, 0)
    expect(await store.isDone(first)).toBe(true)
    expect(await store.isDone(second)).toBe(false)
    await store.done(second, 5_000, 4_000)
    expect(await store.isDone(first)).toBe(false)
  })
})

test('in Postgres a refund is due together with what is told of it, or not at all', async () => {
  await using stack = new AsyncDisposableStack()
  const store = await openPostgres(stack)
  const subject = { kind: 'account', id: systemRandom.uuid() } as const
  const put = await store.put(systemRandom.uuid(), subject, TERMS)
  const failing = (): Promise<void> => Promise.reject(new Error('away'))
  await expect(store.refundDue(subject, '2026-01-03', failing)).rejects.toThrow('away')
  expect(await store.find(subject)).toEqual(put)
  let told = 0
  const tell = (): Promise<void> => Promise.resolve(void told++)
  expect(await store.refundDue(subject, '2026-01-03', tell)).toMatchObject({ state: 'refund-due' })
  expect(await store.refundDue(subject, '2026-01-03', tell)).toBeUndefined()
  expect(told).toBe(1)
})

test('in Postgres a reminder is noted together with what is told of it, or not at all', async () => {
  await using stack = new AsyncDisposableStack()
  const store = await openPostgres(stack)
  const id = systemRandom.uuid()
  await store.put(id, { kind: 'account', id: systemRandom.uuid() }, TERMS)
  const due = async () => (await store.remindable('renewal', '2000-01-01', '2099-01-01', 9)).length
  const failing = (): Promise<void> => Promise.reject(new Error('away'))
  await expect(store.reminded(id, 'renewal', TERMS.renewsOn, failing)).rejects.toThrow('away')
  expect(await due()).toBe(1)
  await store.reminded(id, 'renewal', TERMS.renewsOn)
  expect(await due()).toBe(0)
})
