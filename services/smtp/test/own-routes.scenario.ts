/** What an account may ask over HTTP about its mail: each operation, each bad input, other accounts, and nobody in particular. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseJid } from '@sealpost/jid'
import { openWholeRelay, PASSWORD, type WholeRelay } from './whole-relay.ts'

const BOB = `bob@localhost:${PASSWORD}`
const CAROL = `carol@localhost:${PASSWORD}`
const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const SETTINGS = '/v1/me/mail-settings'
const PATIENCE = { timeout: 30_000, interval: 10 }

interface Waiting {
  readonly id: string
  readonly receivedAt: string
  readonly bytes: number
}

const stack = new AsyncDisposableStack()
let relay: WholeRelay

beforeAll(async () => {
  relay = stack.use(await openWholeRelay())
  for (const name of ['bob', 'carol', 'dave']) await relay.account(name)
  using client = await relay.connect('mx')
  for (const [index, subject] of ['one', 'two', 'three'].entries()) {
    for (const line of ['MAIL FROM:<a@elsewhere.example>', 'RCPT TO:<bob@localhost>', 'DATA'])
      await client.ask(line)
    await client.ask(`From: a@elsewhere.example\r\nSubject: ${subject}\r\n\r\n..dot\r\n.`)
    await vi.waitFor(async () => expect(await list()).toHaveLength(index + 1), PATIENCE)
  }
})
afterAll(() => stack.disposeAsync())

async function list(query = '', user = BOB): Promise<readonly Waiting[]> {
  const response = await relay.fetch(`/v1/mail${query}`, user)
  expect(response.status).toBe(200)
  return ((await response.json()) as { items: Waiting[] }).items
}

const put = (body: string, type = 'application/json', user = BOB): Promise<Response> =>
  relay.fetch(SETTINGS, user, { method: 'PUT', body, headers: { 'content-type': type } })

async function problemOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  return ((await response.json()) as { title: string }).title
}

describe('GET /v1/mail', () => {
  test('oldest first, in pages', async () => {
    const all = await list()
    expect(all.map(({ bytes }) => bytes)).toEqual([6, 6, 6])
    const times = all.map(({ receivedAt }) => Date.parse(receivedAt))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    const [first, second, third] = all
    expect(await list('?limit=2')).toEqual([first, second])
    expect(await list(`?limit=1&after=${first?.id ?? ''}`)).toEqual([second])
    expect(await list(`?after=${second?.id ?? ''}`)).toEqual([third])
    expect(await list(`?after=${third?.id ?? ''}`)).toEqual([])
    expect(await list(`?after=${UNKNOWN}`)).toEqual(all)
    expect(await list('', CAROL)).toEqual([])
  })

  test.each(['?limit=0', '?limit=201', '?limit=all', '?limit=1&limit=2', '?page=2'])(
    '%s is refused',
    async (query) => {
      const response = await relay.fetch(`/v1/mail${query}`, BOB)
      expect(response.status).toBe(400)
      await problemOf(response)
    },
  )
})

describe('GET /v1/mail/{id}', () => {
  test('the mail as it came, with the path that its failure would be told', async () => {
    const [first] = await list()
    const response = await relay.fetch(`/v1/mail/${first?.id ?? ''}`, BOB)
    expect(response.headers.get('content-type')).toBe('message/rfc822')
    const mail = await response.text()
    expect(response.headers.get('content-length')).toBe(String(mail.length))
    expect(mail).toMatch(/^Return-Path: <a@elsewhere\.example>\r\n/)
    expect(mail).toMatch(/\r\nSubject: one\r\n\r\n\.dot\r\n$/)
    expect((await relay.fetch(`/v1/mail/${first?.id ?? ''}`, BOB)).status).toBe(200) // it waits on
  })

  test.each([
    ['an id that no mail has', UNKNOWN, 404],
    ['no id', 'first', 400],
    ['a path', '..%2f..%2fetc%2fpasswd', 400],
  ])('%s', async (_what, id, status) => {
    for (const method of ['GET', 'DELETE']) {
      const response = await relay.fetch(`/v1/mail/${id}`, BOB, { method })
      expect(response.status).toBe(status)
      await problemOf(response)
    }
  })
})

test('DELETE acknowledges, once; the mails of others are as if there were none', async () => {
  const [first, second] = await list()
  const path = `/v1/mail/${first?.id ?? ''}`
  for (const method of ['GET', 'DELETE']) {
    const others = await relay.fetch(path, CAROL, { method })
    const nothing = await relay.fetch(`/v1/mail/${UNKNOWN}`, CAROL, { method })
    expect([others.status, await others.text()]).toEqual([404, await nothing.text()])
  }
  const acknowledged = await relay.fetch(path, BOB, { method: 'DELETE' })
  expect([acknowledged.status, await acknowledged.text()]).toEqual([204, ''])
  for (const method of ['GET', 'DELETE']) expect((await relay.fetch(path, BOB, { method })).status).toBe(404)
  expect((await list())[0]).toEqual(second)
})

describe('/v1/me/mail-settings', () => {
  const inForce = { pgp: 'optional', on_missing_key: 'refuse' }

  test('what was chosen is shown, and what is in force; an empty choice takes it back', async () => {
    const show = async (): Promise<unknown> => (await relay.fetch(SETTINGS, BOB)).json()
    expect(await show()).toEqual({ in_force: inForce })
    for (const pgp of ['optional', 'on-arrival', 'required'])
      for (const missing of ['refuse', 'defer', 'plain']) {
        const chosen = { pgp, on_missing_key: missing }
        const response = await put(JSON.stringify(chosen))
        expect([response.status, await response.json()]).toEqual([200, { ...chosen, in_force: chosen }])
        expect(await show()).toEqual({ ...chosen, in_force: chosen })
      }
    const partly = await put('{"on_missing_key":"plain"}')
    expect(await partly.json()).toEqual({
      on_missing_key: 'plain',
      in_force: { pgp: 'optional', on_missing_key: 'plain' },
    })
    expect((await put('{}')).status).toBe(200)
    expect(await show()).toEqual({ in_force: inForce })
    expect(await (await relay.fetch(SETTINGS, CAROL)).json()).toEqual({ in_force: inForce })
  })

  test.each([
    ['another word', '{"pgp":"always"}', 400],
    ['another case', '{"pgp":"Required"}', 400],
    ['null', '{"pgp":null}', 400],
    ['a list', '["pgp"]', 400],
    ['a list of words', '{"pgp":["required"]}', 400],
    ['another field', '{"pgp":"required","quota":1}', 400],
    ['no object', '"required"', 400],
    ['no JSON', '{"pgp":', 400],
    ['a prototype', '{"__proto__":{"pgp":"required"}}', 400],
    ['nothing', '', 400],
    ['two megabytes', JSON.stringify({ pgp: 'x'.repeat(2_000_000) }), 413],
  ])('%s is refused, and changes nothing', async (_what, body, status) => {
    const response = await put(body)
    expect(response.status).toBe(status)
    await problemOf(response)
    expect(await (await relay.fetch(SETTINGS, BOB)).json()).toEqual({ in_force: inForce })
  })

  test('a form is no JSON', async () => {
    expect((await put('pgp=required', 'application/x-www-form-urlencoded')).status).toBe(415)
  })
})

describe('who does not sign in gets nothing', () => {
  const operations = [
    ['GET', '/v1/mail'],
    ['GET', `/v1/mail/${UNKNOWN}`],
    ['DELETE', `/v1/mail/${UNKNOWN}`],
    ['GET', SETTINGS],
    ['PUT', SETTINGS],
  ] as const

  test.each(operations)('%s %s', async (method, path) => {
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
    const shown = [
      undefined,
      '',
      'Basic',
      'Basic !!!',
      basic('bob@localhost'),
      basic(':'),
      basic(`:${PASSWORD}`),
      basic('bob@localhost:wrong'),
      basic(`nobody@localhost:${PASSWORD}`),
      basic(`bob@elsewhere.example:${PASSWORD}`),
      `Bearer ${PASSWORD}`,
    ]
    for (const authorization of shown) {
      const headers = authorization === undefined ? {} : { authorization }
      const response = await relay.fetch(path, undefined, { method, headers })
      expect([authorization, response.status]).toEqual([authorization, 401])
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic /)
      await problemOf(response)
    }
  })

  test('who is suspended, or gone', async () => {
    const dave = parseJid('dave@localhost')
    const ask = async (): Promise<number> =>
      (await relay.fetch('/v1/mail', `dave@localhost:${PASSWORD}`)).status
    expect(await ask()).toBe(200)
    await relay.accounts.suspend(dave, 'abuse')
    expect(await ask()).toBe(403)
    await relay.accounts.restore(dave)
    expect(await ask()).toBe(200)
    await relay.accounts.terminate(dave)
    expect(await ask()).toBe(401)
  })
})

test('who guesses passwords is asked to come later', async () => {
  const statuses = new Set<number>()
  for (let count = 0; count < 15; count++)
    statuses.add((await relay.fetch('/v1/mail', `carol@localhost:wrong${String(count)}`)).status)
  expect([...statuses]).toEqual([401, 429])
})
