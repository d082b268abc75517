/** What the API tells of the whole server besides its status: feeds and badges, the relay of calls, crash reports, numbers of other processes. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '@sealpost/config'
import { createHttp, healthRoutes } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { VirtualClock } from '@sealpost/runtime'
import { parseTurnUri, type TurnService } from '@sealpost/turn'
import { tablesWith } from '../../../test/canaries.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

const SECRET = 's'.repeat(32)
const URIS = ['stun:turn.example.org', 'turn:turn.example.org?transport=udp']
const DAY = 86_400_000

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())
const clock = new VirtualClock(Date.UTC(2030, 0, 7))
const keysMetrics = createMetrics()
let api: TestApi
let key: string
beforeAll(async () => {
  const log = createLog({ level: 'silent' })
  const other = stack.use(await createHttp({ log, metrics: keysMetrics, title: 'x' }))
  await other.app.register(healthRoutes, { ready: async () => true, metrics: keysMetrics })
  const { port } = await other.listen({ host: '127.0.0.1', port: 0 })
  const services = URIS.map((uri) => parseTurnUri(uri)).filter(
    (each): each is TurnService => each !== undefined,
  )
  const turn = { services, secret: Secret.of(SECRET), ttlMs: 2 * 3_600_000 }
  const config = {
    turn,
    keysUrl: new URL(`http://127.0.0.1:${String(port)}`),
    mailUrl: new URL('http://127.0.0.1:1'),
  }
  api = stack.use(await createTestApi({ clock, config }))
  key = await api.key('status:probe')
  await api.owner('POST', '/v1/accounts', { jid: 'anna@example.org', password: 'correct horse' })
})

describe('feeds, badges and Kuma', () => {
  beforeAll(async () => {
    await api.owner('POST', '/v1/incidents', {
      components: ['mail'],
      severity: 'minor',
      title: 'Mail <slow> & "late"',
      text: 'We look into it\u0007',
    })
    const begins = clock.now() + 3 * DAY
    await api.owner('POST', '/v1/maintenance', {
      components: ['keys'],
      begins_at: new Date(begins).toISOString(),
      ends_at: new Date(begins + 3_600_000).toISOString(),
      summary: 'New disks',
    })
    const at = new Date(clock.now()).toISOString()
    const results = [
      { component: 'chat', good: true },
      { component: 'keys', good: false },
    ]
    await api.call('POST', '/v1/status/probes', { key, body: { at, results } })
  })

  test('the feed is well-formed Atom with an entry for each', async () => {
    const { status, headers, text } = await api.call('GET', '/status.atom')
    expect([status, headers['content-type']]).toEqual([200, 'application/atom+xml; charset=utf-8'])
    expect(text.match(/<entry>/g)).toHaveLength(2)
    expect(text).toContain('<title>Mail &lt;slow&gt; &amp; &quot;late&quot;</title>')
    expect(text).toContain('We look into it</content>')
    expect(text).toContain('Maintenance: New disks')
    expect(text).toContain('<id>https://example.org:8443/status.atom</id>')
  })

  test.each([
    ['chat', 'up'],
    ['keys.svg', 'down'],
    ['mail', 'degraded'],
    ['api', 'unknown'],
    ['all', 'down'],
  ])('the badge %s says %s', async (name, state) => {
    const { headers, text } = await api.call('GET', `/v1/status/badges/${name}`)
    expect(headers['content-type']).toBe('image/svg+xml')
    expect(headers['cross-origin-resource-policy']).toBe('cross-origin') // for pages elsewhere
    expect(text).toContain(`: ${state}</title>`)
  })

  test('dashboards that read Uptime Kuma read this', async () => {
    const page = (await api.call('GET', '/api/status-page/sealpost')).json
    const [group] = page['publicGroupList'] as { monitorList: { id: number; name: string }[] }[]
    const id = (name: string) => group?.monitorList.find((each) => each.name === name)?.id ?? 0
    const beats = (await api.call('GET', '/api/status-page/heartbeat/sealpost')).json
    const list = beats['heartbeatList'] as Record<string, { status: number }[]>
    expect([list[id('chat')]?.[0]?.status, list[id('keys')]?.[0]?.status]).toEqual([1, 0])
    expect(Object.keys(beats['uptimeList'] as object)).toContain(`${String(id('chat'))}_24`)
  })

  test.each(['/v1/status/badges/alice', '/api/status-page/other', '/api/status-page/heartbeat/other'])(
    'what is not there is not found: %s',
    async (path) => expect((await api.call('GET', path)).status).toBe(404),
  )
})

describe('the relay of calls', () => {
  const headers = { ...basic('anna@example.org', 'correct horse'), 'x-forwarded-proto': 'https' }

  test('an account gets credentials that say nothing of it', async () => {
    const { status, json } = await api.call('GET', '/v1/turn', { headers })
    expect(status).toBe(200)
    const { username, password } = json as { username: string; password: string }
    expect(json).toMatchObject({ uris: URIS, ttl: 7200 })
    expect(username).toMatch(new RegExp(`^${String(clock.now() / 1000 + 7200)}:[\\w-]{16}$`))
    expect(password).toBe(createHmac('sha1', SECRET).update(username).digest('base64'))
    const again = (await api.call('GET', '/v1/turn', { headers })).json
    expect(again['username']).not.toBe(username)
    expect(await tablesWith(api.databaseUrl, username)).toEqual([])
    expect(api.logged()).not.toContain(username)
  })

  test('strangers get none, nor do API keys', async () => {
    expect((await api.call('GET', '/v1/turn')).status).toBe(401)
    expect((await api.call('GET', '/v1/turn', { key: await api.key('*') })).status).toBe(401)
  })

  test('where there is none, the list is empty', async () => {
    await using without = await createTestApi()
    await without.owner('POST', '/v1/accounts', { jid: 'anna@example.org', password: 'correct horse' })
    expect((await without.call('GET', '/v1/turn', { headers })).json).toEqual({ uris: [] })
  })
})

describe('crash reports', () => {
  const crash = {
    application: 'Example Chat',
    version: '1.2.3',
    platform: 'Android 15',
    trace: 'Error: no route to juliet@capulet.example (192.0.2.9)\n  at connect (/home/juliet/app.js:1:2)',
  }
  const from = (address: string, body: object = crash) =>
    api.call('POST', '/v1/crash-reports', { body, headers: { 'x-forwarded-for': address } })

  test('anyone sends them; nothing of who it was is kept', async () => {
    const sent = await from('198.51.100.1')
    expect(sent.status).toBe(201)
    const { signature } = sent.json
    await from('198.51.100.1', { ...crash, trace: crash.trace.replace('1:2', '77:9') })
    const { items } = (await api.owner('GET', '/v1/crash-reports')).json
    expect(items).toEqual([
      {
        signature,
        title: 'Error: no route to [address] ([ip])',
        count: 2,
        first_on: '2030-01-07',
        last_on: '2030-01-07',
        applications: ['Example Chat 1.2.3'],
      },
    ])
    const traces = (await api.owner('GET', `/v1/crash-reports/${String(signature)}`)).json['items']
    expect(traces).toMatchObject([
      { trace: expect.stringContaining('/home/[user]/app.js:77:9') as string },
      {},
    ])
    for (const text of ['juliet', 'capulet', '192.0.2.9', '198.51.100.1'])
      expect(await tablesWith(api.databaseUrl, text)).toEqual([])
  })

  test.each([
    [{ ...crash, trace: '' }],
    [{ ...crash, trace: 'x'.repeat(65_537) }],
    [{ ...crash, application: 'alice@example.org' }],
    [{ ...crash, account: 'alice@example.org' }],
    [{ trace: 'x' }],
  ])('what is no report is refused (%#)', async (body) => {
    expect((await from('198.51.100.2', body)).status).toBe(400)
  })

  test('one client sends five a minute', async () => {
    const statuses: number[] = []
    for (let count = 0; count < 7; count++) statuses.push((await from('198.51.100.3')).status)
    expect(statuses).toEqual([201, 201, 201, 201, 201, 429, 429])
  })

  test('only who may reads them', async () => {
    expect((await api.call('GET', '/v1/crash-reports', { key: await api.key('audit:read') })).status).toBe(
      403,
    )
    expect((await api.call('GET', '/v1/crash-reports', { key: await api.key('crashes:read') })).status).toBe(
      200,
    )
    expect((await api.owner('GET', '/v1/crash-reports/alice')).status).toBe(400)
  })
})

test('numbers of services in other processes come in over their metrics; who is away is named', async () => {
  const lookups = keysMetrics.counter('keys_lookups_total', 'x', ['kind', 'found'])
  const overview = async () => (await api.owner('GET', '/v1/statistics/overview')).json
  const found = async () =>
    ((await overview())['items'] as { name: string; last_day?: { value: number } }[]).find(
      ({ name }) => name === 'keys.lookups.found',
    )?.last_day?.value
  lookups.inc({ kind: 'hkp', found: 'true' }, 7) // counted before the API looked: nobody's to tell
  const before = clock.now()
  await clock.advance(60_000)
  await expect.poll(async () => (await overview())['at']).toBe(new Date(before + 60_000).toISOString())
  expect(await found()).toBeUndefined()
  expect((await overview())['away']).toEqual(['mail'])
  lookups.inc({ kind: 'hkp', found: 'true' }, 3)
  await clock.advance(60_000)
  await expect.poll(found).toBe(3)
})

test('of a crash nothing is left after thirty days', async () => {
  const kinds = async () =>
    ((await api.owner('GET', '/v1/crash-reports')).json['items'] as { count: number }[]).length
  const before = await kinds()
  expect(before).toBeGreaterThan(0)
  await clock.leap(30 * DAY)
  await clock.advance(3_600_000)
  expect(await kinds()).toBe(before)
  await clock.leap(DAY)
  await clock.advance(3_600_000)
  await expect.poll(kinds).toBe(0)
  expect(await tablesWith(api.databaseUrl, 'Example Chat')).toEqual([])
})
