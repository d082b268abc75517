import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessBus } from '@sealpost/bus'
import { openDb, sql, type Db } from '@sealpost/db'
import { createMigratedDatabase } from '../../../test/database.ts'
import { memoryDomainStore } from './domain-store.memory.ts'
import { postgresDomainStore } from './domain-store.postgres.ts'
import { createDomains, type DomainPolicy, type DomainStore } from './domains.ts'

const NOTHING: DomainPolicy = {
  e2ee: undefined,
  storage: undefined,
  messageTtlSeconds: undefined,
  mailPgp: undefined,
}

describe.each(['memory', 'postgres'])('the store of policies in %s', (kind) => {
  let store: DomainStore
  let db: Db | undefined
  const stack = new AsyncDisposableStack()

  beforeAll(async () => {
    store = memoryDomainStore()
    if (kind === 'memory') return
    const { url } = stack.use(await createMigratedDatabase())
    db = stack.use(await openDb({ url, role: 'sealpost_account' }))
    store = postgresDomainStore(db)
  })
  afterAll(() => stack.disposeAsync())

  test('a policy is kept as it was given, and replaced as a whole', async () => {
    expect(await store.policies()).toEqual(new Map())
    const full: DomainPolicy = {
      e2ee: 'optional',
      storage: 'none',
      messageTtlSeconds: 3600,
      mailPgp: 'on-arrival',
    }
    await store.put('a.example', full)
    await store.put('b.example', { ...NOTHING, messageTtlSeconds: 60 })
    expect(await store.policies()).toEqual(
      new Map([
        ['a.example', full],
        ['b.example', { ...NOTHING, messageTtlSeconds: 60 }],
      ]),
    )
    await store.put('a.example', { ...NOTHING, e2ee: 'off' })
    expect((await store.policies()).get('a.example')).toEqual({ ...NOTHING, e2ee: 'off' })
  })

  test('one that decides nothing is not kept', async () => {
    for (const domain of ['a.example', 'b.example', 'never.example']) await store.put(domain, NOTHING)
    expect(await store.policies()).toEqual(new Map())
    const [row] = (await db?.query<{ count: number }>(
      sql`select count(*)::int as count from account.domain_policy`,
    )) ?? [{ count: 0 }]
    expect(row?.count).toBe(0)
  })
})

test('a change is announced once it can be read', async () => {
  await using bus = createProcessBus()
  const domains = createDomains(memoryDomainStore(), bus)
  const heard = Promise.withResolvers<DomainPolicy | undefined>()
  bus.subscribe('domain/changed', async ({ domain }) => heard.resolve((await domains.policies()).get(domain)))
  await domains.setPolicy('a.example', { ...NOTHING, storage: 'none' })
  expect(await heard.promise).toEqual({ ...NOTHING, storage: 'none' })
})
