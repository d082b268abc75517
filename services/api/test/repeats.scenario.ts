/** What holds for all operations: Idempotency-Key, entity tags, limits that are named, the page of operations. */
import { openDb, sql } from '@sealpost/db'
import { createHttp, Type } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineCommand } from '../src/commands/command.ts'
import { Conditions } from '../src/routes/conditions.ts'
import { registerCommand } from '../src/routes/register-commands.ts'
import { createTestApi, type Answer, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

describe('Idempotency-Key', () => {
  const make = (key: string, body: object, idempotency: string): Promise<Answer> =>
    api.call('POST', '/v1/api-keys', { key, body, headers: { 'idempotency-key': idempotency } })
  const keys = async (label: string): Promise<unknown[]> => {
    const { json } = await api.owner('GET', '/v1/api-keys')
    return (json['items'] as { label: string }[]).filter((each) => each.label === label)
  }

  test('of ten requests at once one is carried out; repeated, it gets the same answer, secret and all', async () => {
    const key = await api.key('apikeys:write', 'devices:read')
    const body = { label: 'once', scope: ['devices:read'] }
    const answers = await Promise.all(Array.from({ length: 10 }, () => make(key, body, 'one')))
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0)
    for (const { status } of answers) expect([201, 409]).toContain(status)
    expect(await keys('once')).toHaveLength(1)
    const again = await make(key, body, 'one')
    expect(again.status).toBe(201)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const first = answers.find(({ status }) => status === 201)
    expect(again.json).toEqual(first?.json)
    expect(again.headers['content-type']).toBe(first?.headers['content-type'])
    expect(await keys('once')).toHaveLength(1)

    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
    const rows = await db.query<{ row: string }>(
      sql`select row_to_json(r)::text as row from api.idempotent_answer r`,
    )
    expect(rows).toHaveLength(1)
    const kept = rows.map(({ row }) => Buffer.from(row).toString('latin1')).join()
    for (const secret of [String(first?.json['token']), 'once', 'devices:read', '"one"'])
      for (const form of [secret, Buffer.from(secret).toString('hex')]) expect(kept).not.toContain(form)
  })

  test('another request with the same key is refused; another client has keys of its own', async () => {
    const [key, other] = [await api.key('apikeys:write', 'devices:read'), await api.key('*')]
    const body = { label: 'mine', scope: ['devices:read'] }
    expect((await make(key, body, 'two')).status).toBe(201)
    const reused = await make(key, { ...body, label: 'changed' }, 'two')
    expect([reused.status, reused.json['type']]).toEqual([422, 'urn:sealpost:problem:idempotency-key-reused'])
    expect((await make(other, { ...body, label: 'changed' }, 'two')).status).toBe(201)
  })

  test('what was refused may be mended and sent again', async () => {
    const key = await api.key('apikeys:write')
    expect((await make(key, { scope: ['devices:read'] }, 'three')).status).toBe(403)
    expect((await make(key, { scope: ['apikeys:write'] }, 'three')).status).toBe(201)
  })
})

describe('entity tags', () => {
  const plan = '/v1/plans/tagged'
  const show = (headers?: Record<string, string>): Promise<Answer> =>
    api.owner('GET', '/v1/accounts/tag@example.org/mail-limit', undefined, headers)
  const limit = (messages: number, headers: Record<string, string>): Promise<Answer> =>
    api.owner('PUT', '/v1/accounts/tag@example.org/mail-limit', { messages_per_day: messages }, headers)

  beforeAll(async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'tag@example.org' })
  })

  test('what has not changed is not sent again', async () => {
    const { headers } = await show()
    const tag = headers.etag ?? ''
    expect(tag).toMatch(/^"[\w-]{22}"$/)
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const answer = await show({ 'if-none-match': known })
      expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, '', tag])
    }
    expect((await show({ 'if-none-match': '"x"' })).status).toBe(200)
  })

  test('of two who have seen the same, one changes it', async () => {
    const tag = (await show()).headers.etag ?? ''
    const answers = await Promise.all([1, 2, 3].map((messages) => limit(messages, { 'if-match': tag })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412])
    expect(answers.find(({ status }) => status === 412)?.json['type']).toBe('urn:sealpost:problem:changed')
    expect((await limit(9, { 'if-match': `W/${(await show()).headers.etag ?? ''}` })).status).toBe(412)
    expect((await limit(9, { 'if-match': '*' })).status).toBe(200)
    expect((await limit(8, {})).status).toBe(200)
  })

  test('If-Match tells nothing to whoever may not see the thing', async () => {
    const made = await api.owner('POST', '/v1/api-keys', { scope: ['plans:write'] })
    await api.owner('PUT', '/v1/plans/unseen', { mailbox_mib: 1 })
    const key = String(made.json['token'])
    const headers = { 'if-match': '*' }
    const path = '/v1/accounts/unseen@example.org/mail-limit'
    const limiting = await api.owner('POST', '/v1/api-keys', { scope: ['accounts:suspend'] })
    const answer = await api.call('PUT', path, { key: String(limiting.json['token']), body: {}, headers })
    expect(answer).toMatchObject({ status: 403, json: { type: 'urn:sealpost:problem:scope-missing' } })
    expect((await api.call('PUT', '/v1/plans/unseen', { key, body: {} })).status).toBe(200)
  })

  test('If-Match where nothing is shown is never met', async () => {
    const answer = await api.owner('PUT', plan, {}, { 'if-match': '"x"' })
    expect(answer.status).toBe(412)
  })
})

describe('every answer', () => {
  test('names the limits', async () => {
    const { headers } = await api.call('GET', '/v1/accounts', { key: await api.key('accounts:read') })
    expect(headers['ratelimit-policy']).toMatch(/^"client";q=\d+;w=60$/)
    expect(headers['ratelimit']).toMatch(/^"client";r=\d+;t=\d+$/)
    expect(headers['ratelimit-limit']).toBeUndefined()
  })

  test('of a deprecated command says since when, until when, and where to read', async () => {
    const old = defineCommand({
      name: 'thing.old',
      summary: 'An old way',
      method: 'GET',
      path: '/v1/things',
      access: 'anyone',
      status: 200,
      response: Type.Object({}),
      deprecated: { since: '2030-01-01', sunset: '2030-07-01', instead: 'thing.new' },
      handle: async () => ({}),
    })
    await using http = await createHttp({
      log: createLog({ level: 'error' }),
      metrics: createMetrics(),
      title: 'x',
    })
    const options = {
      authenticate: async () => ({ kind: 'anonymous' }),
      origin: () => 'https://x',
      conditions: new Conditions([old]),
    }
    await registerCommand(http.app, old, options as never)
    const { headers } = await http.app.inject('/v1/things')
    expect(headers['deprecation']).toBe('@1893456000')
    expect(headers['sunset']).toBe('Mon, 01 Jul 2030 00:00:00 GMT')
    expect(headers['link']).toContain('rel="deprecation"')
    expect(JSON.stringify(http.app.swagger())).toContain('"deprecated":true')
  })

  test('/v1/docs lists the operations and loads nothing', async () => {
    const { status, text, headers } = await api.call('GET', '/v1/docs')
    expect(status).toBe(200)
    expect(text).toContain('<code>POST /v1/accounts/:jid/suspend</code>')
    expect(text).not.toMatch(/<script|<img|<link|https?:\/\//)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
  })
})
