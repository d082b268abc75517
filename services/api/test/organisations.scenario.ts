/** Organisations over REST: made, bounded, branded, suspended, removed; accounts moved between them and found by them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SCOPES_OF_ROLE } from '../src/access/roles.ts'
import { createTestApi, type Answer, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const problem = (type: string): object => ({ json: { type: `urn:sealpost:problem:${type}` } })
let named = 0

async function open(body: object = {}): Promise<string> {
  const made = await api.owner('POST', '/v1/organisations', { name: `Org ${String(named++)}`, ...body })
  expect(made.status, made.text).toBe(201)
  return String(made.json['id'])
}

async function join(organisation: string, name = `member${String(named++)}`): Promise<string> {
  const jid = `${name}@example.org`
  const made = await api.owner('POST', '/v1/accounts', { jid, organisation })
  expect(made.status, made.text).toBe(201)
  return jid
}

const list = async (query: string): Promise<string[]> => {
  const { items } = (await api.owner('GET', `/v1/accounts?${query}`)).json as { items: { jid: string }[] }
  return items.map(({ jid }) => jid)
}

test('a reseller is made with pools, gives to customers, and cannot give more than it has', async () => {
  const reseller = await open({ kind: 'reseller', accounts: 10, mailbox_mib: 10_240 })
  const customer = await open({ parent: reseller, accounts: 8 })
  const shown = await api.owner('GET', `/v1/organisations/${customer}`)
  expect(shown.json).toMatchObject({
    kind: 'customer',
    parent: reseller,
    depth: 2,
    pools: { accounts: { size: 8, used: 0, given: 0 }, mailbox_mib: { size: 0 }, keys: { used: 0 } },
    branding: { logo: false },
  })
  const above = await api.owner('GET', `/v1/organisations/${reseller}`)
  expect(above.json).toMatchObject({ pools: { accounts: { size: 10, given: 8, warning: 80 } } })
  const more = await api.owner('PATCH', `/v1/organisations/${customer}`, { accounts: 11 })
  expect(more).toMatchObject({ status: 409, ...problem('pool-exceeded') })
  const free = await api.owner('PATCH', `/v1/organisations/${customer}`, { unbounded: ['accounts'] })
  expect(free).toMatchObject({ status: 409, ...problem('pool-unbounded') })
  const renamed = await api.owner('PATCH', `/v1/organisations/${customer}`, { name: 'Étoile du Nord' })
  expect(renamed.json).toMatchObject({ name: 'Étoile du Nord', pools: { accounts: { size: 8 } } })
  const found = await api.owner('GET', `/v1/organisations?parent=${reseller}&search=nord`)
  expect(found.json['items']).toEqual([expect.objectContaining({ id: customer })])
})

test('50 accounts are made at once in a pool of 12: 12 are', async () => {
  const organisation = await open({ accounts: 12 })
  const tries = Array.from({ length: 50 }, (_, index) =>
    api.owner('POST', '/v1/accounts', { jid: `crowd${String(index)}@example.org`, organisation }),
  )
  const statuses = (await Promise.all(tries)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 201)).toHaveLength(12)
  expect(statuses.filter((status) => status === 409)).toHaveLength(38)
  expect(await list(`organisation=${organisation}`)).toHaveLength(12)
})

test('accounts move between organisations, on record, within the pools of both', async () => {
  const [one, other] = [await open(), await open({ accounts: 1, mailbox_mib: 1_024 })]
  const [ann, bob] = [await join(one), await join(one)]
  const move = (jid: string, organisation?: string): Promise<Answer> =>
    api.owner('PUT', `/v1/accounts/${jid}/organisation`, { organisation })
  expect((await move(ann, other)).json).toMatchObject({ jid: ann, organisation: other })
  expect(await move(bob, other)).toMatchObject({ status: 409, ...problem('pool-exceeded') })
  expect(await move(bob, '00000000-0000-4000-8000-000000000000')).toMatchObject({ status: 404 })
  expect((await move(ann)).json).not.toHaveProperty('organisation')
  const { items } = (await api.owner('GET', '/v1/audit?action=account.move&limit=2')).json as {
    items: { details: string }[]
  }
  expect(JSON.parse(items[0]?.details ?? '')).toEqual({ changed: { organisation: [other, null] } })
})

test('an organisation is suspended with all below it, restored, and removed once it is empty', async () => {
  const reseller = await open({ kind: 'reseller' })
  const customer = await open({ parent: reseller })
  const ann = await join(customer)
  const suspended = await api.owner('POST', `/v1/organisations/${reseller}/suspend`, { reason: 'abuse' })
  expect(suspended.json).toMatchObject({ state: 'suspended', reason: 'abuse' })
  expect((await api.owner('GET', `/v1/accounts/${ann}`)).json).toMatchObject({
    state: 'suspended',
    reason: 'abuse',
  })
  expect(await api.owner('POST', `/v1/accounts/${ann}/restore`)).toMatchObject({
    status: 409,
    ...problem('organisation-suspended'),
  })
  await api.owner('POST', `/v1/organisations/${reseller}/restore`)
  expect((await api.owner('GET', `/v1/accounts/${ann}`)).json).toMatchObject({ state: 'active' })
  expect(await api.owner('DELETE', `/v1/organisations/${customer}`)).toMatchObject({
    status: 409,
    ...problem('organisation-not-empty'),
  })
  await api.owner('PUT', `/v1/accounts/${ann}/organisation`, {})
  const made = await api.owner('POST', '/v1/api-keys', { scope: ['accounts:read'], organisation: customer })
  const key = String(made.json['token'])
  expect((await api.call('GET', '/v1/accounts', { key })).status).toBe(200)
  expect((await api.owner('DELETE', `/v1/organisations/${customer}`)).json).toEqual({ id: customer })
  expect((await api.call('GET', '/v1/accounts', { key })).status).toBe(401)
  expect((await api.owner('GET', `/v1/organisations/${customer}`)).status).toBe(404)
})

test('what the abuse desk has restricted is not for the organisation to widen', async () => {
  const customer = await open({})
  const path = `/v1/accounts/${await join(customer)}/mail-limit`
  const made = await api.owner('POST', '/v1/api-keys', {
    scope: ['accounts:suspend'],
    organisation: customer,
  })
  const key = String(made.json['token'])
  const set = (body: object) => api.call('PUT', path, { key, body })
  expect((await set({ messages_per_day: 50 })).status).toBe(200)
  await api.owner('PUT', path, { messages_per_day: 5 })
  for (const body of [{ messages_per_day: 6 }, {}])
    expect(await set(body)).toMatchObject({ status: 409, ...problem('account-held') })
  expect((await set({ messages_per_day: 4 })).json).toMatchObject({ messages_per_day: 4 })
})

/** A key that reaches no further than an organisation. */
async function keyOf(organisation: string, ...scope: string[]) {
  const made = await api.owner('POST', '/v1/api-keys', { scope, organisation })
  expect(made.status, made.text).toBe(201)
  const key = String(made.json['token'])
  return (method: string, path: string, body: object = {}, headers: Record<string, string> = {}) =>
    api.call(method, path, { key, body, headers })
}

