import { PassThrough, Readable } from 'node:stream'
import type { RelayDevice } from '@sealpost/ports'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runCtl } from '../src/cli/index.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

const PHONE = '0c9f37ac-3f30-4c39-9f0e-27e1fc2c8a11'
const LAPTOP = '1d8f37ac-3f30-4c39-9f0e-27e1fc2c8a12'

let api: TestApi
let ann: string
beforeAll(async () => {
  api = await createTestApi()
  const { json } = await api.owner('POST', '/v1/accounts', { jid: 'ann@example.org', password: 'secret' })
  ann = String(json['id'])
  await api.owner('POST', '/v1/accounts', { jid: 'ben@example.org', password: 'secret' })
})
afterAll(() => api[Symbol.asyncDispose]())

function device(id: string, more: Partial<RelayDevice> = {}): RelayDevice {
  return {
    id,
    createdOn: '2026-03-01',
    lastSeenOn: '2026-03-02',
    registered: true,
    waiting: 0,
    overrun: false,
    label: undefined,
    typed: false,
    bound: false,
    ...more,
  }
}

beforeEach(() => {
  api.relay.away = false
  api.relay.known.set(ann, [
    device(PHONE, { waiting: 3, overrun: true }),
    device(LAPTOP, { registered: false }),
  ])
  api.relay.waiting.set(ann, [
    { deviceId: undefined, messages: 0, bytes: 0, oldestAgeSeconds: undefined },
    { deviceId: PHONE, messages: 3, bytes: 3072, oldestAgeSeconds: 61 },
  ])
})

async function ctl(line: string): Promise<{ code: number; text: string }> {
  const output = new PassThrough()
  const code = await runCtl(line.split(' '), {
    dataDir: api.dataDir,
    stdin: Readable.from([]),
    stdout: output,
    stderr: output,
    localVerbs: [],
  })
  return { code, text: String(output.read() ?? '') }
}

