/** The abuse desk: who reports by form, by account and by mail; what administrators do from a report; what is left of it. */
import { openDb, sql } from '@sealpost/db'
import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'

const NAMED = { first_name: 'Ada', last_name: 'C4n4ry', contact: 'ada@reporter.example' }

let api: TestApi
let clock: VirtualClock
let accountId: unknown
beforeAll(async () => {
  clock = new VirtualClock()
  api = await createTestApi({ clock })
  const { json } = await api.owner('POST', '/v1/accounts', { jid: 'mallory@example.org', password: 'x' })
  accountId = json['id']
  await api.owner('POST', '/v1/accounts', { jid: 'bob@example.org', password: 'pass-word' })
})
afterAll(() => api[Symbol.asyncDispose]())

let client = 1
/** Each from another address, so that no limit is met. */
const submit = (fields: Record<string, string>): Promise<Answer> => {
  client += 1
  return api.call('POST', '/abuse', {
    body: new URLSearchParams(fields).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-forwarded-for': `198.51.${String(Math.floor(client / 250))}.${String(client % 250)}`,
    },
  })
}
const good = {
  category: 'spam',
  about: 'mallory@example.org',
  text: 'It writes <b>every</b> hour.',
  headers: 'From: mallory@example.org\r\nSubject: buy',
}
const idIn = ({ text }: Answer): string => /<pre>([0-9a-f-]{36})<\/pre>/.exec(text)?.[1] ?? ''
const show = async (id: string): Promise<Answer> => api.owner('GET', `/v1/abuse-reports/${id}`)
const act = (id: string, body: object, key?: string): Promise<Answer> =>
  key === undefined
    ? api.owner('POST', `/v1/abuse-reports/${id}/actions`, body)
    : api.call('POST', `/v1/abuse-reports/${id}/actions`, { key, body })
const ids = ({ json }: Answer): string[] => (json['items'] as { id: string }[]).map(({ id }) => id)

