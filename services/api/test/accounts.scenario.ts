import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccounts, deriveVerifiers } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { basic, createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const anyString: unknown = expect.any(String)
const NDJSON = { 'content-type': 'application/x-ndjson' }
const CSV = { 'content-type': 'text/csv' }

describe('accounts', () => {
  test('are created, shown, suspended, restored and terminated', async () => {
    const created = await api.owner('POST', '/v1/accounts', {
      jid: 'Ann@example.org',
      password: 'secret-ann',
    })
    expect(created.status).toBe(201)
    expect(created.json).toEqual({
      id: anyString,
      jid: 'ann@example.org',
      state: 'active',
      created_on: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/) as unknown,
    })
    expect(created.headers['cache-control']).toBe('no-store')
    expect((await api.owner('GET', '/v1/accounts/ann@example.org')).json).toEqual(created.json)
    expect((await api.owner('GET', '/v1/accounts/ann%40example.org')).json).toEqual(created.json)

    const suspended = await api.owner('POST', '/v1/accounts/ann@example.org/suspend', { reason: 'abuse' })
    expect(suspended).toMatchObject({ status: 200, json: { state: 'suspended', reason: 'abuse' } })
    const refused = await api.call('GET', '/v1/me', { headers: basic('ann', 'secret-ann') })
    expect(refused).toMatchObject({ status: 403, json: { type: 'urn:sealpost:problem:account-suspended' } })
    const unsaid = await api.owner('POST', '/v1/accounts/ann@example.org/suspend')
    expect(unsaid.json).toMatchObject({ state: 'suspended', reason: 'unspecified' })
    const restored = await api.owner('POST', '/v1/accounts/ann@example.org/restore')
    expect(restored.json).toEqual(created.json)

    const terminated = await api.owner('POST', '/v1/accounts/ann@example.org/terminate')
    expect(terminated).toMatchObject({ status: 200, json: { state: 'terminated' } })
    const me = await api.call('GET', '/v1/me', { headers: basic('ann', 'secret-ann') })
    expect(me.status).toBe(401)
    const restore = await api.owner('POST', '/v1/accounts/ann@example.org/restore')
    expect(restore).toMatchObject({ status: 409, json: { type: 'urn:sealpost:problem:account-terminated' } })
  })

  test('tell the bus of each change', async () => {
    const changed: string[] = []
    using subscription = api.bus.subscribe('account/changed', ({ accountId }) => void changed.push(accountId))
    const { json } = await api.owner('POST', '/v1/accounts', { jid: 'bus@example.org', password: 'x' })
    await api.owner('POST', '/v1/accounts/bus@example.org/suspend', { reason: 'abuse' })
    expect(changed).toEqual([json['id']])
    expect(subscription).toBeDefined()
  })

  test('without a password get a link, which works once', async () => {
    const created = await api.owner('POST', '/v1/accounts', { jid: 'new@example.net' })
    const enrolment = created.json['enrolment'] as { url: string; token: string }
    expect(enrolment.url).toBe(`https://example.org:8443/enrol/${enrolment.token}`)
    const redeem = { token: enrolment.token, password: 'chosen' }
    const missing = await api.call('POST', '/v1/invites/redeem', { body: { token: enrolment.token } })
    expect(missing).toMatchObject({ status: 422, json: { type: 'urn:sealpost:problem:password-missing' } })
    const redeemed = await api.call('POST', '/v1/invites/redeem', { body: redeem })
    expect(redeemed).toMatchObject({ status: 200, json: { account: { jid: 'new@example.net' } } })
    const again = await api.call('POST', '/v1/invites/redeem', { body: redeem })
    expect(again).toMatchObject({ status: 404, json: { type: 'urn:sealpost:problem:invite-gone' } })
    const me = await api.call('GET', '/v1/me', { headers: basic('new@example.net', 'chosen') })
    expect(me).toMatchObject({ status: 200, json: { jid: 'new@example.net', state: 'active' } })
  })

  test('can be enrolled with verifiers made elsewhere', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'verified@example.org' })
    const { json } = await api.owner('POST', '/v1/accounts/verified@example.org/enrolment')
    const verifiers = (await deriveVerifiers('only the client knows', systemRandom)).map((verifier) => ({
      hash: verifier.hash,
      salt: verifier.salt.toString('base64'),
      iterations: verifier.iterations,
      stored_key: verifier.storedKey.toString('base64'),
      server_key: verifier.serverKey.toString('base64'),
    }))
    const weak = verifiers.map((verifier) => ({ ...verifier, iterations: 1 }))
    const refused = await api.call('POST', '/v1/invites/redeem', {
      body: { token: json['token'], verifiers: weak },
    })
    expect(refused).toMatchObject({
      status: 422,
      json: { type: 'urn:sealpost:problem:verifiers-incomplete' },
    })
    const redeemed = await api.call('POST', '/v1/invites/redeem', {
      body: { token: json['token'], verifiers },
    })
    expect(redeemed.status).toBe(200)
    const me = await api.call('GET', '/v1/me', { headers: basic('verified', 'only the client knows') })
    expect(me.status).toBe(200)
  })

  test('are created once for an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'order-4711' }
    const create = (jid: string, password: string | undefined) =>
      api.owner('POST', '/v1/accounts', { jid, password }, headers)
    const answers = await Promise.all(Array.from({ length: 5 }, () => create('idem@example.org', 'x')))
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201, 201])
    expect(new Set(answers.map((answer) => answer.json['id'])).size).toBe(1)
    expect(await create('other@example.org', 'x')).toMatchObject({
      status: 422,
      json: { type: 'urn:sealpost:problem:idempotency-key-reused' },
    })
    const plain = await api.owner('POST', '/v1/accounts', { jid: 'idem@example.org', password: 'x' })
    expect(plain).toMatchObject({ status: 409, json: { type: 'urn:sealpost:problem:account-exists' } })
    const bad = await api.owner(
      'POST',
      '/v1/accounts',
      { jid: 'x@example.org' },
      { 'idempotency-key': 'a b' },
    )
    expect(bad.status).toBe(400)
    await api.owner('POST', '/v1/accounts/idem@example.org/terminate')
    const late = await create('idem@example.org', undefined)
    expect(late.status).toBe(409)
    expect(late.text).not.toContain('enrolment')
  })

  test('are listed by page and filter', async () => {
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
      await api.owner('POST', '/v1/accounts', { jid: `${name}@example.net`, password: 'x' })
    }
    const names: unknown[] = []
    let path = '/v1/accounts?domain=example.net&limit=2&search=P'
    for (;;) {
      const { json } = await api.owner('GET', path)
      names.push(...(json['items'] as { jid: string }[]).map((account) => account.jid))
      if (json['next'] === undefined) break
      path = `/v1/accounts?domain=example.net&limit=2&search=P&cursor=${json['next'] as string}`
    }
    expect(names).toEqual(['p1', 'p2', 'p3', 'p4', 'p5'].map((name) => `${name}@example.net`))
    const none = await api.owner('GET', '/v1/accounts?domain=example.net&state=suspended')
    expect(none.json).toEqual({ items: [] })
  })

  test.each([
    ['GET', '/v1/accounts?limit=0', undefined, 400],
    ['GET', '/v1/accounts?limit=201', undefined, 400],
    ['GET', '/v1/accounts?limit=ten', undefined, 400],
    ['GET', '/v1/accounts?state=dead', undefined, 400],
    ['GET', '/v1/accounts?unknown=1', undefined, 400],
    ['GET', '/v1/accounts?cursor=AAAA', undefined, 400],
    ['GET', '/v1/accounts?search=%00', undefined, 400],
    ['GET', '/v1/accounts?domain=a%20b', undefined, 400],
    ['GET', '/v1/accounts/nobody@example.org', undefined, 404],
    ['GET', '/v1/accounts/a%00b@example.org', undefined, 400],
    ['GET', '/v1/accounts/example.org', undefined, 400],
    ['GET', '/v1/accounts/a@example.org%2Fphone', undefined, 400],
    ['GET', '/v1/accounts/%ff@example.org', undefined, 400],
    ['POST', '/v1/accounts', {}, 400],
    ['POST', '/v1/accounts', undefined, 400],
    ['POST', '/v1/accounts', { jid: 'x@example.org', admin: true }, 400],
    ['POST', '/v1/accounts', { jid: 7 }, 400],
    ['POST', '/v1/accounts', { jid: 'x@elsewhere.example', password: 'x' }, 422],
    ['POST', '/v1/accounts', { jid: 'x@example.org', password: '' }, 400],
    ['POST', '/v1/accounts', { jid: 'x@example.org', password: '\u0007' }, 422],
    ['POST', '/v1/accounts/nobody@example.org/suspend', { reason: 'abuse' }, 404],
    ['POST', '/v1/accounts/nobody@example.org/suspend', { reason: 'Wrote bad things' }, 400],
    ['POST', '/v1/accounts/nobody@example.org/terminate', undefined, 404],
    ['POST', '/v1/accounts/nobody@example.org/enrolment', undefined, 404],
    ['PUT', '/v1/accounts', {}, 404],
  ])('%s %s %j is answered with a problem: %s', async (method, path, body, status) => {
    const answer = await api.owner(method, path, body)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json).toMatchObject({ status, title: anyString, type: anyString })
  })

  test.each([
    ['{"jid":', 400],
    ['{"jid":"x@example.org","__proto__":{"admin":true}}', 400],
    ['[]', 400],
    ['"'.repeat(300_000), 413],
    [Buffer.from([0xff, 0xfe, 0x00]), 400],
  ])('bad JSON %#', async (body, status) => {
    const headers = { 'content-type': 'application/json' }
    expect((await api.owner('POST', '/v1/accounts', body, headers)).status).toBe(status)
  })
})