describe('what was decided above', () => {
  const held = { status: 409, ...problem('organisation-held') }

  test('a suspension: a reseller neither lifts it nor says another reason, and does both with its own', async () => {
    const reseller = await open({ kind: 'reseller' })
    const customer = await open({ parent: reseller })
    const path = `/v1/organisations/${customer}`
    const asReseller = await keyOf(reseller, 'organisations:write')
    await api.owner('POST', `${path}/suspend`, { reason: 'abuse' })
    expect(await asReseller('POST', `${path}/restore`)).toMatchObject(held)
    expect(await asReseller('POST', `${path}/suspend`, { reason: 'holidays' })).toMatchObject(held)
    expect(await api.owner('GET', path)).toMatchObject({ json: { state: 'suspended', reason: 'abuse' } })
    await api.owner('POST', `${path}/restore`)
    for (const reason of ['unpaid', 'holidays'])
      expect((await asReseller('POST', `${path}/suspend`, { reason })).json).toMatchObject({ reason })
    expect((await asReseller('POST', `${path}/restore`)).json).toMatchObject({ state: 'active' })
    await asReseller('POST', `${path}/suspend`)
    await api.owner('POST', `${path}/suspend`, { reason: 'abuse' })
    expect(await asReseller('POST', `${path}/restore`)).toMatchObject(held)
    expect((await api.owner('POST', `${path}/restore`)).json).toMatchObject({ state: 'active' })
  })

  test('an end: a reseller neither takes it back nor moves it', async () => {
    const reseller = await open({ kind: 'reseller' })
    const customer = await open({ parent: reseller })
    const path = `/v1/organisations/${customer}`
    const asReseller = await keyOf(reseller, 'organisations:write')
    const { terminates_on: day } = (await api.owner('POST', `${path}/terminate`, { after: 10 })).json
    expect(await asReseller('POST', `${path}/keep`)).toMatchObject(held)
    for (const after of [0, 20])
      expect(await asReseller('POST', `${path}/terminate`, { after })).toMatchObject(held)
    expect((await api.owner('GET', path)).json).toMatchObject({ state: 'active', terminates_on: day })
    await api.owner('POST', `${path}/keep`)
    expect((await asReseller('POST', `${path}/terminate`, { after: 20 })).status).toBe(200)
    expect((await asReseller('POST', `${path}/keep`)).json).not.toHaveProperty('terminates_on')
  })

  test('the end of an account: its organisation neither takes it back nor moves it', async () => {
    const customer = await open()
    const path = `/v1/accounts/${await join(customer)}`
    const asCustomer = await keyOf(customer, 'accounts:terminate')
    const refused = { status: 409, ...problem('account-held') }
    await api.owner('POST', `${path}/terminate`, { after: 10 })
    expect(await asCustomer('POST', `${path}/keep`)).toMatchObject(refused)
    for (const after of [0, 20])
      expect(await asCustomer('POST', `${path}/terminate`, { after })).toMatchObject(refused)
    await api.owner('POST', `${path}/keep`)
    expect((await asCustomer('POST', `${path}/terminate`, { after: 20 })).status).toBe(200)
    expect((await asCustomer('POST', `${path}/keep`)).json).toMatchObject({ state: 'active' })
    expect((await asCustomer('POST', `${path}/terminate`)).json).toMatchObject({ state: 'terminated' })
  })
})

