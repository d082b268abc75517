import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deriveVerifiers } from '@sealpost/accounts'
import { systemRandom } from '@sealpost/runtime'
import { qrSvg } from '../src/joining/qr.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const anyString: unknown = expect.any(String)
const problem = (type: string) => ({ type: `urn:sealpost:problem:${type}` })
const form = { 'content-type': 'application/x-www-form-urlencoded' }

interface Linked {
  id: string
  url: string
  token: string
}

async function invite(body: object = {}): Promise<Linked> {
  const answer = await api.owner('POST', '/v1/invites/account', body)
  expect(answer.status).toBe(201)
  return answer.json as unknown as Linked
}

async function verifiersOf(password: string) {
  return (await deriveVerifiers(password, systemRandom)).map((verifier) => ({
    hash: verifier.hash,
    salt: verifier.salt.toString('base64'),
    iterations: verifier.iterations,
    stored_key: verifier.storedKey.toString('base64'),
    server_key: verifier.serverKey.toString('base64'),
  }))
}

describe('invites to make an account', () => {
  test('are made, shown with their link and its QR code, listed and revoked', async () => {
    await api.owner('PUT', '/v1/plans/plus', {})
    const made = await api.owner('POST', '/v1/invites/account', {
      domain: 'example.net',
      uses: 3,
      plan: 'plus',
    })
    const { id, token, url } = made.json as unknown as Linked
    expect(made.json).toEqual({
      id: anyString,
      domain: 'example.net',
      plan: 'plus',
      uses: 3,
      used: 0,
      created_on: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/) as unknown,
      expires_at: anyString,
      url: `https://example.org:8443/enrol/${token}`,
      token: expect.stringMatching(/^[\w-]{43}$/) as unknown,
    })
    expect((await api.owner('GET', `/v1/invites/${id}`)).json).toEqual(made.json)
    const qr = await api.owner('GET', `/v1/invites/${id}/qr.svg`)
    expect(qr).toMatchObject({ status: 200, text: qrSvg(url) })
    expect(qr.headers).toMatchObject({ 'content-type': 'image/svg+xml', 'cache-control': 'no-store' })
    const listed = await api.owner('GET', '/v1/invites?limit=200')
    expect(listed.text).toContain(id)
    expect(listed.text).not.toContain(token)
    expect((await api.call('GET', `/v1/registrations/${token}`)).json).toEqual({
      domain: 'example.net',
      expires_at: made.json['expires_at'],
    })
    expect((await api.owner('DELETE', `/v1/invites/${id}`)).json).toEqual({ id })
    for (const path of [`/v1/invites/${id}`, `/v1/invites/${id}/qr.svg`, `/v1/registrations/${token}`])
      expect(await api.owner('GET', path)).toMatchObject({ status: 404, json: problem('invite-gone') })
    expect((await api.owner('DELETE', `/v1/invites/${id}`)).status).toBe(404)
  })

  test('show their links to whoever may make them only, and log none', async () => {
    const { id, token } = await invite()
    const reader = await api.key('invites:read')
    expect((await api.call('GET', '/v1/invites', { key: reader })).status).toBe(200)
    for (const path of [`/v1/invites/${id}`, `/v1/invites/${id}/qr.svg`])
      expect((await api.call('GET', path, { key: reader })).status).toBe(403)
    expect((await api.call('POST', '/v1/invites/account', { key: reader, body: {} })).status).toBe(403)
    expect((await api.owner('GET', '/v1/audit?action=invite.create')).text).not.toContain(token)
    expect(api.logged()).not.toContain(token)
  })

  test.each([
    [{ uses: 0 }, 400],
    [{ uses: 1001 }, 400],
    [{ uses: 1.5 }, 400],
    [{ ttl_seconds: 59 }, 400],
    [{ ttl_seconds: 90 * 86_400 + 1 }, 400],
    [{ domain: 'elsewhere.example' }, 422],
    [{ domain: 'a b' }, 400],
    [{ plan: 'none' }, 404],
    [{ name: 'two', uses: 2 }, 422],
    [{ name: 'keys' }, 409],
    [{ name: 'a@b' }, 400],
    [{ admin: true }, 400],
  ])('%j is refused with %i', async (body, status) => {
    const answer = await api.owner('POST', '/v1/invites/account', body)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  })
})

