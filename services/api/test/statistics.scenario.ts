/** Statistics through the API: what services count, collected by minute, told by hour and day. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { VirtualClock } from '@sealpost/runtime'
import { createTestApi, type TestApi } from './api.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const start = Date.UTC(2030, 0, 1)

let api: TestApi
const clock = new VirtualClock(start)
beforeAll(async () => {
  api = await createTestApi({ clock })
})
afterAll(() => api[Symbol.asyncDispose]())

interface Figure {
  readonly name: string
  readonly now?: number
  readonly last_day?: Record<string, number>
}

async function figure(name: string): Promise<Figure | undefined> {
  const { json } = await api.owner('GET', '/v1/statistics/overview')
  return (json['items'] as Figure[]).find((item) => item.name === name)
}

/** Until the collections that the clock has set off, sixty for an hour, are in the database. */
async function collected(atLeast: number): Promise<void> {
  await expect
    .poll(async () => (await api.owner('GET', '/v1/statistics/overview')).json['at'])
    .toBe(new Date(atLeast).toISOString())
}

/** Until a collection of now is in the database: one that is still busy with the minute before is left out. */
async function nextCollected(): Promise<void> {
  await expect
    .poll(
      async () => {
        await clock.advance(MINUTE)
        return (await api.owner('GET', '/v1/statistics/overview')).json['at']
      },
      { timeout: 30_000 },
    )
    .toSatisfy((at) => at === new Date(clock.now()).toISOString())
}

test('what services count comes by minute into hours and days', async () => {
  await api.owner('POST', '/v1/accounts', { jid: 'anna@example.org', password: 'correct horse' })
  const online = api.metrics.gauge('xmpp_sessions_online', 'x')
  const lookups = api.metrics.counter('keys_lookups_total', 'x', ['kind', 'found'])
  online.set(4)
  lookups.inc({ kind: 'wkd', found: 'true' }, 5)
  lookups.inc({ kind: 'hkp', found: 'true' }, 2)
  lookups.inc({ kind: 'hkp', found: 'false' }, 1)
  await clock.advance(MINUTE)
  await collected(start + MINUTE)
  online.set(2)
  lookups.inc({ kind: 'wkd', found: 'true' }, 1)
  await clock.advance(MINUTE)
  await collected(start + 2 * MINUTE)
  expect(await figure('accounts.active')).toMatchObject({ kind: 'level', unit: 'accounts', now: 1 })
  expect(await figure('chat.online')).toMatchObject({ now: 2, last_day: { value: 3, max: 4 } })
  expect(await figure('keys.lookups.found')).toMatchObject({ kind: 'count', last_day: { value: 8 } })
  expect(await figure('keys.lookups.missed')).toMatchObject({ last_day: { value: 1 } })

  await clock.advance(HOUR)
  const from = new Date(start).toISOString()
  const byHour = await api.owner('GET', `/v1/statistics/series?name=keys.lookups.found&from=${from}`)
  expect(byHour.json).toEqual({
    name: 'keys.lookups.found',
    kind: 'count',
    unit: 'requests',
    meaning: 'Lookups of keys that found one',
    step: 'hour',
    items: [{ at: from, value: 8 }],
  })
  const byDay = await api.owner('GET', `/v1/statistics/series?name=chat.online&step=day&from=${from}`)
  expect(byDay.json['items']).toMatchObject([{ at: from, max: 4 }])
})

test('messages are told by day and by type', async () => {
  const messages = api.metrics.counter('xmpp_messages_total', 'x', ['type'])
  const today = new Date(Math.floor(clock.now() / (24 * HOUR)) * 24 * HOUR).toISOString()
  const told = async (type: string) => {
    const query = `name=chat.messages.${type}&step=day&from=${today}`
    return (await api.owner('GET', `/v1/statistics/series?${query}`)).json['items']
  }
  messages.inc({ type: 'encrypted' }, 3)
  messages.inc({ type: 'receipt' }, 2)
  await nextCollected()
  messages.inc({ type: 'encrypted' }, 4)
  await nextCollected()
  expect(await told('encrypted')).toEqual([{ at: today, value: 7 }])
  expect(await told('receipt')).toEqual([{ at: today, value: 2 }])
})

test('durations are told by percentiles', async () => {
  const delivery = api.metrics.histogram('xmpp_delivery_seconds', 'x', [0.1, 1, 10])
  for (let count = 0; count < 90; count++) delivery.observe(0.05)
  for (let count = 0; count < 10; count++) delivery.observe(0.5)
  await nextCollected()
  const { last_day: day } = (await figure('chat.delivery')) ?? {}
  expect(day?.['p50']).toBeCloseTo(0.1 * (50 / 90))
  expect(day?.['value']).toBeCloseTo(0.1 + 0.9 * (5 / 10))
  expect(day?.['p99']).toBeCloseTo(0.1 + 0.9 * (9 / 10))
})

