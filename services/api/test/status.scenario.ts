/** Status, maintenance, incidents and credit through the API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { VirtualClock } from '@sealpost/runtime'
import { basic, createTestApi, type TestApi } from './api.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** A Monday. */
const start = Date.UTC(2030, 0, 7)
const ALL = ['chat', 'voice', 'mail', 'keys', 'api'] as const

let api: TestApi
let clock: VirtualClock
let key: string

async function open(at = start): Promise<void> {
  clock = new VirtualClock(at)
  api = await createTestApi({ clock })
  key = await api.key('status:probe')
}
const iso = (ms: number): string => new Date(ms).toISOString()

async function probe(at: number, down: readonly string[] = []): Promise<number> {
  const results = ALL.map((name) => ({ component: name, good: !down.includes(name) }))
  return (await api.call('POST', '/v1/status/probes', { key, body: { at: iso(at), results } })).status
}

/** The minutes that follow; time goes on with them. */
async function probeFor(minutes: number, down: readonly string[] = []): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    expect(await probe(clock.now(), down)).toBe(200)
    await clock.advance(MINUTE)
  }
}

interface ShownComponent {
  readonly id: string
  readonly state: string
  readonly availability?: number
  readonly days: readonly { day: string; good: number; lost: number; counted: number }[]
}

async function component(id: string): Promise<ShownComponent | undefined> {
  const { json } = await api.call('GET', '/v1/status')
  return (json['components'] as ShownComponent[]).find((each) => each.id === id)
}

describe('what probes find', () => {
  beforeAll(() => open())
  afterAll(() => api[Symbol.asyncDispose]())

  test('nobody probed: nothing is known, and nothing is said to be good', async () => {
    const { json, status } = await api.call('GET', '/v1/status')
    expect(status).toBe(200)
    expect(json).toMatchObject({ state: 'unknown', target: 99.9, incidents: [], maintenance: [] })
    expect(await component('chat')).toEqual({ id: 'chat', state: 'unknown', days: [] })
  })

  test('a component that fails is down at once; losses of five minutes count', async () => {
    await probeFor(3)
    await probeFor(4, ['mail'])
    await probeFor(2)
    await probeFor(5, ['keys'])
    expect(await component('keys')).toMatchObject({ state: 'down' })
    await probeFor(4)
    expect(await component('mail')).toEqual({
      id: 'mail',
      state: 'up',
      availability: 100,
      days: [{ day: '2030-01-07', good: 12, lost: 4, counted: 0 }],
    })
    expect(await component('keys')).toEqual({
      id: 'keys',
      state: 'up',
      availability: 99.988,
      days: [{ day: '2030-01-07', good: 11, lost: 5, counted: 5 }],
    })
  })

  test('minutes in which nobody could probe are lost', async () => {
    await clock.advance(30 * MINUTE)
    expect(await component('chat')).toMatchObject({
      state: 'unknown',
      days: [{ good: 18, lost: 28, counted: 28 }],
    })
  })

  test('a prober elsewhere tells later what it found, for a day; what one of two could not reach is lost', async () => {
    const away = start + 40 * MINUTE
    expect(await probe(away)).toBe(200)
    expect(await probe(away + MINUTE, ['voice'])).toBe(200)
    expect(await probe(away + MINUTE)).toBe(200)
    await clock.advance(15_000)
    expect((await component('chat'))?.days).toMatchObject([{ good: 20 }])
    expect((await component('voice'))?.days).toMatchObject([{ good: 19 }])
    expect(await probe(clock.now() + MINUTE)).toBe(422)
    expect(await probe(clock.now() - DAY - MINUTE)).toBe(422)
  })

  test.each([
    [{ at: 'now', results: [{ component: 'chat', good: true }] }, 400],
    [{ at: iso(start), results: [] }, 400],
    [{ at: iso(start), results: [{ component: 'alice@example.org', good: true }] }, 400],
    [{ at: iso(start), results: [{ component: 'chat', good: 'yes' }] }, 400],
    [{ at: iso(start), results: [{ component: 'chat', good: true, from: '192.0.2.1' }] }, 400],
  ])('a report that makes no sense is refused: %j', async (body, status) =>
    expect((await api.call('POST', '/v1/status/probes', { key, body })).status).toBe(status),
  )

  test('a prober’s key can do nothing else, and its reports fill no audit log', async () => {
    const body = { components: ['chat'], severity: 'minor', title: 'x' }
    expect((await api.call('POST', '/v1/incidents', { key, body })).status).toBe(403)
    const { json } = await api.owner('GET', '/v1/audit?action=status.probe')
    expect(json['items']).toEqual([])
  })

  test('days that are over are written, and known when minutes are forgotten', async () => {
    const lost = 1440 - 15 // good: 13 before, 2 that were told later
    await clock.leap(DAY - MINUTE)
    await clock.advance(MINUTE)
    expect((await component('keys'))?.days).toMatchObject([
      { day: '2030-01-07', good: 15, lost, counted: lost },
      { day: '2030-01-08' },
    ])
    const report = await api.owner('GET', '/v1/sla/report?month=2030-01')
    const keys = (report.json['components'] as { component: string }[]).find(
      (each) => each.component === 'keys',
    )
    expect(keys).toMatchObject({ lost: lost + 46, counted: lost + 46, credit: 12.5 })
    expect((await api.owner('GET', '/v1/sla/report?month=2030-02')).status).toBe(422)
    expect((await api.owner('GET', '/v1/sla/report?month=2030-00')).status).toBe(400)
  })

  test('ninety days are shown, today among them, and none twice', async () => {
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
    await db.execute(sql`
      insert into api.status_day (component, day, good, lost, counted)
      select 'keys', ${iso(clock.now()).slice(0, 10)}::date - ago, 1440, 0, 0 from generate_series(2, 120) as ago
      on conflict do nothing`)
    await clock.advance(15_000) // for so long an answer is kept
    const expected = Array.from({ length: 90 }, (_, ago) => iso(clock.now() - ago * DAY).slice(0, 10))
    expect((await component('keys'))?.days.map(({ day }) => day)).toEqual(expected.toReversed())
  })
})

