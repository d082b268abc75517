/** Confirming a phone number: what the operator's gateway gets, what is refused, and what is kept. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Secret } from '@sealpost/config'
import { openDb, sql } from '@sealpost/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tablesWith } from '../../../test/canaries.ts'
import { makeCertificate } from '../../../packages/http/test/_certificate.ts'
import { somewhere } from './administrator.ts'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'
import { JumpingClock } from './jumping-clock.ts'

const KEY = Buffer.alloc(32, 9)
const clock = new JumpingClock(Date.UTC(2030, 4, 10, 12))
const before = getCACertificates('default')
const { ca, cert, key } = makeCertificate('sms.example.org')
const received: { headers: IncomingHttpHeaders; body: string }[] = []
let status = 204
const gateway = createServer({ cert, key }, (request, response) => {
  void (async () => {
    const body = Buffer.concat((await request.toArray()) as Buffer[]).toString()
    received.push({ headers: request.headers, body })
    response.writeHead(status).end()
  })()
})
let api: TestApi
beforeAll(async () => {
  setDefaultCACertificates([...before, ca])
  gateway.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const url = `https://127.0.0.1:${String((gateway.address() as AddressInfo).port)}/sms`
  const secret = Secret.of(`whsec_${KEY.toString('base64')}`)
  api = await createTestApi({
    clock,
    webhookNetworks: ['127.0.0.0/8'],
    config: { phoneGateway: { url, secret } },
  })
  for (const name of ['ann', 'ben', 'cas', 'dan', 'eva', 'fay', 'gus'])
    await api.owner('POST', '/v1/accounts', { jid: `${name}@example.org`, password: 'secret' })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  gateway.closeAllConnections()
  gateway.close()
  setDefaultCACertificates(before)
})

/** Each time from another client: the limit of the route for one is tested elsewhere. */
const call = (name: string, method: string, path = '', body?: object) =>
  api.call(method, `/v1/me/phone${path}`, { headers: { ...basic(name, 'secret'), ...somewhere() }, body })
const ask = (name: string, number: string) => call(name, 'POST', '', { number })
const confirm = (name: string, code: string) => call(name, 'POST', '/confirmation', { code })
const problem = ({ status: of, json }: Answer) => [
  of,
  String(json['type']).replace('urn:sealpost:problem:', ''),
]
const sent = () =>
  (JSON.parse(received.at(-1)?.body ?? '{}') as { data: { number: string; code: string } }).data
const another = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

test('a code goes to the number, signed, and confirms it once; of the number nothing is kept that can be read', async () => {
  expect((await call('ann', 'GET')).json).toEqual({})
  const asked = await ask('ann', '+1 (418) 555-0123')
  expect(asked).toMatchObject({ status: 201, json: { pending_until: '2030-05-10T12:10:00.000Z' } })
  const { headers, body } = received.at(-1) ?? { headers: {}, body: '' }
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`)
  const { number, code } = sent()
  expect([number, code]).toEqual(['+14185550123', expect.stringMatching(/^\d{6}$/)])
  expect(problem(await confirm('ben', code))).toEqual([403, 'code-refused'])
  expect((await confirm('ann', ` ${code} `)).json).toEqual({ confirmed_on: '2030-05-10' })
  expect(problem(await confirm('ann', code))).toEqual([403, 'code-refused'])
  expect(await tablesWith(api.databaseUrl, '4185550123')).toEqual([])
  expect(api.logged()).not.toContain('4185550123')
  expect(api.logged()).not.toContain(code)
  const mine = await api.call('GET', '/v1/me/export', { headers: basic('ann', 'secret') })
  expect(mine.json['phone']).toEqual({ confirmed_on: '2030-05-10' })
})

test('five wrong codes spoil it, and so do ten minutes; of many right ones at once one counts', async () => {
  await ask('ben', '+14185550100')
  const { code } = sent()
  for (let tries = 0; tries < 5; tries++)
    expect(problem(await confirm('ben', another(code)))).toEqual([403, 'code-refused'])
  expect(problem(await confirm('ben', code))).toEqual([403, 'code-refused'])
  await ask('ben', '+14185550100')
  clock.jump(10 * 60_000)
  expect(problem(await confirm('ben', sent().code))).toEqual([403, 'code-refused'])
  expect((await call('ben', 'GET')).json).toEqual({})
  await ask('ben', '+14185550100')
  const answers = await Promise.all(Array.from({ length: 4 }, () => confirm('ben', sent().code)))
  expect(answers.filter(({ status: of }) => of === 200)).toHaveLength(1)
  expect(answers.filter(({ status: of }) => of === 403)).toHaveLength(3)
})

test('a day has five codes for one account, whatever the number, and for one number, whoever asks', async () => {
  for (let n = 0; n < 5; n++) expect((await ask('cas', `+1418555020${String(n)}`)).status).toBe(201)
  expect(problem(await ask('cas', '+14185550209'))).toEqual([429, 'too-many-codes'])
  await call('cas', 'DELETE')
  expect(problem(await ask('cas', '+14185550209'))).toEqual([429, 'too-many-codes'])
  for (const name of ['dan', 'eva', 'fay', 'dan', 'eva'])
    expect((await ask(name, '+14185550300')).status).toBe(201)
  expect(problem(await ask('gus', '+14185550300'))).toEqual([429, 'too-many-codes'])
  expect((await ask('gus', '+14185550301')).status).toBe(201)
  clock.jump(86_400_000)
  await clock.advance(3_600_000)
  expect((await ask('cas', '+14185550209')).status).toBe(201)
})

test.each(['4185550123', '+0418555012', '+1', '+1234567890123456', '+1418555012x', '+'])(
  '%s is no number',
  async (number) => {
    expect(problem(await ask('fay', number))).toEqual([422, 'phone-number-malformed'])
  },
)

test('a gateway that does not take it is a 503; what was confirmed stays until another number is', async () => {
  status = 500
  expect(problem(await ask('ann', '+14185550999'))).toEqual([503, 'phone-gateway-away'])
  status = 204
  expect((await call('ann', 'GET')).json).toMatchObject({ confirmed_on: '2030-05-10' })
})

test('it survives a restart, is forgotten when its owner says so, and with the account', async () => {
  await using restarted = await api.again()
  expect(await restarted.ready()).toBe(true)
  expect((await call('ben', 'GET')).json).toHaveProperty('confirmed_on')
  expect((await call('ben', 'DELETE')).json).toEqual({})
  const { json } = await api.owner('GET', '/v1/accounts/ann@example.org')
  await api.owner('POST', '/v1/accounts/ann@example.org/terminate')
  await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
  const left = () => db.query(sql`select from api.phone where account_id = ${String(json['id'])}::uuid`)
  await expect.poll(async () => (await left()).length).toBe(0)
})

test('without a gateway there is none of it', async () => {
  await using off = await createTestApi()
  await off.owner('POST', '/v1/accounts', { jid: 'ann@example.org', password: 'secret' })
  const answer = await off.call('GET', '/v1/me/phone', { headers: basic('ann', 'secret') })
  expect(problem(answer)).toEqual([404, 'phone-off'])
})