describe('devices', () => {
  test('are listed, and one is revoked, once', async () => {
    const path = '/v1/accounts/ann@example.org/devices'
    expect((await api.owner('GET', path)).json).toEqual({
      items: [
        {
          id: PHONE,
          created_on: '2026-03-01',
          last_seen_on: '2026-03-02',
          state: 'registered',
          waiting: 3,
          overrun: true,
          typed: false,
          bound: false,
        },
        {
          id: LAPTOP,
          created_on: '2026-03-01',
          last_seen_on: '2026-03-02',
          state: 'seen-once',
          waiting: 0,
          overrun: false,
          typed: false,
          bound: false,
        },
      ],
    })
    expect((await api.owner('DELETE', `${path}/${PHONE.toUpperCase()}`)).json).toEqual({ id: PHONE })
    const again = await api.owner('DELETE', `${path}/${PHONE}`)
    expect(again.status).toBe(404)
    expect(again.json['type']).toBe('urn:sealpost:problem:device-unknown')
  })

  test('of an account that is none, or by a name that is none, are refused', async () => {
    expect((await api.owner('GET', '/v1/accounts/nobody@example.org/devices')).status).toBe(404)
    expect((await api.owner('GET', '/v1/accounts/example.org/devices')).status).toBe(400)
    expect((await api.owner('DELETE', '/v1/accounts/ann@example.org/devices/phone')).status).toBe(400)
  })

  test('need their scope', async () => {
    const path = '/v1/accounts/ann@example.org/devices'
    const reader = await api.key('devices:read')
    expect((await api.call('GET', path, { key: reader })).status).toBe(200)
    expect((await api.call('GET', '/v1/accounts/ann@example.org/queue', { key: reader })).status).toBe(200)
    expect((await api.call('DELETE', `${path}/${PHONE}`, { key: reader })).status).toBe(403)
    const other = await api.key('accounts:read')
    expect((await api.call('GET', path, { key: other })).status).toBe(403)
    expect((await api.call('GET', path)).status).toBe(401)
  })

  test('everybody sees and revokes their own, and nobody else’s', async () => {
    const [as, asBen] = [{ headers: basic('ann', 'secret') }, { headers: basic('ben', 'secret') }]
    const { items } = (await api.call('GET', '/v1/me/devices', as)).json as { items: unknown[] }
    expect(items).toHaveLength(2)
    expect((await api.call('GET', '/v1/me/devices', asBen)).json).toEqual({ items: [] })
    expect((await api.call('DELETE', `/v1/me/devices/${PHONE}`, asBen)).status).toBe(404)
    expect((await api.call('DELETE', `/v1/me/devices/${PHONE}`, as)).json).toEqual({ id: PHONE })
    expect((await api.call('GET', '/v1/me/devices')).status).toBe(401)
  })

  test('one is bound by what the client says, has a name that administrators do not see, and is compared', async () => {
    const as = { headers: basic('ann', 'secret') }
    const mine = (method: string, path: string, body?: object) => api.call(method, path, { ...as, body })
    const said = {
      installation: LAPTOP.toUpperCase(),
      type: 'Pixel 8',
      hardware_id: 'serial-1',
      label: 'Desk',
    }
    expect(await mine('POST', '/v1/me/devices', said)).toMatchObject({ status: 201, json: { id: LAPTOP } })
    const { items } = (await mine('GET', '/v1/me/devices')).json as { items: object[] }
    expect(items).toContainEqual(
      expect.objectContaining({ id: LAPTOP, typed: true, bound: true, label: 'Desk' }),
    )
    const seen = await api.owner('GET', '/v1/accounts/ann@example.org/devices')
    for (const secret of ['Desk', 'Pixel', 'serial-1']) expect(seen.text).not.toContain(secret)
    expect((await mine('PATCH', `/v1/me/devices/${LAPTOP}`, { label: 'Lap' })).json).toEqual({ id: LAPTOP })
    expect((await mine('GET', '/v1/me/devices')).text).toContain('"label":"Lap"')
    await mine('PATCH', `/v1/me/devices/${LAPTOP}`, {})
    expect((await mine('GET', '/v1/me/devices')).text).not.toContain('Lap')
    const known = async (type: string) => (await mine('POST', '/v1/me/device-type', { type })).json
    expect(await known('Pixel 8')).toEqual({ named: 'Pixel 8', known: true })
    expect(await known('Pixel 9')).toEqual({ named: 'Pixel 9', known: false })
    const asBen = { headers: basic('ben', 'secret') }
    for (const [method, path] of [
      ['PATCH', `/v1/me/devices/${LAPTOP}`],
      ['POST', `/v1/me/devices/${LAPTOP}/sign-out`],
    ] as const)
      expect((await api.call(method, path, { ...asBen, body: {} })).status).toBe(404)
    for (const secret of ['Pixel', 'serial-1']) expect(api.logged()).not.toContain(secret)
  })

  test.each([
    [{ installation: 'phone' }],
    [{ type: 'Pixel 8' }],
    [{ installation: PHONE, type: '' }],
    [{ installation: PHONE, type: '  ' }],
    [{ installation: PHONE, type: 'x'.repeat(201) }],
    [{ installation: PHONE, hardware_id: 'x'.repeat(257) }],
    [{ installation: PHONE, label: 'x'.repeat(65) }],
    [{ installation: PHONE, label: 'a\nb' }],
    [{ installation: PHONE, serial: 'x' }],
  ])('what is said of one as %j is refused', async (body) => {
    const answer = await api.call('POST', '/v1/me/devices', { headers: basic('ann', 'secret'), body })
    expect(answer.status).toBe(400)
  })

  test('one is signed out, by its owner or by who administers, and stays known', async () => {
    const as = { headers: basic('ann', 'secret'), body: {} }
    expect((await api.call('POST', `/v1/me/devices/${PHONE}/sign-out`, as)).json).toEqual({ id: PHONE })
    expect((await ctl(`device sign-out ann@example.org ${LAPTOP}`)).text).toBe(`${LAPTOP} is signed out\n`)
    expect(api.relay.signedOut).toEqual([PHONE, LAPTOP])
    expect(await ctl(`device sign-out ben@example.org ${LAPTOP}`)).toEqual({
      code: 1,
      text: 'The account has no such device\n',
    })
  })

  test('one is bound in registering; with the relay away the account is made all the same', async () => {
    const register = async (body: object) => {
      const { token } = (await api.owner('POST', '/v1/invites/account', {})).json
      return api.call('POST', '/v1/registrations', { body: { token, password: 'chosen', ...body } })
    }
    const bound = { device: { installation: LAPTOP, type: 'Pixel 8' } }
    const made = await register(bound)
    expect(made.json).toMatchObject({ state: 'active', device: LAPTOP })
    expect(await api.relay.hasDeviceType(String(made.json['id']), 'Pixel 8')).toBe(true)
    expect((await register({ device: { installation: 'x' } })).status).toBe(400)
    api.relay.away = true
    const later = await register(bound)
    expect(later.status).toBe(201)
    expect(later.json).not.toHaveProperty('device')
  })

  test('queues show counts and ages', async () => {
    expect((await api.owner('GET', '/v1/accounts/ann@example.org/queue')).json).toEqual({
      items: [
        { messages: 0, bytes: 0 },
        { device: PHONE, messages: 3, bytes: 3072, oldest_seconds: 61 },
      ],
    })
  })

  test('a relay that is away is a 503 that says so', async () => {
    api.relay.away = true
    for (const path of ['/v1/accounts/ann@example.org/devices', '/v1/accounts/ann@example.org/queue']) {
      const answer = await api.owner('GET', path)
      expect(answer.status).toBe(503)
      expect(answer.headers['content-type']).toMatch('application/problem+json')
      expect(answer.json['type']).toBe('urn:sealpost:problem:relay-away')
    }
  })

  test('ctl lists, shows and revokes', async () => {
    expect((await ctl('device list ann@example.org')).text).toBe(
      `${PHONE}  registered  known since 2026-03-01  last seen 2026-03-02  3 waiting  overrun\n` +
        `${LAPTOP}  seen-once  known since 2026-03-01  last seen 2026-03-02  0 waiting\n`,
    )
    expect((await ctl('queue show ann@example.org')).text).toBe(
      `${'shared'.padEnd(36)}  0 messages  0 bytes\n${PHONE}  3 messages  3072 bytes  oldest 61 s\n`,
    )
    expect(await ctl(`device revoke ann@example.org ${PHONE}`)).toEqual({
      code: 0,
      text: `${PHONE} revoked\n`,
    })
    expect(await ctl(`device revoke ann@example.org ${PHONE}`)).toEqual({
      code: 1,
      text: 'The account has no such device\n',
    })
    expect((await ctl('device list ben@example.org')).text).toBe('No devices\n')
    api.relay.away = true
    expect(await ctl('device list ann@example.org')).toEqual({
      code: 1,
      text: 'The relay is away; try again\n',
    })
  })
})