describe('maintenance', () => {
  beforeAll(() => open())
  afterAll(() => api[Symbol.asyncDispose]())
  const plan = (begins: number, ends: number, change: object = {}) =>
    api.owner('POST', '/v1/maintenance', {
      components: ['chat', 'mail'],
      begins_at: iso(begins),
      ends_at: iso(ends),
      summary: 'New disks',
      ...change,
    })

  test.each([
    ['two days before, less a second', 2 * DAY - 1000, 2 * DAY + HOUR, 'maintenance-notice'],
    ['in the past', -HOUR, HOUR, 'maintenance-notice'],
    ['no time', 3 * DAY, 3 * DAY, 'maintenance-span'],
    ['more than a day', 3 * DAY, 4 * DAY + 1000, 'maintenance-span'],
    ['in two years', 730 * DAY, 730 * DAY + HOUR, 'maintenance-span'],
  ])('%s is refused', async (_what, begins, ends, type) => {
    const answer = await plan(start + begins, start + ends)
    expect([answer.status, answer.json['type']]).toEqual([422, expect.stringContaining(type)])
  })

  test('what it interrupts does not count, for its components', async () => {
    const heard: string[] = []
    api.bus.subscribe('maintenance/changed', ({ maintenanceId }) => void heard.push(maintenanceId))
    const begins = start + 2 * DAY
    const planned = await plan(begins, begins + HOUR)
    expect(planned.status).toBe(201)
    await expect.poll(() => heard).toEqual([planned.json['id']])
    expect((await api.call('GET', '/v1/status')).json['maintenance']).toMatchObject([
      { summary: 'New disks' },
    ])

    await clock.leap(2 * DAY - 7 * MINUTE)
    await clock.advance(MINUTE)
    await probeFor(6, ['mail'])
    await probeFor(6, ['chat', 'mail', 'keys'])
    expect(await component('chat')).toMatchObject({ state: 'maintenance' })
    await probeFor(4)
    const today = async (id: string) => (await component(id))?.days.at(-1)
    expect(await today('chat')).toMatchObject({ day: '2030-01-09', lost: 6, counted: 0 })
    expect(await today('mail')).toMatchObject({ lost: 6, counted: 0 })
    expect(await today('keys')).toMatchObject({ lost: 6, counted: 6 })
    expect((await component('mail'))?.days.at(-2)).toMatchObject({ day: '2030-01-08', lost: 6, counted: 6 })

    const ended = await api.owner('POST', `/v1/maintenance/${String(planned.json['id'])}/cancel`)
    expect(ended.json).toMatchObject({ ends_at: iso(clock.now()) })
    const again = await api.owner('POST', `/v1/maintenance/${String(planned.json['id'])}/cancel`)
    expect(again.status).toBe(409)
    expect(heard).toHaveLength(2)
  })

  test('what was called off excuses nothing', async () => {
    const begins = clock.now() + 3 * DAY
    const { json } = await plan(begins, begins + HOUR)
    expect((await api.owner('POST', `/v1/maintenance/${String(json['id'])}/cancel`)).json).toHaveProperty(
      'cancelled_at',
    )
    expect((await api.owner('GET', '/v1/maintenance')).json['items']).toEqual([])
    const unknown = await api.owner('POST', '/v1/maintenance/00000000-0000-4000-8000-000000000000/cancel')
    expect(unknown.status).toBe(404)
  })
})