test('everybody sees the last self-audits and what is yet to be destroyed; the audit log has each audit once', async () => {
  const at = (ms: number): string => new Date(ms).toISOString()
  const status = async () => (await api.call('GET', '/v1/status')).json
  const tell = (keyring: string, ms: number, passed: number): void => {
    api.metrics.gauge('self_audit_timestamp_seconds', 'x', ['keyring']).set(ms / 1_000, { keyring })
    api.metrics.gauge('self_audit_passed', 'x', ['keyring']).set(passed, { keyring })
  }
  expect(await status()).not.toHaveProperty('self_audit')
  tell('xmpp', start, 1)
  api.metrics.watched('shred_oldest_pending_seconds', 'x', { keyring: 'smtp' }, () => 7)
  const lag = api.metrics.histogram('shred_lag_seconds', 'x', [0.05, 0.5])
  for (const seconds of [0.01, 0.4]) for (let count = 0; count < 50; count++) lag.observe(seconds)
  await nextCollected()
  expect(await status()).toMatchObject({
    self_audit: { at: at(start), passed: true },
    shred_pending_seconds: 7,
    shred_lag_seconds: expect.closeTo(0.05 + 0.45 * (49 / 50)) as number,
  })
  const earlier = start - HOUR
  tell('smtp', earlier, 0)
  await nextCollected()
  expect(await status()).toMatchObject({ self_audit: { at: at(earlier), passed: false } })
  const noted = async () =>
    ((await api.owner('GET', '/v1/audit?action=server.self-audit')).json['items'] as { details: string }[])
      .map(({ details }) => JSON.parse(details) as object)
      .toReversed()
  const expected = [
    { of: 'messages', ended: at(start), passed: true },
    { of: 'mails', ended: at(earlier), passed: false },
  ]
  await clock.advance(HOUR)
  await expect.poll(noted).toEqual(expected)
  await clock.advance(HOUR)
  await nextCollected()
  expect(await noted()).toEqual(expected)
})

test.each([
  ['name=who.is.online', 400],
  ['', 400],
  ['name=chat.online&from=2030-01-02T00:00:00Z&until=2030-01-02T00:00:00Z', 400],
  ['name=chat.online&from=2020-01-01T00:00:00Z&until=2030-01-01T00:00:00Z', 400],
  ['name=chat.online&step=hour&from=2029-10-01T00:00:00Z&until=2030-01-01T00:00:00Z', 400],
  ['name=chat.online&step=minute', 400],
  ['name=chat.online&from=yesterday', 400],
  ['name=chat.online&who=anna', 400],
])('a question that makes no sense is refused: %s', async (query, status) => {
  const answer = await api.owner('GET', `/v1/statistics/series?${query}`)
  expect(answer.status).toBe(status)
})

test('who may not read statistics reads none', async () => {
  for (const path of ['/v1/statistics/overview', '/v1/statistics/series?name=chat.online']) {
    expect((await api.call('GET', path)).status).toBe(401)
    expect((await api.call('GET', path, { key: await api.key('accounts:read') })).status).toBe(403)
    expect((await api.call('GET', path, { key: await api.key('statistics:read') })).status).toBe(200)
  }
})

test('of an organisation nothing is told below ten, nothing exact, and nothing new before tomorrow', async () => {
  const make = async (body: object) => String((await api.owner('POST', '/v1/organisations', body)).json['id'])
  const whole = await make({ name: 'Whole', kind: 'reseller' })
  const part = await make({ name: 'Part', parent: whole })
  const small = await make({ name: 'Small' })
  const join = async (organisation: string, count: number, name: string) => {
    const jids = Array.from({ length: count }, (_, index) => `${name}${String(index)}@example.org`)
    await Promise.all(jids.map((jid) => api.owner('POST', '/v1/accounts', { jid, organisation })))
  }
  await join(part, 24, 'part')
  await join(whole, 1, 'whole')
  await join(small, 9, 'small')
  const told = async (id: string) => (await api.owner('GET', `/v1/statistics/organisations/${id}`)).json
  const [ofWhole, ofPart] = [await told(whole), await told(part)]
  expect(await told(small)).toEqual({ organisation: small, day: '2030-01-01', floor: 10 })
  for (const { active } of [ofWhole, ofPart]) expect([10, 20]).toContain(active)
  expect(ofWhole).not.toHaveProperty('used')
  expect([-10, 0, 10]).toContain(Number(ofWhole['active']) - Number(ofPart['active']))
  await join(part, 20, 'more')
  const crowd = await Promise.all(Array.from({ length: 10 }, () => told(part)))
  for (const each of crowd) expect(each).toEqual(ofPart)
  const scope = ['statistics:read']
  const made = await api.owner('POST', '/v1/api-keys', { scope, organisation: part })
  const key = String(made.json['token'])
  expect((await api.call('GET', `/v1/statistics/organisations/${part}`, { key })).json).toEqual(ofPart)
  expect((await api.call('GET', `/v1/statistics/organisations/${whole}`, { key })).status).toBe(404)
  expect((await api.call('GET', '/v1/statistics/overview', { key })).status).toBe(403)
  await clock.leap(24 * HOUR)
  const tomorrow = await told(part)
  expect(tomorrow['day']).not.toBe('2030-01-01')
  expect([30, 40]).toContain(tomorrow['active'])
})