test('what the server has suspended is ended by no organisation: it may be evidence', async () => {
  const reseller = await open({ kind: 'reseller' })
  const customer = await open({ parent: reseller })
  const [bad, good] = [await join(customer), await join(customer)]
  const asCustomer = await keyOf(customer, 'accounts:suspend', 'accounts:terminate')
  const asReseller = await keyOf(reseller, 'organisations:write', 'accounts:terminate')
  const held = { status: 409, ...problem('account-held') }
  const end = `/v1/organisations/${customer}/terminate`
  await api.owner('POST', `/v1/accounts/${bad}/suspend`, { reason: 'abuse' })
  for (const ask of [asCustomer, asReseller])
    expect(await ask('POST', `/v1/accounts/${bad}/terminate`)).toMatchObject(held)
  expect(await asReseller('POST', end, { after: 10 })).toMatchObject({
    status: 409,
    ...problem('organisation-held'),
  })
  await api.owner('POST', `/v1/accounts/${bad}/restore`)
  await asCustomer('POST', `/v1/accounts/${bad}/suspend`, { reason: 'abuse' })
  expect((await asCustomer('POST', `/v1/accounts/${bad}/terminate`)).json).toMatchObject({
    state: 'terminated',
  })
  await api.owner('POST', `/v1/organisations/${customer}/suspend`, { reason: 'abuse' })
  expect(await asCustomer('POST', `/v1/accounts/${good}/terminate`)).toMatchObject(held)
  expect((await api.owner('POST', `/v1/accounts/${good}/terminate`)).json).toMatchObject({
    state: 'terminated',
  })
})

test('a limit of the abuse desk stays, however many wider ones come at the same time', async () => {
  const customer = await open()
  const path = `/v1/accounts/${await join(customer)}/mail-limit`
  const asCustomer = await keyOf(customer, 'accounts:suspend')
  const wider = Array.from({ length: 20 }, (_, index) =>
    asCustomer('PUT', path, { messages_per_day: 100 + index }),
  )
  await Promise.all([...wider, api.owner('PUT', path, { messages_per_day: 5 })])
  expect((await api.owner('GET', path)).json).toMatchObject({ messages_per_day: 5 })
})

