/** Requests of authorities: what is refused, who is told and when, what is produced, and what the public learns. */
import { dataMapDocument } from '@sealpost/data-map'
import { createAccounts } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { isSigned, type SignedDocument } from '../src/legal/document-signer.ts'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'
import { JumpingClock } from './jumping-clock.ts'

const clock = new JumpingClock(Date.UTC(2030, 4, 10, 12))
let api: TestApi
const ann = basic('ann@example.org', 'secret')
let key = ''
beforeAll(async () => {
  api = await createTestApi({ clock })
  for (const jid of ['ann@example.org', 'bob@example.org'])
    await api.owner('POST', '/v1/accounts', { jid, password: 'secret' })
  key = await api.key('legal:read', 'legal:write')
})
afterAll(() => api[Symbol.asyncDispose]())

const good = {
  kind: 'court-order',
  authority: 'Court of Québec',
  official_address: 'clerk@court.example',
  letterhead: 'present',
  username: 'ann@example.org',
  sought: ['creation-date', 'username', 'last-use', 'purchaser'],
  legal_basis: 'Order 42',
  received_how: 'courier',
  received_on: '2030-05-10',
}
const record = (change: object = {}) =>
  api.call('POST', '/v1/legal-requests', { key, body: { ...good, ...change } })
/** Days pass, and the tasks of the hour are done. */
const passed = async (days: number) => {
  clock.jump(days * 86_400_000)
  await clock.advance(3_600_000)
}
const step = (id: unknown, verb: string, body?: object) =>
  api.owner('POST', `/v1/legal-requests/${String(id)}/${verb}`, body)
const problem = ({ status, json }: Answer) => [
  status,
  String(json['type']).replace('urn:sealpost:problem:', ''),
]
const exported = async () => (await api.call('GET', '/v1/me/export', { headers: ann })).json
const told = async () =>
  ((await api.call('GET', '/v1/me/notices', { headers: ann })).json['items'] as { title: string }[]).length

test.each([
  ['service by e-mail', { received_how: 'email' }, ['service-by-email']],
  ['no username', { username: undefined }, ['no-username']],
  ['a username that is no address', { username: 'Ann Miller' }, ['no-username']],
  ['no official address', { official_address: undefined }, ['no-official-address']],
  ['no letterhead', { letterhead: 'missing' }, ['no-letterhead']],
  ['content alone', { sought: [], sought_otherwise: 'All messages' }, ['nothing-sought-that-exists']],
  ['a type of device that is not named', { sought: ['device-type'] }, ['nothing-sought-that-exists']],
  [
    'all of it',
    { received_how: 'email', letterhead: 'missing', sought: [] },
    ['service-by-email', 'no-letterhead', 'nothing-sought-that-exists'],
  ],
])('%s is refused at once, with the reason', async (_what, change, because) => {
  const refused = await record(change)
  expect(refused.json).toMatchObject({ state: 'refused', refused_because: because, closed_on: '2030-05-10' })
  expect(problem(await step(refused.json['id'], 'review'))).toEqual([409, 'legal-state'])
})

test('from received to produced, one step after the other; the user is told before, by notice and mail', async () => {
  const { id, state } = (await record()).json
  expect(state).toBe('received')
  for (const early of ['approve', 'produce'])
    expect(problem(await step(id, early))).toEqual([409, 'legal-state'])
  expect((await step(id, 'review')).json).toMatchObject({ state: 'reviewed' })
  expect(await told()).toBe(0)
  expect((await step(id, 'approve')).json).toMatchObject({ state: 'approved', notified_on: '2030-05-10' })
  expect(await told()).toBe(1)
  await vi.waitFor(
    async () => {
      await clock.advance(1_000)
      expect(api.letters.sent.at(-1)?.recipient).toBe('ann@example.org')
    },
    { timeout: 30_000 },
  )
  expect((await step(id, 'produce')).json).toMatchObject({ state: 'produced' })
  expect(problem(await step(id, 'produce'))).toEqual([409, 'legal-state'])
  expect(problem(await step(id, 'refuse', { because: ['withdrawn'] }))).toEqual([409, 'legal-state'])
})