describe('import', () => {
  test('answers with a report', async () => {
    const csv = 'username,password\nimp1,p1\nimp2@example.net,"p,2"\nimp1,again\nx@elsewhere.example,p\nbad\n'
    const answer = await api.owner('POST', '/v1/accounts/import', csv, CSV)
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.json).toEqual({
      created: 2,
      exists: 1,
      invalid: 2,
      problems: [
        { line: 4, problem: 'exists' },
        { line: 5, problem: 'domain' },
        { line: 6, problem: 'fields' },
      ],
      links: [],
    })
    expect((await api.call('GET', '/v1/me', { headers: basic('imp2@example.net', 'p,2') })).status).toBe(200)
  })

  test('tells its progress when asked', async () => {
    const csv = Array.from({ length: 150 }, (_, i) => `prog${String(i)},secret`).join('\n')
    const headers = { ...CSV, accept: 'application/x-ndjson' }
    const answer = await api.owner('POST', '/v1/accounts/import', csv, headers)
    const lines = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    expect(lines.at(-1)).toEqual({ result: { created: 150, exists: 0, invalid: 0, problems: [], links: [] } })
    expect(lines.slice(0, -1)).toContainEqual({ progress: { created: 150, exists: 0, invalid: 0 } })
  })

  test('takes JSON lines, and answers with links for those without a password: no other secret', async () => {
    const organisation = String((await api.owner('POST', '/v1/organisations', { name: 'Bulk' })).json['id'])
    await api.owner('PUT', '/v1/plans/bulk', {})
    const rows = [
      { jid: 'line1', password: 'secret-of-line-1', organisation, plan: 'bulk' },
      { jid: 'line2@example.net' },
      { jid: 'line3', organisation: '00000000-0000-4000-8000-000000000000' },
    ]
    const body = rows.map((row) => JSON.stringify(row)).join('\n')
    const answer = await api.owner('POST', '/v1/accounts/import', body, NDJSON)
    expect(answer.json).toEqual({
      created: 2,
      exists: 0,
      invalid: 1,
      problems: [{ line: 3, problem: 'organisation' }],
      links: [
        { line: 2, url: expect.stringMatching(/\/enrol\/[\w-]{43}$/) as unknown, expires_at: anyString },
      ],
    })
    for (const word of ['line1', 'line2', 'secret-of-line-1']) expect(answer.text).not.toContain(word)
    expect((await api.owner('GET', '/v1/accounts/line1@example.org/plan')).json).toMatchObject({
      plan: 'bulk',
    })
    const [link] = answer.json['links'] as { url: string }[]
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const chosen = await api.call('POST', new URL(link?.url ?? '').pathname, {
      headers: form,
      body: 'password=mine&repeated=mine',
    })
    expect(chosen.status).toBe(200)
    expect((await api.call('GET', '/v1/me', { headers: basic('line2@example.net', 'mine') })).status).toBe(
      200,
    )
    const log = await api.owner('GET', '/v1/audit?action=account.import&limit=4')
    for (const secret of [link?.url.split('/').at(-1) ?? '', 'secret-of-line-1'])
      expect(log.text).not.toContain(secret)
  })

  test('is undone by nobody: what was exported is JSON lines of the same accounts, within reach', async () => {
    const organisation = String((await api.owner('POST', '/v1/organisations', { name: 'Export' })).json['id'])
    const rows = Array.from({ length: 250 }, (_, index) => ({ jid: `out${String(index)}`, organisation }))
    await api.owner('POST', '/v1/accounts/import', rows.map((row) => JSON.stringify(row)).join('\n'), NDJSON)
    const key = String(
      (await api.owner('POST', '/v1/api-keys', { scope: ['accounts:read'], organisation })).json['token'],
    )
    const exported = await api.call('GET', '/v1/accounts/export', { key })
    expect(exported.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': 'attachment; filename="accounts.jsonl"',
    })
    const lines = exported.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { jid: string })
    expect(lines.map(({ jid }) => jid).toSorted()).toEqual(
      rows.map(({ jid }) => `${jid}@example.org`).toSorted(),
    )
    expect(lines[0]).toMatchObject({ organisation, plan: 'default', state: 'active' })
    const others = await api.owner('GET', '/v1/accounts/export?plan=bulk')
    expect(others.text.trimEnd().split('\n')).toHaveLength(1)
    expect((await api.owner('GET', '/v1/accounts/export?plan=bulk&state=terminated')).text).toBe('')
    expect((await api.call('GET', '/v1/accounts/export')).status).toBe(401)
    const beyond = await api.call(
      'GET',
      '/v1/accounts/export?organisation=00000000-0000-4000-8000-000000000000',
      {
        key,
      },
    )
    expect(beyond.status).toBe(404)
  })

  test('survives hostile files', async () => {
    const endless = Buffer.alloc(3_000_000, 'a')
    for (const csv of [
      endless,
      Buffer.alloc(100_000, '"'),
      Buffer.alloc(100_000, '\n'),
      systemRandom.bytes(200_000),
    ]) {
      const answer = await api.owner('POST', '/v1/accounts/import', csv, CSV)
      expect(answer).toMatchObject({ status: 200, json: { created: 0 } })
    }
    const empty = await api.owner('POST', '/v1/accounts/import', '', CSV)
    expect(empty.json).toMatchObject({ created: 0, invalid: 0 })
    expect((await api.owner('POST', '/v1/accounts/import', { a: 1 })).status).toBe(415)
  })

  test('runs one at a time, and stops when its client goes', async () => {
    const csv = Array.from({ length: 20_000 }, (_, i) => `gone${String(i)},secret`).join('\n')
    const leaving = new AbortController()
    const response = await fetch(`${api.origin}/v1/accounts/import`, {
      method: 'POST',
      headers: {
        ...CSV,
        accept: 'application/x-ndjson',
        authorization: `Bearer ${await api.key('accounts:write')}`,
      },
      body: csv,
      signal: leaving.signal,
    })
    const reader = response.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    const probe = () => api.owner('POST', '/v1/accounts/import', 'probe,x', CSV)
    expect(await probe()).toMatchObject({
      status: 409,
      json: { type: 'urn:sealpost:problem:import-running' },
    })
    leaving.abort()
    await expect.poll(async () => (await probe()).status).toBe(200)
    expect(api.logged()).toContain('import_failed')
  })
})