describe('domains', () => {
  const policy = '/v1/domains/example.org/policy'

  test('a policy is set as a whole, announced, and shown', async () => {
    const heard: string[] = []
    using _ = api.bus.subscribe('domain/changed', ({ domain }) => void heard.push(domain))
    expect((await api.owner('GET', policy)).json).toEqual({ domain: 'example.org' })
    const wanted = { e2ee: 'optional', storage: 'none', message_ttl_seconds: 60 }
    expect((await api.owner('PUT', policy, wanted)).json).toEqual({ domain: 'example.org', ...wanted })
    expect((await api.owner('GET', policy)).json).toEqual({ domain: 'example.org', ...wanted })
    expect((await api.owner('PUT', '/v1/domains/EXAMPLE.org/policy', { e2ee: 'off' })).json).toEqual({
      domain: 'example.org',
      e2ee: 'off',
    })
    expect((await api.owner('GET', '/v1/domains')).json).toEqual({
      items: [{ domain: 'example.org', e2ee: 'off' }, { domain: 'example.net' }],
    })
    expect((await api.owner('PUT', policy, {})).json).toEqual({ domain: 'example.org' })
    await expect.poll(() => heard).toEqual(['example.org', 'example.org', 'example.org'])
  })

  test.each([
    { e2ee: 'sometimes' },
    { storage: 'forever' },
    { message_ttl_seconds: 0 },
    { message_ttl_seconds: 1.5 },
    { message_ttl_seconds: 1e12 },
    { e2ee: null },
    { unknown: 1 },
  ])('%o is refused', async (body) => {
    expect((await api.owner('PUT', policy, body)).status).toBe(400)
    expect((await api.owner('GET', policy)).json).toEqual({ domain: 'example.org' })
  })

  test('a domain that is not served has none, and changing one needs its scope', async () => {
    expect((await api.owner('PUT', '/v1/domains/example.com/policy', {})).status).toBe(404)
    expect((await api.owner('GET', '/v1/domains/example.com/policy')).status).toBe(404)
    expect((await api.owner('GET', '/v1/domains/a@b@c/policy')).status).toBe(400)
    const reader = await api.key('domains:read')
    expect((await api.call('GET', policy, { key: reader })).status).toBe(200)
    expect((await api.call('PUT', policy, { key: reader, body: {} })).status).toBe(403)
  })

  test('ctl sets, lists and shows', async () => {
    expect(await ctl('domain set example.net --storage none --message-ttl-seconds 3600')).toEqual({
      code: 0,
      text: 'example.net  storage none  message-ttl-seconds 3600\n',
    })
    expect((await ctl('domain list')).text).toBe(
      'example.org  as the server\nexample.net  storage none  message-ttl-seconds 3600\n',
    )
    expect((await ctl('domain set example.net')).text).toBe('example.net  as the server\n')
    expect((await ctl('domain show example.net')).text).toBe('example.net  as the server\n')
    expect((await ctl('domain set example.net --e2ee sometimes')).code).toBe(1)
  })
})