describe('an organisation', () => {
  test('gets no new link for an account that was moved away, by repeating how it made it', async () => {
    const customer = await open()
    const asCustomer = await keyOf(customer, 'accounts:write')
    const make = () =>
      asCustomer('POST', '/v1/accounts', { jid: 'moved@example.org' }, { 'idempotency-key': 'once' })
    expect((await make()).status).toBe(201)
    expect((await make()).json).toHaveProperty('enrolment')
    await api.owner('PUT', '/v1/accounts/moved@example.org/organisation', {})
    expect(await make()).toMatchObject({ status: 409, ...problem('account-exists') })
  })

  test('has no pages at a domain that the server serves, unless its operator says so', async () => {
    const reseller = await open({ kind: 'reseller' })
    const asReseller = await keyOf(reseller, 'organisations:write')
    const path = `/v1/organisations/${reseller}/branding`
    for (const domain of ['example.org', 'example.net'])
      expect(await asReseller('PUT', path, { domain })).toMatchObject({
        status: 403,
        ...problem('brand-domain-served'),
      })
    expect((await asReseller('PUT', path, { domain: 'reseller.example' })).status).toBe(200)
    expect((await api.owner('PUT', path, { domain: 'example.net' })).status).toBe(200)
    await api.owner('PUT', path, {})
  })

  test('fills up its own room for invites, and nobody else’s', async () => {
    const [one, other] = [await open(), await open()]
    const as = async (id: string) => {
      const ask = await keyOf(id, ...SCOPES_OF_ROLE.org_admin)
      return () => ask('POST', '/v1/administrators/invites', { role: 'org_admin' })
    }
    const [asOne, asOther] = [await as(one), await as(other)]
    const answers = await Promise.all(Array.from({ length: 25 }, asOne))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(5)
    expect((await asOther()).status).toBe(201)
    const owner = await api.owner('POST', '/v1/administrators/recovery', {})
    expect(owner.status, owner.text).toBe(201)
  })
})

describe('pages', () => {
  const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(64)])

  test('look as their organisation says, and otherwise as the one above', async () => {
    const reseller = await open({ kind: 'reseller' })
    const customer = await open({ parent: reseller })
    const brand = { name: 'Étoile', background: '#1a2b3c', text: '#ffffff', domain: 'mail.etoile.example' }
    expect((await api.owner('PUT', `/v1/organisations/${reseller}/branding`, brand)).json).toMatchObject({
      branding: { ...brand, logo: false },
    })
    await api.owner('PUT', `/v1/organisations/${reseller}/logo`, { image: PNG.toString('base64') })
    await api.owner('PUT', `/v1/organisations/${customer}/branding`, { name: 'Nord', domain: 'nord.example' })
    const seen = await api.call('GET', '/v1/branding?domain=nord.example')
    expect(seen.json).toEqual({
      name: 'Nord',
      background: '#1a2b3c',
      text: '#ffffff',
      logo: `data:image/png;base64,${PNG.toString('base64')}`,
      support_url: 'https://help.example.org/',
    })
    for (const domain of ['unknown.example', 'localhost', '192.0.2.1'])
      expect((await api.call('GET', `/v1/branding?domain=${domain}`)).json).toEqual({
        support_url: 'https://help.example.org/',
      })
    expect(await api.owner('PUT', `/v1/organisations/${customer}/branding`, brand)).toMatchObject({
      status: 409,
      ...problem('brand-domain-taken'),
    })
  })

  test('of the server itself show it at the host of the organisation, and of whom a link is for at any', async () => {
    const customer = await open()
    const support_url = 'mailto:aide@sud.example'
    const colours = { background: '#1a2b3c', text: '#ffffff' }
    const brand = { name: '<i>Sud', ...colours, domain: 'sud.example', support_url }
    await api.owner('PUT', `/v1/organisations/${customer}/branding`, brand)
    await api.owner('PUT', `/v1/organisations/${customer}/logo`, { image: PNG.toString('base64') })
    const made = await api.owner('POST', '/v1/accounts', { jid: 'sud@example.org', organisation: customer })
    const { token } = made.json['enrolment'] as { token: string }
    const look = async (path: string, host = 'sud.example:8443') => {
      const { text, headers } = await api.call('GET', path, { headers: { host } })
      return { text, policy: String(headers['content-security-policy']) }
    }
    for (const page of [
      await look('/abuse'),
      await look('/policies'),
      await look('/enrol/nothing'),
      await look(`/enrol/${token}`, 'example.org'),
    ]) {
      const logo = `<img src="data:image/png;base64,${PNG.toString('base64')}" alt="" />`
      expect(page.text).toContain(`<p class="brand">${logo}&lt;i&gt;Sud</p>`)
      expect(page.text).toContain('background: #1a2b3c; color: #ffffff }</style>')
      expect(page.text).toContain('<a href="mailto:aide@sud.example">Help</a>')
      expect(page.text).not.toContain('Sealpost')
      expect(page.policy).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+' 'sha256-[^']+'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      )
    }
    const other = await look('/abuse', 'example.org')
    expect(other.text).toContain('<p class="brand">Sealpost</p>')
    expect(other.text).toContain('<a href="https://help.example.org/">Help</a>')
    expect(other.policy).not.toContain('img-src')
  })

  test.each([
    [
      'colours that cannot be read on each other',
      'branding',
      { background: '#777777', text: '#888888' },
      422,
    ],
    ['contrast just below what is needed', 'branding', { background: '#ffffff', text: '#777777' }, 422],
    ['one colour of two', 'branding', { background: '#000000' }, 422],
    ['a colour that is none', 'branding', { background: 'red', text: '#ffffff' }, 400],
    ['a domain with a path', 'branding', { domain: 'example.com/x' }, 400],
    ['a domain in capitals', 'branding', { domain: 'EXAMPLE.com' }, 400],
    ['help by a script', 'branding', { support_url: 'javascript:alert(1)' }, 422],
    ['help that is no URL', 'branding', { support_url: 'call us' }, 422],
    ['help over http', 'branding', { support_url: 'http://help.example' }, 422],
    [
      'an SVG',
      'logo',
      { image: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64') },
      422,
    ],
    [
      'a logo of more than 64 KiB',
      'logo',
      { image: Buffer.concat([PNG, Buffer.alloc(65_536)]).toString('base64') },
      400,
    ],
    ['a logo that is no base64', 'logo', { image: '§' }, 400],
  ])('%s is refused', async (_what, part, body, status) => {
    const id = await open()
    expect((await api.owner('PUT', `/v1/organisations/${id}/${part}`, body)).status).toBe(status)
  })

  test('what can just be read is taken', async () => {
    const id = await open()
    const brand = { background: '#ffffff', text: '#767676' }
    expect((await api.owner('PUT', `/v1/organisations/${id}/branding`, brand)).status).toBe(200)
  })
})

