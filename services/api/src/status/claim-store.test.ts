import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryClaims } from './claim-store.memory.ts'
import { postgresClaims } from './claim-store.postgres.ts'
import type { Claim, ClaimStore } from './claims.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<ClaimStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresClaims(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 8 })))
}

function newClaim(change: Partial<Claim> = {}): Claim {
  return {
    id: systemRandom.uuid(),
    subject: { kind: 'account', id: systemRandom.uuid() },
    month: '2030-01',
    component: 'mail',
    filedOn: '2030-02-01',
    decidedOn: undefined,
    state: 'open',
    credit: undefined,
    ...change,
  }
}

describe.each([
  ['memory', async () => memoryClaims()],
  ['postgres', openPostgres],
])('ClaimStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: ClaimStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())
  const list = (query: Partial<Parameters<ClaimStore['list']>[0]>) =>
    store.list({ state: undefined, subjectId: undefined, after: undefined, limit: 9, ...query })

  test('10 claims at once of one subject for one month and component: one is filed', async () => {
    const claim = newClaim()
    const filed = await Promise.all(
      Array.from({ length: 10 }, () => store.insert({ ...claim, id: systemRandom.uuid() })),
    )
    expect(filed.filter(Boolean)).toHaveLength(1)
    expect(await store.insert({ ...claim, id: systemRandom.uuid(), component: 'chat' })).toBe(true)
    const subjectId = claim.subject.id
    expect(await list({ subjectId })).toHaveLength(2)
    await store.erase(subjectId)
    expect(await list({ subjectId })).toEqual([])
  })

  test('a claim is decided once, also by 10 at once, and forgotten after its time', async () => {
    const claim = newClaim()
    await store.insert(claim)
    const decided = await Promise.all(
      Array.from({ length: 10 }, () => store.decide(claim.id, 'granted', 75, '2030-02-05')),
    )
    expect(decided.filter(Boolean)).toHaveLength(1)
    expect(await store.find(claim.id)).toEqual({
      ...claim,
      state: 'granted',
      credit: 75,
      decidedOn: '2030-02-05',
    })
    await store.eraseDecided('2030-02-05')
    expect(await store.find(claim.id)).toBeDefined()
    await store.eraseDecided('2030-02-06')
    expect(await store.find(claim.id)).toBeUndefined()
    expect(await store.decide(claim.id, 'refused', undefined, '2030-02-06')).toBe(false)
  })

  test('pages go on where they ended, by state', async () => {
    const claims = ['2030-02-02', '2030-02-01', '2030-02-02'].map((filedOn) => newClaim({ filedOn }))
    for (const claim of claims) await store.insert(claim)
    const [first] = claims
    if (first) await store.decide(first.id, 'refused', undefined, '2030-02-03')
    const seen: Claim[] = []
    for (let after: Claim | undefined; ; after = seen.at(-1)) {
      const [next] = await list({ after, limit: 1 })
      if (next === undefined) break
      seen.push(next)
    }
    expect(seen.map(({ filedOn }) => filedOn)).toEqual(['2030-02-01', '2030-02-02', '2030-02-02'])
    expect(await list({ state: 'open' })).toHaveLength(2)
    expect((await list({ state: 'refused' })).map(({ id }) => id)).toEqual([first?.id])
  })
})