describe('mail of accounts', () => {
  test('is restricted for one of them, and shown', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'mailer@example.org', password: 'x' })
    const path = '/v1/accounts/mailer@example.org/mail-limit'
    expect((await api.owner('GET', path)).json).toEqual({ jid: 'mailer@example.org' })
    const limited = await api.owner('PUT', path, { messages_per_day: 10 })
    expect(limited).toMatchObject({ status: 200, json: { jid: 'mailer@example.org', messages_per_day: 10 } })
    expect((await api.owner('GET', path)).json).toEqual(limited.json)
    expect((await api.owner('PUT', path, {})).json).toEqual({ jid: 'mailer@example.org' })
    expect((await api.owner('PUT', path, { messages_per_day: -1 })).status).toBe(400)
    const nobody = await api.owner('PUT', '/v1/accounts/nobody-x@example.org/mail-limit', {
      messages_per_day: 1,
    })
    expect(nobody.status).toBe(404)
  })

  test('that wants a look is listed until somebody has looked', async () => {
    const { json } = await api.owner('POST', '/v1/accounts', { jid: 'filer@example.org', password: 'x' })
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus: api.bus, clock: systemClock, random: systemRandom })
    await accounts.mailConduct.notice(String(json['id']), 'large-files')
    const { items } = (await api.owner('GET', '/v1/mail-reviews')).json as { items: unknown[] }
    expect(items).toEqual([{ jid: 'filer@example.org', reason: 'large-files', noticed_on: anyString }])
    expect((await api.owner('DELETE', '/v1/mail-reviews/filer@example.org')).status).toBe(200)
    expect((await api.owner('GET', '/v1/mail-reviews')).json).toEqual({ items: [] })
  })
})
