/** Outgoing webhooks over real TLS: what a receiver gets, and what becomes of events when it does not answer, answers wrong, or we are killed. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createAccounts } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { openDb, openSession, raw, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeCertificate } from '../../../packages/http/test/_certificate.ts'
import { postgresWebhooks } from '../src/webhooks/store.postgres.ts'
import { createTestApi, type Answer, type TestApi } from './api.ts'

const HOUR_MS = 3_600_000

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const received: Received[] = []
/** What the receiver does at a path; 204 unless told. */
const behaviour = new Map<string, (response: ServerResponse) => void>()

const { ca, cert, key } = makeCertificate('hooks.example.org')
const server = createServer({ cert, key }, (request, response) => {
  void (async () => {
    const body = Buffer.concat((await request.toArray()) as Buffer[]).toString()
    const path = request.url ?? ''
    received.push({ path, headers: request.headers, body })
    const answer = behaviour.get(path) ?? ((open: ServerResponse) => void open.writeHead(204).end())
    answer(response)
  })()
})

let api: TestApi
let clock: VirtualClock
let origin: string
const before = getCACertificates('default')

beforeAll(async () => {
  setDefaultCACertificates([...before, ca])
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  clock = new VirtualClock()
  api = await createTestApi({ clock, webhookNetworks: ['127.0.0.0/8'] })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  server.closeAllConnections()
  server.close()
  setDefaultCACertificates(before)
})

const at = (path: string): Received[] => received.filter((each) => each.path === path)
const arrives = (path: string, count = 1): Promise<Received[]> =>
  vi.waitFor(() => {
    const found = at(path)
    expect(found.length).toBeGreaterThanOrEqual(count)
    return found
  }, 30_000)

async function add(path: string, events: string[] = ['*']): Promise<{ id: string; secret: string }> {
  const { status, json } = await api.owner('POST', '/v1/webhooks', { url: origin + path, events })
  expect(status).toBe(201)
  return { id: String(json['id']), secret: String(json['secret']) }
}

const remove = (id: string): Promise<Answer> => api.owner('DELETE', `/v1/webhooks/${id}`)
const create = (jid: string): Promise<Answer> => api.owner('POST', '/v1/accounts', { jid })

