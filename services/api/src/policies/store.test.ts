import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryPolicyStore } from './store.memory.ts'
import { postgresPolicyStore } from './store.postgres.ts'
import type { PolicyStore, PolicyVersion } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<PolicyStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresPolicyStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const version = (change: Partial<PolicyVersion> = {}): PolicyVersion => ({
  kind: 'terms',
  version: 1,
  publishedOn: '2026-01-01',
  effectiveOn: '2026-01-01',
  languages: ['en'],
  noticeId: undefined,
  ...change,
})
const text = { language: 'en', title: 'Terms', body: 'Be good.' }

describe.each([
  ['memory', async () => memoryPolicyStore()],
  ['postgres', openPostgres],
])('PolicyStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: PolicyStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('a number is given once, a text never changes', async () => {
    const added = await Promise.all(Array.from({ length: 5 }, () => store.add(version(), text)))
    expect(added.filter(Boolean)).toHaveLength(1)
    const second = version({ version: 2, effectiveOn: '2026-02-01', noticeId: systemRandom.uuid() })
    await store.add(second, text)
    expect(await store.addText('terms', 2, { ...text, language: 'de' })).toBe(true)
    expect(await store.addText('terms', 2, { ...text, body: 'Be bad.' })).toBe(false)
    expect(await store.addText('terms', 3, text)).toBe(false)
    expect(await store.text('terms', 2, 'en')).toEqual(text)
    expect(await store.text('terms', 2, 'fr')).toBeUndefined()
    await store.add(version({ kind: 'privacy' }), text)
    expect(await store.versions()).toEqual([
      version({ kind: 'privacy' }),
      { ...second, languages: ['de', 'en'] },
      version(),
    ])
  })

  test('who agreed is on record once, and after the erasure is counted only', async () => {
    const [ann, bob] = [systemRandom.uuid(), systemRandom.uuid()]
    const acceptance = { kind: 'terms', version: 1, acceptedOn: '2026-01-02' } as const
    await store.accept(ann, acceptance)
    await store.accept(ann, { ...acceptance, acceptedOn: '2026-01-09' })
    await store.accept(bob, acceptance)
    expect(await store.accepted(ann)).toEqual([acceptance])
    expect(await store.acceptances('terms', 1)).toBe(2)
    await store.eraseAccount(ann)
    await store.eraseAccount(ann)
    expect(await store.accepted(ann)).toEqual([])
    expect(await store.acceptances('terms', 1)).toBe(2)
    expect(await store.acceptances('terms', 9)).toBe(0)
  })
})
