import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from '../src/commands/index.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

describe('API keys', () => {
  test('are shown once, work within their scopes, and end when revoked', async () => {
    const created = await api.owner('POST', '/v1/api-keys', { label: 'reader', scope: ['accounts:read'] })
    expect(created).toMatchObject({ status: 201, json: { label: 'reader', scopes: ['accounts:read'] } })
    const key = String(created.json['token'])
    expect((await api.call('GET', '/v1/accounts', { key })).status).toBe(200)
    const refused = await api.call('POST', '/v1/accounts', { key, body: { jid: 'x@example.org' } })
    expect(refused).toMatchObject({
      status: 403,
      json: { type: 'urn:sealpost:problem:scope-missing', scopes: ['accounts:write'] },
    })
    expect((await api.owner('GET', '/v1/api-keys')).text).not.toContain(key)
    const path = `/v1/api-keys/${String(created.json['id'])}`
    expect((await api.owner('DELETE', path)).status).toBe(200)
    expect((await api.owner('DELETE', path)).status).toBe(404)
    const revoked = await api.call('GET', '/v1/accounts', { key })
    expect(revoked).toMatchObject({ status: 401, json: { type: 'urn:sealpost:problem:key-refused' } })
    expect(revoked.headers['www-authenticate']).toContain('invalid_token')
  })

  test('expire', async () => {
    const expired = await api.owner('POST', '/v1/api-keys', {
      scope: ['accounts:read'],
      expires_on: '2020-01-01',
    })
    expect((await api.call('GET', '/v1/accounts', { key: String(expired.json['token']) })).status).toBe(401)
  })

  test.each([
    [{ scope: ['accounts:read'], expires_on: '0000-01-01' }, '#/expires_on'],
    [{ scope: ['accounts:read'], label: 'a\u0000' }, '#/label'],
    [{ scope: ['all'] }, '#/scope/0'],
  ])('of %j are refused with one line', async (body, pointer) => {
    const refused = await api.owner('POST', '/v1/api-keys', body)
    expect(refused.status).toBe(400)
    expect(refused.json['errors']).toEqual([{ pointer, detail: expect.any(String) as string }])
  })

  test('cannot give what they do not have', async () => {
    const key = await api.key('apikeys:write', 'accounts:read')
    const give = (scope: string[]) => api.call('POST', '/v1/api-keys', { key, body: { scope } })
    expect((await give(['accounts:read'])).status).toBe(201)
    expect((await give(['accounts:read', 'accounts:write'])).status).toBe(403)
    expect((await give(['*'])).status).toBe(403)
    expect((await give(['accounts:*'])).status).toBe(400)
    expect((await give([])).status).toBe(400)
    const admin = await api.key('*')
    expect((await api.call('POST', '/v1/api-keys', { key: admin, body: { scope: ['*'] } })).status).toBe(201)
  })

  test('every command of the registry is denied by default', async () => {
    const key = await api.key('apikeys:read')
    for (const { method, path, access } of commands) {
      if (access === 'anyone' || access === 'apikeys:read') continue
      const url = path.replace(':jid', 'a@example.org').replace(':id', '00000000-0000-4000-8000-000000000000')
      expect((await api.call(method, url)).status, `${method} ${path}`).toBe(401)
      const scoped = await api.call(method, url, { key })
      const own = access === 'account' || access === 'administrator'
      expect(scoped.status, `${method} ${path}`).toBe(own ? 401 : 403)
    }
  })

  test('wrong keys by the thousand get 401, whatever their shape', async () => {
    const shapes = [
      '',
      'x',
      'Bearer',
      'Bearer ',
      'Bearer a b',
      `Bearer sp_${'A'.repeat(43)}`,
      `Bearer ${'é'.repeat(50)}`,
    ]
    for (let round = 0; round < 150; round++) {
      const answers = await Promise.all(
        shapes.map((authorization) =>
          api.call('GET', '/v1/accounts', { headers: { authorization: encodeLatin1(authorization) } }),
        ),
      )
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401]))
    }
    expect((await api.owner('GET', '/v1/accounts')).status).toBe(200)
  })
})

function encodeLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