/** As a receiver checks it, by the specification alone. */
function signature(secret: string, { headers, body }: Received): string {
  const mac = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
  mac.update(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`)
  return `v1,${mac.digest('base64')}`
}

interface Tried {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly next_at?: string
}

/** The one delivery of a webhook, once it has been tried so often. */
const tried = (id: string, attempts: number): Promise<Tried> =>
  vi.waitFor(async () => {
    const { json } = await api.owner('GET', `/v1/webhook-deliveries?webhook=${id}`)
    const [delivery] = json['items'] as Tried[]
    if (delivery?.attempts !== attempts) throw new Error(`Tried ${String(delivery?.attempts)} times`)
    return delivery
  }, 30_000)

describe('what a receiver gets', () => {
  test('of incidents and maintenance: what happens to which components, and no words', async () => {
    const { id, secret } = await add('/status', ['incident.*', 'maintenance.*'])
    const incident = { components: ['mail'], severity: 'minor', title: 'Mail waits' }
    const opened = await api.owner('POST', '/v1/incidents', incident)
    const path = `/v1/incidents/${String(opened.json['id'])}`
    await api.owner('POST', `${path}/updates`, { text: 'We look', severity: 'major' })
    await api.owner('POST', `${path}/close`)
    await api.owner('PUT', `${path}/report`, { text: 'A disk.' })
    const begins = clock.now() + 72 * HOUR_MS
    const planned = await api.owner('POST', '/v1/maintenance', {
      components: ['chat'],
      summary: 'New disks',
      begins_at: new Date(begins).toISOString(),
      ends_at: new Date(begins + HOUR_MS).toISOString(),
    })
    await api.owner('POST', `/v1/maintenance/${String(planned.json['id'])}/cancel`)
    const all = await arrives('/status', 6)
    for (const each of all) expect(each.headers['webhook-signature']).toBe(signature(secret, each))
    const bodies = all.map(({ body }) => JSON.parse(body) as { type: string; data: object })
    const types = ['incident.closed', 'incident.opened', 'incident.reported', 'incident.updated']
    expect(bodies.map(({ type }) => type).sort()).toEqual([
      ...types,
      'maintenance.called_off',
      'maintenance.planned',
    ])
    expect(bodies.find(({ type }) => type === 'incident.updated')?.data).toEqual({
      incident_id: opened.json['id'],
      components: ['mail'],
      severity: 'major',
      began_at: opened.json['began_at'],
    })
    expect(all.map(({ body }) => body).join('')).not.toMatch(/waits|disk/i)
    await remove(id)
  })

  test('is signed, says what happened, and names no person', async () => {
    const { id, secret } = await add('/signed', ['account.*'])
    const made = await create('ada@example.org')
    await api.owner('POST', '/v1/accounts/ada@example.org/suspend', { reason: 'spam' })
    await api.owner('POST', '/v1/accounts/ada@example.org/restore')
    const all = await arrives('/signed', 3)
    for (const each of all) expect(each.headers['webhook-signature']).toBe(signature(secret, each))
    const bodies = all.map(
      ({ body }) => JSON.parse(body) as { type: string; timestamp: string; data: object },
    )
    expect(bodies.map(({ type }) => type).sort()).toEqual([
      'account.created',
      'account.restored',
      'account.suspended',
    ])
    expect(bodies.find(({ type }) => type === 'account.suspended')?.data).toEqual({
      account_id: made.json['id'],
      reason: 'spam',
    })
    expect(bodies[0]?.timestamp).toBe(new Date(clock.now()).toISOString())
    expect(all.map(({ body }) => body).join('')).not.toContain('ada')
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
    await vi.waitFor(async () => {
      const { json } = await api.owner('GET', `/v1/webhook-deliveries?webhook=${id}`)
      expect(json['items']).toEqual([])
    }, 30_000)
    await remove(id)
  })

  test('is signed with both secrets for a day after a new one was made', async () => {
    const { id, secret } = await add('/rotated', ['incident.*'])
    const { json } = await api.owner('POST', `/v1/webhooks/${id}/secret`)
    await api.owner('POST', `/v1/webhooks/${id}/test`)
    const [both] = await arrives('/rotated')
    expect(both && both.headers['webhook-signature']).toBe(
      both && `${signature(String(json['secret']), both)} ${signature(secret, both)}`,
    )
    await clock.leap(25 * HOUR_MS)
    await api.owner('POST', `/v1/webhooks/${id}/test`)
    const after = (await arrives('/rotated', 2))[1]
    expect(after && after.headers['webhook-signature']).toBe(
      after && signature(String(json['secret']), after),
    )
    await remove(id)
  })

  test('comes also of changes that other services made, and that a crash came after', async () => {
    const { id } = await add('/elsewhere', ['account.suspended'])
    await create('eve@example.org')
    // As the mail relay does, in a process of its own whose bus tells us nothing.
    await using bus = createProcessBus()
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_account', poolSize: 1 })
    await using accounts = createAccounts({ db, bus, clock, random: systemRandom })
    await accounts.suspend(parseJid('eve@example.org'), 'spam')
    await clock.advance(5_000)
    await arrives('/elsewhere')
    await remove(id)
  })
})

describe('organisations and subscriptions', () => {
  const day = (offset: number): string =>
    new Date(clock.now() + offset * 24 * HOUR_MS).toISOString().slice(0, 10)
  const bodies = async (path: string, count: number) =>
    (await arrives(path, count)).map(({ body }) => JSON.parse(body) as { type: string; data: object })

  test('an organisation is told of when it is made, suspended, restored, ends, stays, and has gone', async () => {
    const { id } = await add('/organisations', ['organisation.*'])
    const made = await api.owner('POST', '/v1/organisations', { name: 'Told' })
    const organisation = String(made.json['id'])
    const path = `/v1/organisations/${organisation}`
    await api.owner('POST', `${path}/suspend`, { reason: 'other' })
    await api.owner('POST', `${path}/restore`)
    await api.owner('POST', `${path}/terminate`, { after: 30 })
    await api.owner('POST', `${path}/keep`)
    await api.owner('PATCH', path, { name: 'Told anew' }) // of which nobody is told
    expect((await api.owner('DELETE', path)).status).toBe(200)
    await clock.advance(5_000)
    const told = (await bodies('/organisations', 8)).map(({ type, data }) => ({ type, ...data }))
    const what = (event: string, more = {}) => ({
      type: `organisation.${event}`,
      organisation_id: organisation,
      ...more,
    })
    expect(told).toHaveLength(8)
    expect(told).toEqual(
      expect.arrayContaining([
        what('created'),
        what('suspended', { reason: 'other' }),
        what('restored'),
        what('ends', { terminates_on: day(30) }),
        what('kept'),
        what('ends', { terminates_on: day(0) }), // it was empty
        what('suspended', { reason: 'terminated' }),
        what('removed'),
      ]),
    )
    await remove(id)
  })

  test('what a process had done when it died is told by the next; what was rolled back is not', async () => {
    const { id } = await add('/bills', ['subscription.*'])
    const organisation = String((await api.owner('POST', '/v1/organisations', { name: 'Pays' })).json['id'])
    const account = await api.owner('POST', '/v1/accounts', { jid: 'pays@example.org' })
    const pay = async (fee: string): Promise<number[]> => {
      const when = fee === 'overdue' ? { suspends_on: day(0) } : {}
      const terms = { term_months: 1, started_on: day(-20), renews_on: day(20), fee, ...when }
      const whose = [`organisations/${organisation}`, 'accounts/pays@example.org']
      const answers = whose.map((each) => api.owner('PUT', `/v1/subscriptions/${each}`, terms))
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    await using db = await openDb({ url: api.databaseUrl })
    const waiting = () => db.query(sql`select from account.outbox where type like 'subscription.%'`)

    // Fails in the commit, when all is written.
    await db.execute(sql`
      create function account.fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`)
    for (const table of [raw('account.organisation'), raw('account.account')])
      await db.execute(sql`
        create constraint trigger fail after update on ${table} deferrable initially deferred
        for each row execute function account.fail()`)
    expect(await pay('overdue')).toEqual([500, 500])
    await db.execute(sql`drop function account.fail cascade`)
    expect(await waiting()).toEqual([])

    {
      await using holder = await openSession(api.databaseUrl)
      await holder.execute(sql`begin`)
      await holder.execute(sql`lock table api.webhook_event in exclusive mode`)
      expect(await pay('overdue')).toEqual([200, 200])
      const held = sql`select pid from pg_locks where not granted and relation = 'api.webhook_event'::regclass`
      await expect.poll(() => db.query(held)).toHaveLength(1)
      // As when whoever tells is killed at it.
      await db.query(sql`select pg_terminate_backend(pid) from (${held}) as telling`)
      expect(await waiting()).toHaveLength(2)
    }
    expect(at('/bills')).toEqual([])
    await clock.advance(5_000)
    const told = (await bodies('/bills', 2)).map(({ type, data }) => ({ type, ...data }))
    const about = { state: 'running', fee: 'overdue', renews_on: day(20), suspends_on: day(0) }
    for (const whose of [{ organisation_id: organisation }, { account_id: account.json['id'] }])
      expect(told).toContainEqual(
        expect.objectContaining({ type: 'subscription.suspended', ...about, ...whose }),
      )
    await vi.waitFor(async () => expect(await waiting()).toEqual([]), 30_000)
    expect(await pay('none')).toEqual([200, 200])
    await clock.advance(5_000)
    expect((await bodies('/bills', 4)).map(({ type }) => type).toSorted()).toEqual([
      'subscription.reinstated',
      'subscription.reinstated',
      'subscription.suspended',
      'subscription.suspended',
    ])
    await remove(id)
  })
})

describe('a receiver that fails', () => {
  test('is tried again for three days, then disabled and told of; what was given up can be sent again', async () => {
    behaviour.set('/broken', (response) => void response.writeHead(500).end('secret words of the receiver'))
    const { id } = await add('/broken', ['account.created'])
    const other = await add('/watching', ['webhook.*'])
    await create('bea@example.org')
    const began = clock.now()
    for (let attempt = 1; attempt < 15; attempt++) {
      const { next_at: next = '' } = await tried(id, attempt)
      await clock.leap(Date.parse(next) - clock.now() + 5_000)
    }
    expect((await tried(id, 15)).state).toBe('dead')
    expect(clock.now() - began).toBeGreaterThan(71 * HOUR_MS)
    await vi.waitFor(async () => {
      const { json } = await api.owner('GET', `/v1/webhooks/${id}`)
      expect(json).toMatchObject({ enabled: false, disabled_reason: 'failing' })
    }, 30_000)
    await arrives('/watching')
    await vi.waitFor(
      () => expect(api.letters.sent.at(-1)?.message.toString()).toContain('webhook change'),
      30_000,
    )
    expect(api.letters.sent.at(-1)?.recipient).toBe('postmaster@example.org')
    const audit = await api.owner('GET', '/v1/audit?action=webhook.disable')
    expect(audit.text).toContain(id)

    const dead = await api.owner('GET', `/v1/webhook-deliveries?webhook=${id}&state=dead`)
    const [item] = dead.json['items'] as { id: string; outcome: string }[]
    expect(item).toMatchObject({ outcome: 'status-500', attempts: 15, type: 'account.created' })
    expect(dead.text + api.logged()).not.toContain('secret words')

    behaviour.delete('/broken')
    const count = at('/broken').length
    await api.owner('PATCH', `/v1/webhooks/${id}`, { enabled: true })
    const again = await api.owner('POST', `/v1/webhook-deliveries/${item?.id ?? ''}/redeliver`)
    expect(again.status).toBe(200)
    const last = (await arrives('/broken', count + 1)).at(-1)
    expect(last?.headers['webhook-id']).toBe(at('/broken')[0]?.headers['webhook-id'])
    await remove(id)
    await remove(other.id)
  })

  test('that answers 410 is disabled at once', async () => {
    behaviour.set('/gone', (response) => void response.writeHead(410).end())
    const { id } = await add('/gone', ['incident.*'])
    await api.owner('POST', `/v1/webhooks/${id}/test`)
    await vi.waitFor(async () => {
      const { json } = await api.owner('GET', `/v1/webhooks/${id}`)
      expect(json).toMatchObject({ enabled: false, disabled_reason: 'gone' })
    }, 30_000)
    await remove(id)
  })

  test('that never answers keeps no other waiting', async () => {
    behaviour.set('/slow', () => undefined)
    const slow = await add('/slow', ['account.created'])
    const quick = await add('/quick', ['account.created'])
    for (let account = 0; account < 12; account++) await create(`many${String(account)}@example.org`)
    await arrives('/quick', 12)
    await arrives('/slow', 4)
    expect(at('/slow').length).toBe(4)
    await clock.advance(15_000)
    await vi.waitFor(async () => {
      const { text } = await api.owner('GET', `/v1/webhook-deliveries?webhook=${slow.id}`)
      expect(text).toContain('"outcome":"timeout"')
    }, 30_000)
    await remove(slow.id)
    await remove(quick.id)
  })

  test('what a process was sending when it was killed is sent by the next', async () => {
    const { id } = await add('/killed', ['account.created'])
    await api.owner('PATCH', `/v1/webhooks/${id}`, { url: `${origin}/killed` })
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
    const store = postgresWebhooks(db)
    const event = { id: systemRandom.uuid(), type: 'account.created', data: '{}', accountId: undefined }
    await store.addEvent({ ...event, createdAt: clock.now() }, [{ id: systemRandom.uuid(), endpointId: id }])
    // The process that took it was killed here.
    expect(await store.claim(id, 1, clock.now(), clock.now() + 60_000)).toHaveLength(1)
    await clock.advance(50_000)
    expect(at('/killed')).toEqual([])
    await clock.advance(15_000)
    const [sent] = await arrives('/killed')
    expect(sent?.headers['webhook-id']).toBe(event.id)
    await remove(id)
  })
})

describe('where they may lead', () => {
  test.each(['http://example.com/', 'https://10.0.0.1/', 'https://[::1]/', 'https://a:b@example.com/'])(
    'not to %s',
    async (url) => {
      const answer = await api.owner('POST', '/v1/webhooks', { url, events: ['*'] })
      expect([answer.status, answer.json['type']]).toEqual([422, 'urn:sealpost:problem:webhook-url-refused'])
    },
  )

  test('a name that leads inside is not connected to', async () => {
    await using strict = await createTestApi()
    const url = origin.replace('127.0.0.1', 'localhost') + '/inside'
    const { json } = await strict.owner('POST', '/v1/webhooks', { url, events: ['*'] })
    await strict.owner('POST', `/v1/webhooks/${String(json['id'])}/test`)
    await vi.waitFor(async () => {
      const { text } = await strict.owner('GET', '/v1/webhook-deliveries')
      expect(text).toContain('address-refused')
    }, 30_000)
    expect(at('/inside')).toEqual([])
  })

  test('events are named by a kind; unknown webhooks and deliveries are 404', async () => {
    const bad = await api.owner('POST', '/v1/webhooks', {
      url: 'https://example.com/',
      events: ['mail.read'],
    })
    expect(bad.status).toBe(400)
    const id = systemRandom.uuid()
    expect((await api.owner('GET', `/v1/webhooks/${id}`)).status).toBe(404)
    expect((await api.owner('POST', `/v1/webhook-deliveries/${id}/redeliver`)).status).toBe(404)
  })
})