describe('the form', () => {
  test('is plain HTML, and takes a report with names', async () => {
    const page = await api.call('GET', '/abuse')
    expect(page.status).toBe(200)
    const help = '<a href="https://help.example.org/">Help</a>'
    expect(page.text).toContain(help)
    expect(page.text.replace(help, '')).not.toMatch(/<script|https?:\/\//)
    const answer = await submit({ ...good, ...NAMED })
    expect(answer.status).toBe(200)
    expect((await show(idIn(answer))).json).toMatchObject({
      source: 'form',
      named: true,
      state: 'new',
      account: 'mallory@example.org',
      account_id: accountId,
      reporter: NAMED,
      ...good,
      received_on: '2030-01-01',
    })
  })

  test('speaks French to whoever prefers it', async () => {
    const { text } = await api.call('GET', '/abuse', { headers: { 'accept-language': 'fr-CA' } })
    expect(text).toContain('<html lang="fr">')
    expect(text).toContain('Signaler un abus')
    expect(text).not.toMatch(/Report|Something|Send/)
  })

  test('keeps apart who does not say who they are', async () => {
    const anonymous = idIn(await submit(good))
    const nameless = idIn(await submit({ ...good, ...NAMED, contact: 'no way' }))
    const apart = ids(await api.owner('GET', '/v1/abuse-reports?named=false'))
    expect(new Set(apart)).toEqual(new Set([anonymous, nameless]))
    expect(ids(await api.owner('GET', '/v1/abuse-reports?named=true'))).not.toContain(anonymous)
  })

  test.each([
    [{ ...good, category: 'rudeness' }, 'Say what it is'],
    [{ ...good, about: ' ' }, 'whom or what'],
    [{ ...good, text: '' }, 'what happened'],
    [{ ...good, text: 'x'.repeat(8_001) }, 'at most 8000'],
  ])('says what is missing, and keeps what was written: %#', async (fields, why) => {
    const { status, text } = await submit(fields)
    expect(status).toBe(422)
    expect(text).toContain(why)
    expect(text).not.toContain('<b>every</b>')
  })

  test('lets programs that fill in everything believe that they succeeded', async () => {
    const before = ids(await api.owner('GET', '/v1/abuse-reports?limit=200')).length
    const answer = await submit({ ...good, website: 'https://spam.example' })
    expect([answer.status, idIn(answer)]).toEqual([200, ''])
    expect(ids(await api.owner('GET', '/v1/abuse-reports?limit=200')).length).toBe(before)
  })

  test('is limited by client', async () => {
    const send = (): Promise<Answer> =>
      api.call('POST', '/abuse', {
        body: new URLSearchParams(good).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': '203.0.113.5' },
      })
    const answers = [] as number[]
    for (let turn = 0; turn < 8; turn += 1) answers.push((await send()).status)
    expect(answers.slice(6)).toEqual([429, 429])
  })
})

describe('other ways in', () => {
  test('an account reports as itself', async () => {
    const headers = basic('bob@example.org', 'pass-word')
    const { status, json } = await api.call('POST', '/v1/me/abuse-reports', {
      body: {
        category: 'harassment',
        about: 'mallory@example.org',
        text: 'Threats',
        first_name: 'Bob',
        last_name: 'B',
      },
      headers,
    })
    expect(status).toBe(201)
    expect((await show(String(json['id']))).json).toMatchObject({
      source: 'account',
      named: true,
      reporter: { contact: 'bob@example.org' },
    })
  })

  test('mail to abuse@ is in the same view, stays at the desk, and is destroyed when it is closed', async () => {
    const id = '6a1f3ad4-6f10-4c55-8d2f-0f2d9b9b6d10'
    const mail = {
      id,
      acceptedAt: clock.now(),
      bytes: 9,
      feedback: 'abuse' as const,
      from: 'fbl@isp.example',
    }
    api.desk.mails = [{ ...mail, subject: 'complaint', text: 'C4n4ry' }]
    const { json } = await api.owner('GET', '/v1/abuse-reports?limit=200')
    expect(json['items']).toContainEqual(
      expect.objectContaining({ id, source: 'mail', category: 'spam', state: 'new' }),
    )
    expect((await act(id, { action: 'warn' })).json['type']).toBe('urn:sealpost:problem:report-names-nobody')
    expect((await act(id, { action: 'warn', jid: 'mallory@example.org' })).status).toBe(200)
    await api.owner('POST', `/v1/abuse-reports/${id}/close`, { outcome: 'acted' })
    expect(api.desk.mails).toEqual([])
    expect((await show(id)).json).toMatchObject({ state: 'closed', outcome: 'acted', actions: ['warn'] })
  })
})

describe('from a report', () => {
  let id: string
  beforeAll(async () => {
    id = idIn(await submit({ ...good, ...NAMED }))
  })

  test('the account is warned by mail, without the name of who reported it', async () => {
    const before = api.letters.sent.length
    expect((await act(id, { action: 'warn', message: 'Stop it' })).json).toMatchObject({ state: 'in-work' })
    const sent = api.letters.sent[before]
    expect(sent?.recipient).toBe('mallory@example.org')
    expect(sent?.message.toString()).toMatch(/\r\n\r\n[^]*Stop it\r\n/)
    expect(sent?.message.toString()).not.toMatch(/Ada|reporter\.example/)
    api.letters.away = true
    expect((await act(id, { action: 'warn' })).status).toBe(503)
    api.letters.away = false
  })

  test('its mail is restricted, it is suspended, and a sender blocked', async () => {
    await act(id, { action: 'restrict', messages_per_day: 3 })
    const limit = await api.owner('GET', '/v1/accounts/mallory@example.org/mail-limit')
    expect(limit.json['messages_per_day']).toBe(3)
    await act(id, { action: 'suspend' })
    const account = await api.owner('GET', '/v1/accounts/mallory@example.org')
    expect(account.json).toMatchObject({ state: 'suspended', reason: 'abuse' })
    expect((await act(id, { action: 'block', sender: 'x@Spam.example' })).status).toBe(200)
    expect(api.desk.blocked).toEqual(['spam.example'])
    for (const sender of ['', 'example.org', 'a b', 'localhost'])
      expect((await act(id, { action: 'block', sender })).status).toBe(422)
    expect((await show(id)).json['actions']).toEqual(['warn', 'restrict', 'suspend', 'block'])
    const audit = await api.owner('GET', `/v1/audit?action=abuse.act`)
    expect(audit.text).toContain(String.raw`{\"action\":\"suspend\"}`)
    expect(audit.text).not.toMatch(/Ada|C4n4ry|mallory/)
  })

  test('who may not suspend accounts may not do it from here', async () => {
    const key = await api.key('abuse:read', 'abuse:write')
    expect((await act(id, { action: 'suspend' }, key)).json['type']).toBe(
      'urn:sealpost:problem:scope-missing',
    )
    expect((await act(id, { action: 'warn' }, key)).status).toBe(200)
  })

  test('a closed one is closed', async () => {
    const closed = await api.owner('POST', `/v1/abuse-reports/${id}/close`, { outcome: 'acted' })
    expect(closed.json).toMatchObject({ state: 'closed', closed_on: '2030-01-01' })
    expect((await act(id, { action: 'warn' })).status).toBe(409)
    expect((await api.owner('PATCH', `/v1/abuse-reports/${id}`, { state: 'new' })).status).toBe(409)
    const { json } = await api.owner('GET', '/v1/abuse-statistics')
    expect(json['items']).toContainEqual(
      expect.objectContaining({ source: 'form', category: 'spam', state: 'closed', outcome: 'acted' }),
    )
  })
})

describe('what is left', () => {
  test('nothing that a person wrote can be read in Postgres or in the log', async () => {
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
    const rows = await db.query<{ text: string }>(
      sql`select row_to_json(r)::text as text from api.abuse_report r`,
    )
    expect(rows.length).toBeGreaterThan(3)
    const all = rows.map(({ text }) => text).join() + api.logged()
    for (const word of ['C4n4ry', 'mallory', 'every', 'reporter.example'])
      for (const form of [word, Buffer.from(word).toString('hex')]) expect(all).not.toContain(form)
  })

  test('reports go with the account that they are about', async () => {
    await api.owner('POST', '/v1/accounts/mallory@example.org/terminate')
    await expect
      .poll(async () => ids(await api.owner('GET', `/v1/abuse-reports?account=${String(accountId)}`)))
      .toEqual([])
  })
})

test('a report with a chat client says that it came by chat, one over the API that it did not', async () => {
  const { id } = (await api.owner('GET', '/v1/accounts/bob@example.org')).json
  const said = { category: 'spam', about: 'mallory@example.org', text: 'Again.' }
  const values = Object.fromEntries(Object.entries(said).map(([name, value]) => [name, [value]]))
  const outcome = await api.service.commands.run(String(id), 'me.report-abuse', values)
  expect(outcome).toMatchObject({ result: 'done' })
  const sent = await api.call('POST', '/v1/me/abuse-reports', {
    body: said,
    headers: basic('bob@example.org', 'pass-word'),
  })
  expect(sent.status).toBe(201)
  for (const [source, count] of [
    ['chat', 1],
    ['account', 1],
  ] as const) {
    const { json } = await api.owner('GET', `/v1/abuse-reports?named=false&source=${source}`)
    expect(json['items']).toHaveLength(count)
  }
})