describe('within an organisation', () => {
  const gone = { status: 404, json: problem('invite-gone') }
  const open = async (body: object) => String((await api.owner('POST', '/v1/organisations', body)).json['id'])
  const keyOf = async (organisation: string) => {
    const body = { scope: ['invites:read', 'invites:write'], organisation }
    return String((await api.owner('POST', '/v1/api-keys', body)).json['token'])
  }
  const idsOf = async (key: string, query = '') =>
    ((await api.call('GET', `/v1/invites?limit=200${query}`, { key })).json['items'] as { id: string }[]).map(
      ({ id }) => id,
    )

  test('invites are made, seen and revoked for it and those below, and beyond it there are none', async () => {
    const reseller = await open({ name: 'Reseller', kind: 'reseller' })
    const customer = await open({ name: 'Customer', parent: reseller })
    const other = await open({ name: 'Other' })
    const [above, own] = [await keyOf(reseller), await keyOf(customer)]
    const make = (key: string, body = {}) => api.call('POST', '/v1/invites/account', { key, body })
    const mine = (await make(own)).json as unknown as Linked & { organisation: string }
    expect(mine.organisation).toBe(customer)
    const below = await make(above, { organisation: customer, uses: 2 })
    expect(below.json).toMatchObject({ organisation: customer })
    const higher = (await make(above)).json as unknown as Linked
    for (const organisation of [reseller, other])
      expect(await make(own, { organisation })).toMatchObject({
        status: 404,
        json: problem('organisation-unknown'),
      })
    expect((await idsOf(own)).toSorted()).toEqual([mine.id, String(below.json['id'])].toSorted())
    expect(await idsOf(above)).toHaveLength(3)
    expect(await idsOf(above, `&organisation=${customer}`)).toHaveLength(2)
    const free = await invite()
    for (const { id } of [higher, free]) {
      expect(await api.call('GET', `/v1/invites/${id}`, { key: own })).toMatchObject(gone)
      expect(await api.call('GET', `/v1/invites/${id}/qr.svg`, { key: own })).toMatchObject(gone)
      expect(await api.call('DELETE', `/v1/invites/${id}`, { key: own })).toMatchObject(gone)
    }
    const made = await api.call('POST', '/v1/registrations', { body: { token: mine.token, password: 'x' } })
    expect(made.json).toMatchObject({ organisation: customer })
    expect((await api.call('DELETE', `/v1/invites/${String(below.json['id'])}`, { key: own })).status).toBe(
      200,
    )
    expect((await api.owner('GET', `/v1/invites/${higher.id}`)).status).toBe(200)
  })

  test('an invite of an organisation that is full or suspended makes no account, and stays', async () => {
    const full = await open({ name: 'Full', accounts: 0 })
    const { token } = await invite({ organisation: full, uses: 2 })
    const join = () => api.call('POST', '/v1/registrations', { body: { token, password: 'x' } })
    expect(await join()).toMatchObject({ status: 409, json: problem('pool-exceeded') })
    await api.owner('PATCH', `/v1/organisations/${full}`, { accounts: 1 })
    await api.owner('POST', `/v1/organisations/${full}/suspend`, { reason: 'payment' })
    expect(await join()).toMatchObject({ status: 409, json: problem('organisation-suspended') })
    await api.owner('POST', `/v1/organisations/${full}/restore`)
    expect((await join()).status).toBe(201)
  })
})