describe('the first administrator', () => {
  test('follows the link of the first start: a page to look at, a key to get once', async () => {
    const link = new URL(api.service.firstInvite ?? '')
    expect(link.origin).toBe('https://example.org:8443')
    for (let look = 0; look < 2; look++) {
      const page = await api.call('GET', link.pathname)
      expect(page.status).toBe(200)
      expect(page.headers['content-security-policy']).not.toContain('unsafe')
      expect(page.headers['cache-control']).toBe('no-store')
      expect(page.text).toContain('id="root"') // The panel, which asks the API what the link is worth.
      expect(page.text).not.toContain('sp_')
    }
    const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' }
    const shown = await api.call('POST', link.pathname, form)
    const key = /sp_[\w-]{43}/.exec(shown.text)?.[0] ?? ''
    expect(shown.text).toContain('npm run ctl -- account list --url https://example.org:8443')
    expect((await api.call('GET', '/v1/api-keys', { key })).json['items']).toContainEqual(
      expect.objectContaining({ label: 'administrator', scopes: ['*'] }),
    )
    expect((await api.call('POST', link.pathname, form)).status).toBe(404)
    await using restarted = await api.again()
    expect(restarted.firstInvite).toBeUndefined()
  })

  test('10 tries at one invite: exactly 1 wins', async () => {
    const { json } = await api.owner('POST', '/v1/administrators/invites', {})
    const badLabel = { token: json['token'], label: 'a\u0000' }
    expect((await api.call('POST', '/v1/invites/redeem', { body: badLabel })).status).toBe(400)
    const tries = Array.from({ length: 10 }, () =>
      api.call('POST', '/v1/invites/redeem', { body: { token: json['token'], label: 'second' } }),
    )
    const statuses = (await Promise.all(tries)).map((answer) => answer.status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 404)).toHaveLength(9)
  })

  test('an invite of another purpose is no way in', async () => {
    const { json } = await api.owner('POST', '/v1/accounts', { jid: 'plain@example.org' })
    const { token } = json['enrolment'] as { token: string }
    expect((await api.call('POST', `/admin/invite/${token}`)).status).toBe(404)
    expect((await api.call('GET', `/enrol/${token}`)).status).toBe(200)
    expect((await api.call('GET', `/enrol/${'A'.repeat(43)}`)).status).toBe(404)
  })
})

describe('the page for choosing a password', () => {
  test('asks twice, says what is wrong, and works once', async () => {
    const { json } = await api.owner('POST', '/v1/accounts', { jid: 'page@example.org' })
    const path = `/enrol/${(json['enrolment'] as { token: string }).token}`
    const post = (fields: Record<string, string>) =>
      api.call('POST', path, {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields).toString(),
      })
    expect(await post({ password: 'a', repeated: 'b' })).toMatchObject({ status: 422 })
    expect(await post({ password: '', repeated: '' })).toMatchObject({ status: 422 })
    expect(await post({})).toMatchObject({ status: 422 })
    const big = await post({ password: 'x'.repeat(20_000), repeated: '' })
    expect(big.status).toBe(413)
    const set = await post({ password: '<b>pä&ss', repeated: '<b>pä&ss' })
    expect(set.status).toBe(200)
    expect(set.text).toContain('page@example.org')
    expect((await post({ password: 'a', repeated: 'a' })).status).toBe(404)
    expect((await api.call('GET', '/v1/me', { headers: basic('page', '<b>pä&ss') })).status).toBe(200)
  })
})