test('what is produced equals what the user gets of it, field by field, is signed, and is nothing else', async () => {
  const { id } = (await record()).json
  for (const verb of ['review', 'approve', 'produce']) expect((await step(id, verb)).status).toBe(200)
  const signed = (await api.call('GET', `/v1/legal-requests/${String(id)}/production`, { key }))
    .json as unknown as SignedDocument<Record<string, unknown>>
  expect(isSigned(signed)).toBe(true)
  expect(isSigned({ ...signed, document: { ...signed.document, username: 'x' } })).toBe(false)
  const { schema, request, authority, received_on, produced_on, server, not_held, exists, ...data } =
    signed.document
  expect([schema, request, authority, received_on, produced_on, server, exists]).toEqual([
    'urn:sealpost:legal-production:1',
    id,
    'Court of Québec',
    '2030-05-10',
    '2030-05-10',
    'example.org',
    true,
  ])
  expect(not_held).toContain('content of messages or mails')
  const { account } = (await exported()) as { account: Record<string, unknown> }
  expect(data).toEqual({
    username: account['jid'],
    created_on: account['created_on'],
    last_used_on: account['last_used_on'] ?? null,
    purchaser: account['organisation'] ?? null,
  })
  const text = await api.call('GET', `/v1/legal-requests/${String(id)}/production?format=text`, { key })
  expect(text.headers['content-type']).toBe('text/plain; charset=utf-8')
  expect(text.text).toContain(`Date of creation:   ${String(account['created_on'])}`)
})

test('the purchaser of an account that an organisation bought equals what its user gets', async () => {
  await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_account' })
  await using accounts = createAccounts({ db, bus: api.bus, clock, random: systemRandom })
  const { id: organisation } = await accounts.organisations.create({
    name: 'Buyers Inc.',
    kind: 'customer',
    parentId: undefined,
    pools: {},
  })
  await accounts.organisations.moveAccount(parseJid('bob@example.org'), organisation)
  const terms = { term_months: 12, started_on: '2026-01-01', renews_on: '2030-01-01', fee: 'none' }
  const subscribed = await api.owner('PUT', `/v1/subscriptions/organisations/${organisation}`, {
    ...terms,
    billing_method: 'transfer',
  })
  expect(subscribed.json).toMatchObject({ billing_method: 'transfer' })
  const { id } = (await record({ sought: ['purchaser'], username: 'bob@example.org' })).json
  for (const verb of ['review', 'approve', 'produce']) await step(id, verb)
  const production = await api.call('GET', `/v1/legal-requests/${String(id)}/production`, { key })
  const { purchaser } = production.json['document'] as { purchaser: unknown }
  const mine = await api.call('GET', '/v1/me/export', { headers: basic('bob@example.org', 'secret') })
  expect(purchaser).toEqual({ name: 'Buyers Inc.', billing_method: 'transfer' })
  expect(purchaser).toEqual((mine.json['account'] as { organisation: unknown }).organisation)
})

test('only what was sought is produced', async () => {
  const { id } = (await record({ sought: ['creation-date'], username: 'bob@example.org' })).json
  for (const verb of ['review', 'approve', 'produce']) await step(id, verb)
  const { document } = (await api.call('GET', `/v1/legal-requests/${String(id)}/production`, { key }))
    .json as {
    document: object
  }
  expect(document).toHaveProperty('created_on')
  for (const field of ['last_used_on', 'purchaser', 'device_type']) expect(document).not.toHaveProperty(field)
})

test('where telling is forbidden the user learns nothing until it is over, and is told then', async () => {
  const before = await told()
  const { id } = (await record({ gag_until: '2030-05-12' })).json
  for (const verb of ['review', 'approve', 'produce'])
    expect((await step(id, verb)).json).not.toHaveProperty('notified_on')
  expect(await told()).toBe(before)
  expect(((await exported())['legal_requests'] as unknown[]).length).toBe(2)
  await passed(2) // the 12th: still forbidden
  expect(await told()).toBe(before)
  await passed(1)
  await vi.waitFor(async () => expect(await told()).toBe(before + 1), { timeout: 30_000 })
  expect(((await exported())['legal_requests'] as unknown[]).length).toBe(3)
  expect(problem(await record({ gag_until: '2030-05-01' }))).toEqual([422, 'gag-past'])
})

test('a production is gone after thirty days; of an account that is erased nothing that names it is left', async () => {
  const { id } = (await record({ received_on: '2030-05-13' })).json
  for (const verb of ['review', 'approve', 'produce']) await step(id, verb)
  const production = () => api.call('GET', `/v1/legal-requests/${String(id)}/production`, { key })
  expect((await production()).status).toBe(200)
  await passed(32)
  await vi.waitFor(
    async () => expect(problem(await production())).toEqual([404, 'legal-production-unknown']),
    { timeout: 30_000 },
  )
  await api.owner('POST', '/v1/accounts/ann@example.org/terminate')
  await vi.waitFor(
    async () => {
      expect((await api.call('GET', `/v1/legal-requests/${String(id)}`, { key })).json).not.toHaveProperty(
        'username',
      )
    },
    { timeout: 30_000 },
  )
})

