/** What administrators do is on record before it is done, without the name of any person. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

interface Entry {
  readonly seq: number
  readonly action: string
  readonly phase: string
  readonly details: string
  readonly reason?: string
  readonly begun?: number
  readonly target?: { readonly kind: string; readonly id: string }
  readonly actor: { readonly kind: string; readonly id?: string }
}

async function entries(query = ''): Promise<Entry[]> {
  return (await api.owner('GET', `/v1/audit${query}`)).json['items'] as Entry[]
}

test('an account is made, suspended with a reason and restored: entries before and after, ids only', async () => {
  const key = await api.key('accounts:write', 'accounts:suspend')
  const made = await api.call('POST', '/v1/accounts', {
    key,
    body: { jid: 'rosalind@example.org', password: 'x' },
  })
  const because = encodeURIComponent('Plainte nº 7, vérifiée')
  await api.call('POST', '/v1/accounts/rosalind@example.org/suspend', {
    key,
    body: { reason: 'abuse' },
    headers: { 'sealpost-reason': because },
  })
  await api.call('POST', '/v1/accounts/rosalind@example.org/restore', { key })

  const { id } = made.json as { id: string }
  const account = { kind: 'account', id }
  const said = (await entries(`?target=${id}`)).map(({ action, phase, target, reason, details }) => ({
    action,
    phase,
    target,
    reason,
    details: JSON.parse(details) as object,
  }))
  expect(said).toEqual([
    {
      action: 'account.restore',
      phase: 'done',
      target: account,
      details: { changed: { state: ['suspended', 'active'], reason: ['abuse', null] } },
    },
    { action: 'account.restore', phase: 'begun', target: account, details: {} },
    {
      action: 'account.suspend',
      phase: 'done',
      target: account,
      details: { reason: 'abuse', changed: { state: ['active', 'suspended'], reason: [null, 'abuse'] } },
    },
    {
      action: 'account.suspend',
      phase: 'begun',
      target: account,
      reason: 'Plainte nº 7, vérifiée',
      details: { reason: 'abuse' },
    },
    { action: 'account.create', phase: 'done', target: account, details: {} },
  ])
  const all = await api.owner('GET', '/v1/audit')
  expect(all.text).not.toContain('rosalind')
})

test('what is refused is on record with its code, what is only read is not', async () => {
  await api.owner('GET', '/v1/accounts')
  await api.owner('POST', '/v1/accounts/nobody@example.org/restore')
  const [refused, begun] = await entries('?action=account.restore&limit=2')
  expect(refused).toMatchObject({
    phase: 'refused',
    begun: begun?.seq,
    details: '{"code":"ACCOUNT_UNKNOWN"}',
  })
  expect((await entries('?action=account.list')).length).toBe(0)
})

test('pages by cursor end; a malformed cursor and a reason that is none are refused', async () => {
  const seen: number[] = []
  for (let next: string | undefined = ''; next !== undefined;) {
    const page = await api.owner('GET', `/v1/audit?limit=3${next === '' ? '' : `&cursor=${next}`}`)
    seen.push(...(page.json['items'] as Entry[]).map(({ seq }) => seq))
    next = page.json['next'] as string | undefined
  }
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => seen.length - index))
  expect((await api.owner('GET', '/v1/audit?cursor=0')).status).toBe(400)
  // A last page that is full is the last all the same.
  const full = await api.owner('GET', `/v1/audit?limit=${String(seen.length)}`)
  expect(full.json['items']).toHaveLength(seen.length)
  expect(full.json['next']).toBeUndefined()
  for (const reason of ['%', '%0A', '%20', 'x'.repeat(501)]) {
    const headers = { 'sealpost-reason': reason }
    const answer = await api.owner('POST', '/v1/accounts/nobody@example.org/restore', undefined, headers)
    expect(answer.status).toBe(400)
  }
})

test('the chain is verified against the database and against heads noted outside of it', async () => {
  const good = await api.owner('GET', '/v1/audit/verdict')
  expect(good.json).toMatchObject({ heads_compared: 0 })
  expect(good.json['broken']).toBeUndefined()
  const { entries: count, head } = good.json as { entries: number; head: string }
  const asNoted = await api.owner('GET', `/v1/audit/verdict?seq=${String(count)}&hash=${head}`)
  expect(asNoted.json).toMatchObject({ heads_compared: 1 })
  expect(asNoted.json['broken']).toBeUndefined()
  const exported = (await api.owner('GET', '/v1/audit/export')).json['items'] as Entry[]
  expect(exported.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, index) => index + 1))

  await using db = await openDb({ url: api.databaseUrl })
  await db.execute(sql`alter table audit.entry disable trigger all`)
  await db.execute(sql`update audit.entry set details = '{"a":1}' where seq = 3`)
  expect((await api.owner('GET', '/v1/audit/verdict')).json['broken']).toBe(3)
})