describe('GET /v1/me', () => {
  test('bounds the attempts for a name, and answers unknown names the same', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'guessed@example.org', password: 'right' })
    for (const name of ['guessed', 'nobody']) {
      const statuses: number[] = []
      for (let i = 0; i < 12; i++) {
        statuses.push(
          (await api.call('GET', '/v1/me', { headers: basic(name, `wrong ${String(i)}`) })).status,
        )
      }
      expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429])
    }
    expect((await api.call('GET', '/v1/me', { headers: basic('guessed', 'right') })).status).toBe(429)
  })

  test('a thousand at once are bounded too', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'stormed@example.org', password: 'right' })
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        api.call('GET', '/v1/me', { headers: basic('stormed', String(i)) }),
      ),
    )
    const statuses = answers.map((answer) => answer.status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(990)
  })

  test.each([
    'Basic',
    'Basic !',
    'Basic Og==',
    `Basic ${Buffer.from('nocolon').toString('base64')}`,
    'Digest x',
  ])('refuses %s', async (authorization) => {
    const answer = await api.call('GET', '/v1/me', { headers: { authorization } })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /)
  })

  test('takes no password that came without TLS', async () => {
    const headers = { ...basic('guessed', 'right'), 'x-forwarded-for': '192.0.2.1' }
    expect(await api.call('GET', '/v1/me', { headers })).toMatchObject({ status: 403 })
    const secure = { ...headers, 'x-forwarded-proto': 'https' }
    expect((await api.call('GET', '/v1/me', { headers: secure })).status).not.toBe(403)
  })

  test('records the day of use', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'used@example.org', password: 'x' })
    await api.call('GET', '/v1/me', { headers: basic('used', 'x') })
    const shown = async () => (await api.owner('GET', '/v1/accounts/used@example.org')).json['last_used_on']
    await expect.poll(shown, { interval: 200 }).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  })
})

test('the OpenAPI document has every command, with schemas for every answer', async () => {
  const document = (await api.call('GET', '/v1/openapi.json')).json as unknown as {
    openapi: string
    info: { title: string; version: string }
    paths: Record<
      string,
      Record<string, { summary?: string; responses: object; parameters?: { name: string; in: string }[] }>
    >
  }
  expect(document.openapi).toMatch(/^3\.1\./)
  expect(document.info).toMatchObject({ title: 'Sealpost', version: expect.any(String) as unknown })
  for (const command of commands) {
    const { method, path, status, summary } = command
    const template = path.replaceAll(/:(\w+)/g, '{$1}')
    const operation = document.paths[template]?.[method.toLowerCase()]
    expect(operation, `${method} ${template}`).toMatchObject({ summary })
    expect(Object.keys(operation?.responses ?? {})).toEqual(
      expect.arrayContaining([String(status), '4XX', '5XX']),
    )
    if (method === 'POST' && (command.body ?? command.upload) !== undefined)
      expect(operation).toHaveProperty('requestBody.content')
    for (const [, name] of template.matchAll(/\{(\w+)\}/g)) {
      expect(operation?.parameters).toContainEqual(
        expect.objectContaining({ name, in: 'path', required: true }),
      )
    }
  }
  const known = new Set(commands.map(({ path }) => path.replaceAll(/:(\w+)/g, '{$1}')))
  expect(Object.keys(document.paths).filter((path) => !known.has(path))).toEqual([])
})

test('no log line and no metric names anyone', async () => {
  const canary = { name: 'canary-jqxz', password: 'canary-password-wvkq' }
  const jid = `${canary.name}@example.org`
  await api.owner('POST', '/v1/accounts', { jid, password: canary.password })
  await api.owner('POST', '/v1/accounts', { jid, password: canary.password })
  await api.owner('POST', '/v1/accounts', `{"jid":"${jid}","password":"${canary.password}"`, {
    'content-type': 'application/json',
  })
  await api.owner('POST', '/v1/accounts/import', `${canary.name},${canary.password}\n"${canary.password}\n`, {
    'content-type': 'text/csv',
  })
  await api.owner('GET', `/v1/accounts?search=${canary.name}`)
  await api.call('GET', '/v1/me', { headers: basic(jid, canary.password) })
  await api.call('GET', '/v1/me', { headers: basic(jid, 'wrong') })
  for (const verb of ['suspend', 'restore', 'terminate', 'nonsense'])
    await api.owner('POST', `/v1/accounts/${jid}/${verb}`)
  const key = await api.key('accounts:read')
  await api.call('GET', `/v1/accounts/${jid}`, { key })
  const output = api.logged() + (await api.metrics.render())
  for (const word of ['canary', 'jqxz', 'wvkq', key, '127.0.0.1']) expect(output).not.toContain(word)
  expect(output).toContain('import_ended')
})