describe('incidents and credit', () => {
  beforeAll(() => open())
  afterAll(() => api[Symbol.asyncDispose]())

  test('everybody reads how an incident goes; its report is due in fifteen days', async () => {
    const opened = await api.owner('POST', '/v1/incidents', {
      components: ['mail'],
      severity: 'major',
      title: 'Mail waits',
      text: 'We look into it',
    })
    expect(opened.status).toBe(201)
    const path = `/v1/incidents/${String(opened.json['id'])}`
    expect(await component('mail')).toMatchObject({ state: 'degraded' })
    expect((await api.owner('PUT', `${path}/report`, { text: 'x' })).status).toBe(409)
    await clock.advance(HOUR)
    await api.owner('POST', `${path}/updates`, { text: 'A disk is full', severity: 'critical' })
    await clock.advance(15_000)
    expect(await component('mail')).toMatchObject({ state: 'down' })
    const closed = await api.owner('POST', `${path}/close`, { text: 'There is room again' })
    expect(closed.json).toMatchObject({ report_due_at: iso(clock.now() + 15 * DAY) })
    expect((await api.owner('POST', `${path}/updates`, { text: 'x' })).status).toBe(409)
    expect((await api.owner('POST', `${path}/close`)).status).toBe(409)
    const reported = await api.owner('PUT', `${path}/report`, { text: 'The disk was too small.' })
    expect(reported.json).not.toHaveProperty('report_due_at')
    await clock.advance(15_000)
    const { incidents } = (await api.call('GET', '/v1/status')).json
    expect(incidents).toMatchObject([
      {
        title: 'Mail waits',
        severity: 'critical',
        updates: [{ text: 'We look into it' }, { text: 'A disk is full' }, { text: 'There is room again' }],
        report: 'The disk was too small.',
      },
    ])
  })

  test('incidents come by pages; what is no cursor is refused', async () => {
    for (const title of ['One', 'Two'])
      await api.owner('POST', '/v1/incidents', { components: ['api'], severity: 'minor', title })
    const first = await api.owner('GET', '/v1/incidents?limit=2')
    expect(first.json['items']).toHaveLength(2)
    const next = await api.owner('GET', `/v1/incidents?limit=2&cursor=${String(first.json['next'])}`)
    expect((next.json['items'] as { title: string }[]).map(({ title }) => title)).toEqual(['Mail waits'])
    expect(next.json).not.toHaveProperty('next')
    const id = '00000000-0000-4000-8000-000000000000'
    const impossible = ['2030-02-30T00:00:00Z', '2030-01-01T24:00:00Z', '2030-02-30', '0000-01-01', '1'].map(
      (at) => Buffer.from(`${at} ${id}`).toString('base64url'),
    )
    for (const cursor of ['x', '1.', `1.${id}`, '99999999999999999.x', ...impossible])
      for (const list of ['incidents', 'credit-claims'])
        expect([cursor, (await api.owner('GET', `/v1/${list}?cursor=${cursor}`)).status]).toEqual([
          cursor,
          400,
        ])
  })

  test.each([
    '2030-06-30T23:59:60Z',
    '2030-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '+12030-01-01T00:00:00Z',
    'now',
  ])('an incident that began at %s is refused', async (began) => {
    const body = { components: ['api'], severity: 'minor', title: 'x', began_at: began }
    expect((await api.owner('POST', '/v1/incidents', body)).status).toBe(400)
    const window = { begins_at: began, ends_at: began }
    const plan = { components: ['api'], summary: 'x', ...window }
    expect((await api.owner('POST', '/v1/maintenance', plan)).status).toBe(400)
  })
})

