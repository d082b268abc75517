/** Mail that waits, over REST and ctl: what operators see and do; the mail relay is asked for it. */
import type { QueuedMail } from '@sealpost/ports'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

const ID = '0c9f37ac-3f30-4c39-9f0e-27e1fc2c8a11'
const MAIL: QueuedMail = {
  id: ID,
  accountId: undefined,
  acceptedAt: Date.UTC(2030, 0, 1),
  bytes: 1234,
  hold: undefined,
  recipients: [
    {
      domain: 'example.com',
      attempts: 3,
      nextAt: Date.UTC(2030, 0, 1, 0, 10),
      reason: { code: 451, status: '4.7.1', words: undefined },
    },
    {
      domain: 'example.org',
      attempts: 1,
      nextAt: Date.UTC(2030, 0, 1, 0, 10),
      reason: { code: 450, status: '4.4.1', words: 'The server does not answer' },
    },
  ],
}

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(() => {
  api.mail.waiting = [MAIL]
  api.mail.changes = []
})

test('the queue is listed with reasons', async () => {
  const { status, json } = await api.owner('GET', '/v1/mail-queue')
  expect([status, json]).toEqual([
    200,
    {
      items: [
        {
          id: ID,
          accepted_at: '2030-01-01T00:00:00.000Z',
          bytes: 1234,
          recipients: [
            { domain: 'example.com', attempts: 3, next_at: '2030-01-01T00:10:00.000Z', reason: '451 4.7.1' },
            {
              domain: 'example.org',
              attempts: 1,
              next_at: '2030-01-01T00:10:00.000Z',
              reason: '450 4.4.1 The server does not answer',
            },
          ],
        },
      ],
    },
  ])
  expect((await api.owner('GET', `/v1/mail-queue/${ID}`)).json).toEqual(
    (json as { items: unknown[] }).items[0],
  )
})

test.each([
  ['POST', '/retry', 'retry'],
  ['POST', '/hold', 'hold'],
  ['POST', '/release', 'release'],
  ['DELETE', '', 'drop'],
])('%s /v1/mail-queue/ID%s', async (method, path, change) => {
  const { status, json } = await api.owner(method, `/v1/mail-queue/${ID}${path}`)
  expect([status, json, api.mail.changes]).toEqual([200, { id: ID }, [[ID, change]]])
})

test('within an organisation mail is shown by account, and that of others is none', async () => {
  const organisation = String((await api.owner('POST', '/v1/organisations', { name: 'Customer' })).json['id'])
  const create = async (name: string, body = {}) =>
    String((await api.owner('POST', '/v1/accounts', { jid: `${name}@example.org`, ...body })).json['id'])
  const [mine, theirs] = [await create('mine', { organisation }), await create('theirs')]
  const scope = ['mail:read', 'mail:write']
  const key = String((await api.owner('POST', '/v1/api-keys', { scope, organisation })).json['token'])
  const ask = async (method: string, path: string) => {
    const { status, json } = await api.call(method, `/v1/mail-queue${path}`, { key })
    return [status, json['type'] ?? 'fine']
  }
  const no = (type: string) => `urn:sealpost:problem:${type}`
  expect(await ask('GET', '')).toEqual([422, no('account-needed')])
  expect(await ask('GET', '?account=theirs%40example.org')).toEqual([404, no('account-unknown')])
  for (const accountId of [theirs, undefined]) {
    api.mail.waiting = [{ ...MAIL, accountId }]
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/retry'],
      ['DELETE', ''],
    ] as const)
      expect(await ask(method, `/${ID}${path}`)).toEqual([404, no('mail-unknown')])
  }
  api.mail.waiting = [{ ...MAIL, accountId: mine, hold: 'operator' }]
  expect(await ask('DELETE', `/${ID}`)).toEqual([409, no('mail-held')])
  for (const change of ['hold', 'release'])
    expect(await ask('POST', `/${ID}/${change}`)).toEqual([403, no('beyond-organisation')])
  expect(api.mail.changes).toEqual([])
  api.mail.waiting = [{ ...MAIL, accountId: mine }]
  expect(await ask('GET', '?account=mine%40example.org')).toEqual([200, 'fine'])
  expect(await ask('GET', `/${ID}`)).toEqual([200, 'fine'])
  expect(await ask('POST', `/${ID}/retry`)).toEqual([200, 'fine'])
  expect(api.mail.changes).toEqual([[ID, 'retry']])
})

test('what does not wait is a 404, of an account that is none too; a relay that is away a 503', async () => {
  api.mail.waiting = []
  expect((await api.owner('GET', `/v1/mail-queue/${ID}`)).status).toBe(404)
  expect((await api.owner('DELETE', `/v1/mail-queue/${ID}`)).status).toBe(404)
  expect((await api.owner('GET', '/v1/mail-queue?account=nobody%40example.org')).status).toBe(404)
  api.mail.away = true
  expect((await api.owner('GET', '/v1/mail-queue')).status).toBe(503)
  api.mail.away = false
})
