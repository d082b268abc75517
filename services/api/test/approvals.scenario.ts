/** Four eyes, and keys that are bound: what one alone must not do, and what no key gives. */
import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appoint, organisation, type TestAdministrator } from './administrator.ts'
import { createTestApi, type Answer, type TestApi } from './api.ts'

const HOUR_MS = 3_600_000
const clock = new VirtualClock()
let api: TestApi
let ada: TestAdministrator
let bob: TestAdministrator
let customer: string
beforeAll(async () => {
  api = await createTestApi({ clock })
  ada = await appoint(api, 'Ada', 'owner')
  customer = await organisation(api, 'Customer')
})
afterAll(() => api[Symbol.asyncDispose]())

const problem = (type: string) => `urn:sealpost:problem:${type}`
const typeOf = (answer: Answer) => [answer.status, answer.json['type']]
const INVITE = '/v1/administrators/invites'

describe('four eyes', () => {
  test('one alone adds the second; from then on the other has to approve', async () => {
    expect((await ada.call('POST', INVITE, { role: 'auditor' })).status).toBe(201)
    bob = await appoint(api, 'Bob', 'admin')
    const asked = await ada.call('POST', INVITE, { role: 'support' })
    expect(typeOf(asked)).toEqual([403, problem('approval-needed')])
    const id = String(asked.json['approval'])
    const approval = { 'sealpost-approval': id }
    expect((await ada.call('POST', INVITE, { role: 'support' })).json['approval'], 'asked twice').toBe(id)
    expect(typeOf(await ada.call('POST', INVITE, { role: 'support' }, approval))).toEqual([
      403,
      problem('approval-needed'),
    ])
    expect(typeOf(await ada.call('POST', `/v1/approvals/${id}/approve`))).toEqual([
      403,
      problem('approval-own'),
    ])

    const shown = (await bob.call('GET', '/v1/approvals?state=open')).json['items']
    const details = JSON.stringify({ role: 'support' })
    const requester = { kind: 'administrator', id: ada.id }
    expect(shown).toMatchObject([{ id, action: 'admin.invite', details, reason: 'test', requester }])
    expect((await bob.call('POST', `/v1/approvals/${id}/approve`)).json).toMatchObject({
      state: 'approved',
      decided_by: bob.id,
    })
    expect(typeOf(await bob.call('POST', `/v1/approvals/${id}/refuse`))).toEqual([
      409,
      problem('approval-decided'),
    ])

    const unknown = [404, problem('approval-unknown')]
    expect(typeOf(await ada.call('POST', INVITE, { role: 'admin' }, approval)), 'something else').toEqual(
      unknown,
    )
    const tries = await Promise.all(
      Array.from({ length: 10 }, () => ada.call('POST', INVITE, { role: 'support' }, approval)),
    )
    expect(tries.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(typeOf(await ada.call('POST', INVITE, { role: 'support' }, approval)), 'again').toEqual(unknown)
    const log = (await api.owner('GET', `/v1/audit?action=admin.invite&actor=${ada.id}`)).json['items']
    expect(JSON.stringify(log)).toContain(id)
    const asks = (await api.owner('GET', '/v1/audit?action=approval.ask')).json['items']
    expect(asks).toMatchObject([{ target: { kind: 'approval', id } }])
  })

  test('what was refused is not done, what nobody decided within a day is forgotten, and a proof is needed to decide', async () => {
    await ada.signIn()
    const path = `/v1/administrators/${bob.id}`
    const asked = await ada.call('DELETE', path)
    const id = String(asked.json['approval'])
    await bob.signIn()
    await clock.advance(5 * 60_000)
    expect(typeOf(await bob.call('POST', `/v1/approvals/${id}/refuse`))).toEqual([
      403,
      problem('proof-needed'),
    ])
    await bob.prove()
    expect((await bob.call('POST', `/v1/approvals/${id}/refuse`)).status).toBe(200)
    await ada.prove()
    expect(typeOf(await ada.call('DELETE', path, undefined, { 'sealpost-approval': id }))).toEqual([
      403,
      problem('approval-refused'),
    ])
    const again = String((await ada.call('DELETE', path)).json['approval'])
    expect(again).not.toBe(id)
    await clock.leap(24 * HOUR_MS)
    await bob.signIn()
    expect(typeOf(await bob.call('POST', `/v1/approvals/${again}/approve`))).toEqual([
      404,
      problem('approval-unknown'),
    ])
  })

  test('nobody approves what their own key asks for; a key approves nothing; the host needs nobody', async () => {
    await Promise.all([ada.signIn(), bob.signIn()])
    const made = await ada.call('POST', '/v1/api-keys', { scope: ['*'] })
    const child = await api.call('POST', '/v1/api-keys', {
      key: String(made.json['token']),
      body: { scope: ['*'] },
    })
    const key = String(child.json['token'])
    const asked = await api.call('POST', INVITE, { key, body: { role: 'support' } })
    const id = String(asked.json['approval'])
    expect(typeOf(await ada.call('POST', `/v1/approvals/${id}/approve`))).toEqual([
      403,
      problem('approval-own'),
    ])
    expect(typeOf(await api.call('POST', `/v1/approvals/${id}/approve`, { key }))).toEqual([
      403,
      problem('administrator-needed'),
    ])
    expect((await bob.call('POST', `/v1/approvals/${id}/approve`)).status).toBe(200)
    const headers = { 'sealpost-approval': id }
    expect(
      typeOf(
        await api.call('POST', INVITE, {
          key: String(made.json['token']),
          body: { role: 'support' },
          headers,
        }),
      )[0],
    ).toBe(404)
    expect((await api.call('POST', INVITE, { key, body: { role: 'support' }, headers })).status).toBe(201)
    expect((await api.owner('POST', INVITE, { role: 'support' })).status).toBe(201)
    const malformed = await api.call('POST', INVITE, { key, body: {}, headers: { 'sealpost-approval': 'x' } })
    expect(typeOf(malformed)).toEqual([400, problem('approval-header-malformed')])
  })
})

test('nobody ends or removes an organisation alone once there are two', async () => {
  const ending = await organisation(api, 'Ending')
  const path = `/v1/organisations/${ending}`
  const isThere = async () => (await ada.call('GET', path)).status
  for (const [method, what, body] of [
    ['POST', '/terminate', { after: 0 }],
    ['DELETE', '', undefined],
  ] as const)
    expect(typeOf(await ada.call(method, `${path}${what}`, body))).toEqual([403, problem('approval-needed')])
  expect(await isThere()).toBe(200)
  const id = String((await ada.call('DELETE', path)).json['approval'])
  expect((await bob.call('POST', `/v1/approvals/${id}/approve`)).status).toBe(200)
  expect((await ada.call('DELETE', path, undefined, { 'sealpost-approval': id })).status).toBeLessThan(300)
  expect(await isThere()).toBe(404)
})

describe('an organisation', () => {
  test('its administrators see and invite their own only, and give no role that they do not have', async () => {
    const below = await organisation(api, 'Below', customer)
    const other = await organisation(api, 'Other')
    const reseller = await appoint(api, 'Rita', 'reseller', customer)
    const stranger = await appoint(api, 'Sid', 'org_admin', other)
    const invite = (body: object) => reseller.call('POST', INVITE, body)
    expect((await invite({})).status).toBe(201)
    expect((await invite({ role: 'org_admin', organisation: below })).status).toBe(201)
    expect(typeOf(await invite({ role: 'org_admin', organisation: other }))[0]).toBe(404)
    for (const role of ['owner', 'admin', 'support', 'auditor'])
      expect(typeOf(await invite({ role })), role).toEqual([403, problem('rights-missing')])
    expect(typeOf(await invite({ role: 'support', organisation: below }))).toEqual([
      422,
      problem('role-mismatch'),
    ])
    const names = (
      (await reseller.call('GET', '/v1/administrators')).json['items'] as { name: string }[]
    ).map(({ name }) => name)
    expect(names).toEqual(['Rita'])
    for (const { id } of [stranger, ada])
      expect(typeOf(await reseller.call('DELETE', `/v1/administrators/${id}`))).toEqual([
        404,
        problem('administrator-unknown'),
      ])
    const plain = await appoint(api, 'Olga', 'org_admin', customer)
    await plain.signIn()
    const asked = await plain.call('DELETE', `/v1/administrators/${reseller.id}`)
    expect(typeOf(asked)).toEqual([403, problem('approval-needed')])
    expect((await stranger.call('GET', `/v1/approvals/${String(asked.json['approval'])}`)).status).toBe(404)
    const elsewhere = await plain.call('PATCH', `/v1/administrators/${plain.id}`, { role: 'reseller' })
    expect(elsewhere.status).toBe(403)
  })

  test('a key of it reaches no further, and neither do keys made with it', async () => {
    const made = await api.owner('POST', '/v1/api-keys', {
      scope: ['apikeys:read', 'apikeys:write', 'mail:read'],
      organisation: customer,
    })
    const key = String(made.json['token'])
    expect(made.json).toMatchObject({ organisation: customer })
    expect(typeOf(await api.call('GET', '/v1/mail-reports', { key }))).toEqual([
      403,
      problem('beyond-organisation'),
    ])
    const child = await api.call('POST', '/v1/api-keys', { key, body: { scope: ['apikeys:read'] } })
    expect(child.json).toMatchObject({ organisation: customer })
    const other = await organisation(api, 'Another')
    const wide = await api.call('POST', '/v1/api-keys', {
      key,
      body: { scope: ['apikeys:read'], organisation: other },
    })
    expect(wide.status).toBe(404)
    const listed = (await api.call('GET', '/v1/api-keys', { key })).json['items'] as {
      organisation?: string
    }[]
    expect(new Set(listed.map((each) => each.organisation))).toEqual(new Set([customer]))
    const foreign = (await api.owner('POST', '/v1/api-keys', { scope: ['mail:read'] })).json['id']
    expect((await api.call('DELETE', `/v1/api-keys/${String(foreign)}`, { key })).status).toBe(404)
    expect((await api.call('DELETE', `/v1/api-keys/${String(child.json['id'])}`, { key })).status).toBe(200)
  })

  test('an invite of it gives a script a key with the rights of its role there, not all', async () => {
    const place = await organisation(api, 'Scripted')
    const { token } = (await api.owner('POST', INVITE, { role: 'org_admin', organisation: place })).json
    const redeemed = await api.call('POST', '/v1/invites/redeem', { body: { token } })
    const { api_key: key } = redeemed.json as { api_key: { token: string; scopes: string[] } }
    expect(key.scopes).not.toContain('*')
    expect((await api.call('GET', '/v1/mail-reports', { key: key.token })).status).toBe(403)
    const listed = await api.call('GET', '/v1/api-keys', { key: key.token })
    expect(listed.json['items']).toMatchObject([{ organisation: place }])
  })
})

test('keys end with whoever made them, and are nobody’s way to approve what they ask for', async () => {
  const eve = await appoint(api, 'Eve', 'admin')
  const made = await eve.call('POST', '/v1/api-keys', { scope: ['plans:read'] })
  const key = String(made.json['token'])
  const list = () => api.call('GET', '/v1/plans', { key })
  expect((await list()).status).toBe(200)
  await api.owner('PATCH', `/v1/administrators/${eve.id}`, { role: 'support' })
  expect((await list()).status).toBe(401)
  await api.owner('DELETE', `/v1/administrators/${eve.id}`)

  await Promise.all([ada.signIn(), bob.signIn()])
  const asked = String((await ada.call('POST', INVITE, { role: 'owner' })).json['approval'])
  await bob.call('POST', `/v1/approvals/${asked}/approve`)
  const { token } = (await ada.call('POST', INVITE, { role: 'owner' }, { 'sealpost-approval': asked })).json
  const redeemed = (await api.call('POST', '/v1/invites/redeem', { body: { token } })).json
  const own = (redeemed as { api_key: { token: string } }).api_key.token
  const again = await api.call('POST', INVITE, { key: own, body: { role: 'support' } })
  const path = `/v1/approvals/${String(again.json['approval'])}/approve`
  expect(typeOf(await ada.call('POST', path))).toEqual([403, problem('approval-own')])
})

test('a key works from its networks only, and gives no wider ones and no longer life', async () => {
  const networks = ['192.0.2.0/24', '2001:db8::/32']
  const made = await api.owner('POST', '/v1/api-keys', { scope: ['*'], networks, expires_on: '2030-06-01' })
  const key = String(made.json['token'])
  const from = (address: string) => ({ 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })
  const list = (address: string) => api.call('GET', '/v1/plans', { key, headers: from(address) })
  const statuses = await Promise.all(
    ['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.9', '192.0.3.1', '2001:db9::1'].map(list),
  )
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200, 403, 403])
  expect(typeOf(await api.call('GET', '/v1/plans', { key }))).toEqual([403, problem('network-refused')])
  const make = (body: object) =>
    api.call('POST', '/v1/api-keys', { key, body: { scope: ['*'], ...body }, headers: from('192.0.2.7') })
  expect((await make({})).json).toMatchObject({ networks, expires_on: '2030-06-01' })
  expect((await make({ networks: ['192.0.2.128/25'], expires_on: '2030-05-01' })).status).toBe(201)
  for (const wide of [
    { networks: ['192.0.0.0/16'] },
    { networks: ['198.51.100.1'] },
    { expires_on: '2030-06-02' },
  ])
    expect(typeOf(await make(wide)), JSON.stringify(wide)).toEqual([403, problem('key-too-wide')])
  for (const network of ['192.0.2.0/33', 'x', '192.0.2', '::1/129', '192.0.2.0/24/1', 'fe80::1%eth0'])
    expect(typeOf(await make({ networks: [network] })), network).toEqual([422, problem('network-malformed')])
})