test('everybody may read what is kept of whom', async () => {
  const answer = await api.call('GET', '/.well-known/data-map.json')
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toContain('application/json')
  expect(answer.headers['access-control-allow-origin']).toBe('*')
  expect(answer.json).toEqual(dataMapDocument())
})

test('the transparency report counts half years that are over, in ranges, and does not change', async () => {
  const report = async () => {
    const answer = await api.call('GET', '/.well-known/transparency.json')
    expect(answer.headers['content-type']).toContain('application/json')
    return answer.json as unknown as SignedDocument<{
      from: string
      next_on: string
      counts: { kind: string; result: string; min: number; max: number }[]
    }>
  }
  const first = await report()
  expect(first.document).toMatchObject({ from: '2029-07-01', next_on: '2030-07-01' })
  expect(first.document.counts.every(({ max }) => max === 0)).toBe(true)
  await record({ kind: 'subpoena', received_on: '2030-06-01' }) // the others are court orders: 14 came, eight of them refused
  await passed(30)
  const second = await report()
  expect(isSigned(second)).toBe(true)
  expect(second.document).toMatchObject({ from: '2030-01-01', next_on: '2031-01-01' })
  const of = (kind: string, result: string) =>
    second.document.counts.find((each) => each.kind === kind && each.result === result)
  expect(of('court-order', 'received')).toMatchObject({ min: 14, max: 14 })
  expect(of('court-order', 'refused')).toMatchObject({ min: 8, max: 8 })
  expect(of('subpoena', 'received')).toMatchObject({ min: 1, max: 4 })
  expect(of('warrant', 'received')).toMatchObject({ min: 0, max: 0 })
  await record({ received_on: '2030-06-02' })
  expect(await report()).toEqual(second)
})

test('others may neither read nor write', async () => {
  const reader = await api.key('legal:read')
  expect((await api.call('POST', '/v1/legal-requests', { key: reader, body: good })).status).toBe(403)
  expect((await api.call('GET', '/v1/legal-requests', { key: await api.key('privacy:read') })).status).toBe(
    403,
  )
  const listed = (await api.call('GET', '/v1/legal-requests?limit=2', { key: reader })).json
  expect(listed['items']).toHaveLength(2)
  const next = await api.call('GET', `/v1/legal-requests?limit=2&cursor=${String(listed['next'])}`, {
    key: reader,
  })
  expect(next.json['items']).toHaveLength(2)
  const noDay = '2030-02-30 01234567-89ab-4def-8123-456789abcdef'
  for (const text of ['', `2030-01-01 ${'-'.repeat(36)}`, noDay]) {
    const cursor = text === '' ? 'x' : Buffer.from(text).toString('base64url')
    const answer = await api.call('GET', `/v1/legal-requests?cursor=${cursor}`, { key: reader })
    expect(answer.status).toBe(400)
  }
})

test('a type of device is confirmed or denied, as its owner is told it would be', async () => {
  const bob = basic('bob@example.org', 'secret')
  const installation = '1d8f37ac-3f30-4c39-9f0e-27e1fc2c8a12'
  await api.call('POST', '/v1/me/devices', { headers: bob, body: { installation, type: 'Pixel 8' } })
  for (const type of ['Pixel 8', 'iPhone 15']) {
    const { id } = (await record({ username: 'bob@example.org', sought: ['device-type'], device_type: type }))
      .json
    for (const verb of ['review', 'approve', 'produce']) expect((await step(id, verb)).status).toBe(200)
    const production = await api.call('GET', `/v1/legal-requests/${String(id)}/production`, { key })
    const { device_type: produced } = production.json['document'] as { device_type: unknown }
    const mine = await api.call('POST', '/v1/me/device-type', { headers: bob, body: { type } })
    expect(produced).toEqual(mine.json)
    expect(produced).toEqual({ named: type, known: type === 'Pixel 8' })
    const requests = (await api.call('GET', '/v1/me/export', { headers: bob })).json['legal_requests'] as {
      device_type?: string
    }[]
    expect(requests.map((request) => request.device_type)).toContain(type)
  }
})

test('a relay that is away produces nothing, and the request can be produced later', async () => {
  const { id } = (
    await record({ username: 'bob@example.org', sought: ['device-type'], device_type: 'Pixel 8' })
  ).json
  for (const verb of ['review', 'approve']) await step(id, verb)
  api.relay.away = true
  expect(problem(await step(id, 'produce'))).toEqual([503, 'relay-away'])
  api.relay.away = false
  expect((await step(id, 'produce')).json).toMatchObject({ state: 'produced' })
})