describe('registration', () => {
  test('with a name and a password', async () => {
    const { token } = await invite()
    const body = { token, name: 'Reg', password: 'chosen' }
    expect(await api.call('POST', '/v1/registrations', { body })).toMatchObject({
      status: 201,
      json: { jid: 'reg@example.org', state: 'active' },
    })
    expect((await api.call('GET', '/v1/me', { headers: basic('reg', 'chosen') })).status).toBe(200)
    expect(await api.call('POST', '/v1/registrations', { body })).toMatchObject({
      status: 404,
      json: problem('invite-gone'),
    })
  })

  test('without a name, and with verifiers: the server never sees the password', async () => {
    const { token } = await invite()
    const body = { token, verifiers: await verifiersOf('only the client knows') }
    const { status, json } = await api.call('POST', '/v1/registrations', { body })
    expect(status).toBe(201)
    expect(json['jid']).toMatch(/^[b-z][b-z2-9]{9}@example\.org$/)
    const headers = basic(String(json['jid']), 'only the client knows')
    expect((await api.call('GET', '/v1/me', { headers })).json).toMatchObject({ jid: json['jid'] })
  })

  test('50 at once with 4 uses: 4 accounts, whatever the names', async () => {
    const { token } = await invite({ uses: 4 })
    const verifiers = await verifiersOf('x')
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        api.call('POST', '/v1/registrations', {
          body: { token, name: `many${String(i)}`, verifiers },
          headers: { 'x-forwarded-for': `192.0.2.${String(i)}` },
        }),
      ),
    )
    const count = (status: number) => answers.filter((answer) => answer.status === status).length
    expect([count(201), count(404)]).toEqual([4, 46])
  })

  test('what is refused uses nothing up', async () => {
    const { token } = await invite()
    await api.owner('POST', '/v1/accounts', { jid: 'here@example.org', password: 'x' })
    const cases: [object, number, string][] = [
      [{ name: 'here', password: 'x' }, 409, 'account-exists'],
      [{ name: 'keys', password: 'x' }, 409, 'name-reserved'],
      [{ name: 'a@b', password: 'x' }, 400, 'address-malformed'],
      [{ name: 'free' }, 422, 'password-missing'],
      [{ name: 'free', password: '\u0007' }, 422, 'password-unacceptable'],
      [{ name: 'free', verifiers: [] }, 422, 'verifiers-incomplete'],
      [{ name: '', password: 'x' }, 400, 'validation'],
      [{ name: 'free', password: 'x', plan: 'plus' }, 400, 'validation'],
    ]
    for (const [body, status, type] of cases)
      expect(await api.call('POST', '/v1/registrations', { body: { token, ...body } })).toMatchObject({
        status,
        json: problem(type),
      })
    const body = { token, name: 'free', password: 'x' }
    expect((await api.call('POST', '/v1/registrations', { body })).status).toBe(201)
  })

  test('guesses are few', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.7' }
    const guess = () =>
      api.call('POST', '/v1/registrations', { body: { token: 'a'.repeat(43), password: 'x' }, headers })
    const statuses = []
    for (let i = 0; i < 32; i++) statuses.push((await guess()).status)
    expect(statuses.filter((status) => status === 404)).toHaveLength(30)
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('the page of a link', () => {
  const post = (token: string, fields: Record<string, string>) =>
    api.call('POST', `/enrol/${token}`, { body: new URLSearchParams(fields).toString(), headers: form })

  test('makes an account, without a script, with the link as a QR code for another device', async () => {
    const { token, url } = await invite({ domain: 'example.net' })
    const page = await api.call('GET', `/enrol/${token}`)
    expect(page).toMatchObject({ status: 200 })
    expect(page.text).toContain('Make your account')
    expect(page.text).toContain(qrSvg(url))
    expect(page.text).not.toContain('<script')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    const differ = await post(token, { name: '<b>', password: 'one', repeated: 'two' })
    expect(differ.status).toBe(422)
    expect(differ.text).toContain('The two passwords differ.')
    expect(differ.text).toContain('value="&lt;b&gt;"')
    const reserved = await post(token, { name: 'keys', password: 'same', repeated: 'same' })
    expect(reserved).toMatchObject({ status: 422 })
    const done = await post(token, { name: 'paula', password: 'same', repeated: 'same' })
    expect(done.status).toBe(200)
    expect(done.text).toContain('paula@example.net')
    const headers = basic('paula@example.net', 'same')
    expect((await api.call('GET', '/v1/me', { headers })).status).toBe(200)
    expect((await api.call('GET', `/enrol/${token}`)).status).toBe(404)
    expect((await post(token, { name: 'x', password: 'y', repeated: 'y' })).status).toBe(404)
  })

  test('makes a name when the field is left empty, and asks for none when it is fixed', async () => {
    const { token } = await invite()
    const done = await post(token, { name: ' ', password: 'same', repeated: 'same' })
    expect(done.text).toMatch(/[b-z][b-z2-9]{9}@example\.org/)
    const fixed = await invite({ name: 'wanted' })
    const page = await api.call('GET', `/enrol/${fixed.token}`)
    expect(page.text).toContain('wanted@example.org')
    expect(page.text).not.toContain('name="name"')
    const made = await post(fixed.token, { name: 'other', password: 'same', repeated: 'same' })
    expect(made.text).toContain('wanted@example.org')
  })

  test('speaks French to whoever prefers it, and says in words what an organisation has no room for', async () => {
    const organisation = String(
      (await api.owner('POST', '/v1/organisations', { name: 'Plein', accounts: 0 })).json['id'],
    )
    const { token } = await invite({ organisation })
    const french = { 'accept-language': 'fr-CA, en;q=0.5' }
    const page = await api.call('GET', `/enrol/${token}`, { headers: french })
    expect(page.text).toContain('<html lang="fr">')
    expect(page.text).toContain('Créez votre compte')
    expect(page.text).not.toMatch(/Password|Make|Scan|Help/)
    const fields = new URLSearchParams({ name: 'libre', password: 'pareil', repeated: 'pareil' }).toString()
    const full = await api.call('POST', `/enrol/${token}`, { body: fields, headers: { ...form, ...french } })
    expect(full.status).toBe(422)
    expect(full.text).toContain('n’a plus de compte libre')
    const gone = await api.call('GET', '/enrol/rien', { headers: french })
    expect(gone).toMatchObject({ status: 404 })
    expect(gone.text).toContain('Ce lien ne fonctionne pas')
  })

  test('chooses the password of an account that is there', async () => {
    const { json } = await api.owner('POST', '/v1/accounts', { jid: 'there@example.org' })
    const { token } = json['enrolment'] as Linked
    expect((await api.call('GET', `/enrol/${token}`)).text).toContain('Choose your password')
    const done = await post(token, { password: 'same', repeated: 'same' })
    expect(done.text).toContain('there@example.org')
    expect((await api.call('GET', '/v1/me', { headers: basic('there', 'same') })).status).toBe(200)
  })
})