describe('claims of credit', () => {
  /** Ten minutes before the last day for January is over. */
  const late = Date.UTC(2030, 1, 7, 23, 50)
  beforeAll(() => open(late))
  afterAll(() => api[Symbol.asyncDispose]())

  test('an account claims within seven days of the month’s end, once; credit is known when the month is over', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'anna@example.org', password: 'correct horse' })
    const headers = { ...basic('anna@example.org', 'correct horse'), 'x-forwarded-proto': 'https' }
    const claim = (month: string, of = 'mail') =>
      api.call('POST', '/v1/me/credit-claims', { headers, body: { month, component: of } })
    const january = await claim('2030-01')
    expect(january.status).toBe(201)
    const february = await claim('2030-02')
    const refused = async (month: string, of?: string) => String((await claim(month, of)).json['type'])
    expect(await refused('2030-01')).toContain('claim-exists')
    expect(await refused('2029-12')).toContain('claim-late')
    expect(await refused('2030-03')).toContain('month-ahead')
    expect((await claim('2030-13')).status).toBe(400)
    await clock.advance(late + 10 * MINUTE - clock.now())
    expect(await refused('2030-01', 'keys')).toContain('claim-late')

    const decide = (filed: typeof january, decision: string) =>
      api.owner('POST', `/v1/credit-claims/${String(filed.json['id'])}/decision`, { decision })
    expect((await api.owner('GET', '/v1/credit-claims?state=open')).json['items']).toHaveLength(2)
    expect((await decide(february, 'grant')).json['type']).toContain('month-running')
    expect((await decide(february, 'refuse')).json).toMatchObject({ state: 'refused' })
    expect((await decide(january, 'grant')).json).toMatchObject({ state: 'granted', credit: 0 })
    expect((await decide(january, 'refuse')).json['type']).toContain('claim-decided')
    const own = (await api.call('GET', '/v1/me/credit-claims', { headers })).json['items']
    expect(own).toMatchObject([{ month: expect.any(String) as string }, {}])
  })

  test('an organisation’s administrator claims for it and those below, and for nobody else; claims come by pages', async () => {
    const make = async (body: object) =>
      String((await api.owner('POST', '/v1/organisations', body)).json['id'])
    const reseller = await make({ name: 'Reseller', kind: 'reseller' })
    const customer = await make({ name: 'Customer', parent: reseller })
    const other = await make({ name: 'Other' })
    const scope = ['credits:write', 'status:read']
    const made = await api.owner('POST', '/v1/api-keys', { scope, organisation: reseller })
    const own = String(made.json['token'])
    const claim = (organisation: string, month = '2030-02') =>
      api.call('POST', `/v1/organisations/${organisation}/credit-claims`, {
        key: own,
        body: { month, component: 'chat' },
      })
    const shown = await claim(reseller)
    expect(shown.json).toMatchObject({ subject: { kind: 'organisation', id: reseller }, state: 'open' })
    expect((await claim(customer)).status).toBe(201)
    expect((await claim(other)).status).toBe(404)
    expect(String((await claim(customer)).json['type'])).toContain('claim-exists')
    expect(String((await claim(customer, '2030-01')).json['type'])).toContain('claim-late')
    const crowd = await Promise.all(Array.from({ length: 10 }, () => claim(reseller, '2030-02')))
    expect(crowd.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 409))
    const listed = await api.call('GET', `/v1/organisations/${customer}/credit-claims`, { key: own })
    expect(listed.json['items']).toMatchObject([{ subject: { id: customer } }])
    expect((await api.call('GET', `/v1/organisations/${other}/credit-claims`, { key: own })).status).toBe(404)
    const ids: unknown[] = []
    for (let cursor = ''; ;) {
      const { json } = await api.owner('GET', `/v1/credit-claims?limit=1${cursor}`)
      const { items, next } = json as { items: { id: string }[]; next?: string }
      ids.push(...items.map(({ id }) => id))
      if (next === undefined) break
      cursor = `&cursor=${next}`
    }
    expect(new Set(ids).size).toBe(4)
  })

  test('claims are erased with their account', async () => {
    expect((await api.owner('POST', '/v1/accounts/anna@example.org/terminate')).status).toBe(200)
    const subjects = async () => {
      const { items } = (await api.owner('GET', '/v1/credit-claims')).json as {
        items: { subject: { kind: string } }[]
      }
      return items.map(({ subject }) => subject.kind)
    }
    await expect.poll(subjects).toEqual(['organisation', 'organisation'])
  })
})