describe('accounts are found', () => {
  let organisation: string
  beforeAll(async () => {
    const reseller = await open({ kind: 'reseller' })
    organisation = reseller
    const customer = await open({ parent: reseller })
    for (const name of ['filter-one', 'filter-two']) await join(customer, name)
    await join(reseller, 'filter-ünï')
    await api.owner('PUT', '/v1/plans/found', { mailbox_mib: 10 })
    await api.owner('PUT', '/v1/accounts/filter-one@example.org/plan', { plan: 'found' })
    await api.owner('POST', '/v1/accounts/filter-two@example.org/suspend', { reason: 'look' })
  })

  test.each([
    ['', ['filter-one', 'filter-two', 'filter-ünï']],
    ['search=ter-t', ['filter-two']],
    ['search=%C3%9CN', ['filter-ünï']],
    ['search=n', ['filter-one', 'filter-ünï']],
    ['search=%25', []],
    ['search=__', []],
    ['plan=found', ['filter-one']],
    ['plan=default', ['filter-two', 'filter-ünï']],
    ['reason=look', ['filter-two']],
    ['state=suspended', ['filter-two']],
    ['state=active&plan=default', ['filter-ünï']],
    ['created_after=2020-01-01', ['filter-one', 'filter-two', 'filter-ünï']],
    ['created_before=2020-01-01', []],
    ['last_used_after=2020-01-01', []],
    ['last_used_before=2200-01-01', []],
  ])('by %s', async (query, names) => {
    const found = await list(`organisation=${organisation}&${query}`)
    expect(found).toEqual(names.map((name) => `${name}@example.org`))
  })

  test.each(['created_after=yesterday', 'plan=No', 'organisation=x', 'reason=A%20b'])(
    '%s is refused',
    async (query) => {
      expect((await api.owner('GET', `/v1/accounts?${query}`)).status).toBe(400)
    },
  )
})
