/**
 * R14: to strangers, accounts that do not exist, refuse, are suspended or deleted are the same, in what is answered and in when. The times are
 * compared by a rank test on interleaved samples over real sockets; that it would notice a database query, a control shows.
 */
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { longTest } from '../../../test/long-test.ts'
import { median, rankDistance, shuffle, Z_MAX } from '../../../test/rank-test.ts'
import { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

/** Names of each kind: every name is asked once only, so that nothing about it is in any cache because of us. */
const NAMES = Number(process.env['ENUMERATION_NAMES'] ?? 40)
/** Clients that ask at a time, each its share of the names in turn. */
const ASKING = 6

const CONTROLS = 120

type Ask = (client: TestClient, to: string) => Promise<unknown>

/** Kinds of accounts that must look alike to strangers. */
const KINDS = ['nobody', 'here', 'away', 'suspended', 'deleted'] as const
type Kind = (typeof KINDS)[number]

const nameOf = (kind: Kind, use: string, index: number) => `${kind}-${use}-${index}`

/** Makes the accounts of one use: those that are `here` have a session, and whatever the server keeps in memory of them. */
async function populate(relay: RelayFixture, use: string, kinds: readonly Kind[]): Promise<void> {
  for (const kind of kinds) {
    if (kind === 'nobody') continue
    await Promise.all(
      Array.from({ length: NAMES }, (_, index) => make(relay, kind, nameOf(kind, use, index))),
    )
  }
}

async function make(relay: RelayFixture, kind: Kind, name: string): Promise<void> {
  if (kind === 'here') {
    const client = await relay.client(name)
    await client.available()
    await client.request('get', `<query xmlns='jabber:iq:roster'/>`)
    return
  }
  const jid = parseJid(`${name}@localhost`)
  await relay.accounts.create(jid, undefined)
  if (kind === 'suspended') await relay.accounts.suspend(jid, 'test')
  if (kind === 'deleted') await relay.accounts.terminate(jid)
}

/** How long each name of each kind takes, in an order that is no order. */
async function measure(
  relay: RelayFixture,
  use: string,
  kinds: readonly Kind[],
  ask: Ask,
): Promise<Map<Kind, number[]>> {
  const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]))
  const all = kinds.flatMap((kind) => Array.from({ length: NAMES }, (_, index) => ({ kind, index })))
  const order = shuffle(all).values()
  const asking = async (client: TestClient) => {
    for (const { kind, index } of order) {
      const started = performance.now()
      await ask(client, `${nameOf(kind, use, index)}@localhost`)
      times.get(kind)?.push(performance.now() - started)
    }
  }
  const clients = []
  for (let index = 0; index < ASKING; index++)
    clients.push(await relay.client(`stranger${index}`, { resource: use }))
  await Promise.all(clients.map(asking))
  for (const client of clients) await client.close()
  return times
}

/** Distances of all kinds from `nobody`. */
function distances(what: string, times: ReadonlyMap<Kind, number[]>): number[] {
  const nobody = times.get('nobody') ?? []
  return [...times].map(([kind, each]) => {
    const distance = rankDistance(each, nobody)
    process.stdout.write(`${what}, ${kind}: ${median(each).toFixed(2)} ms, ${distance.toFixed(1)} σ\n`)
    return kind === 'nobody' ? 0 : Math.abs(distance)
  })
}

/** What would be chance is not found twice: who looks different is asked again, under new names. */
async function expectAlike(
  relay: RelayFixture,
  what: string,
  kinds: readonly Kind[],
  timesOf: (use: string) => Promise<Map<Kind, number[]>>,
): Promise<void> {
  const word = what.replaceAll(/[^A-Za-z]/g, '').toLowerCase()
  for (const use of [`${word}-1`, `${word}-2`]) {
    await populate(relay, use, kinds)
    const furthest = Math.max(...distances(what, await timesOf(use)))
    if (furthest < Z_MAX) return
    if (use.endsWith('2')) expect(furthest).toBeLessThan(Z_MAX)
  }
}

const REFUSED = 'cancel service-unavailable'

const iq =
  (type: 'get' | 'set', payload: string, refused = REFUSED): Ask =>
  async (client, to) => {
    const [error] = (await client.request(type, payload, to)).childrenNamed('error')
    expect(`${error?.attrs['type']} ${error?.elements()[0]?.name}`).toBe(refused)
  }

/** Nothing comes back: how long it took shows in when the next stanza is answered. Both leave in one packet. */
const silent =
  (stanza: (to: string) => string): Ask =>
  async (client, to) => {
    client.sendRaw(`${stanza(to)}<iq type='get' id='after'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await client.next(({ attrs }) => attrs['id'] === 'after')
    expect(client.inbox).toEqual([])
  }

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const DISCO = 'http://jabber.org/protocol/disco'
const ASKS: readonly (readonly [string, Ask])[] = [
  ['a node of PEP', iq('get', `<pubsub xmlns='${PUBSUB}'><items node='urn:x'/></pubsub>`)],
  ['PEP, asked wrongly', iq('get', `<pubsub xmlns='${PUBSUB}'/>`, 'modify bad-request')],
  ['publishing', iq('set', `<pubsub xmlns='${PUBSUB}'><publish node='x'><item/></publish></pubsub>`)],
  ['disco info', iq('get', `<query xmlns='${DISCO}#info'/>`)],
  ['disco items of a node', iq('get', `<query xmlns='${DISCO}#items' node='x'/>`)],
  ['an IQ that nobody takes', iq('get', `<query xmlns='jabber:iq:version'/>`)],
  ['a presence probe', silent((to) => `<presence type='probe' to='${to}'/>`)],
  ['a subscription', silent((to) => `<presence type='subscribe' to='${to}'/>`)],
  ['directed presence', silent((to) => `<presence type='unavailable' to='${to}/phone'/>`)],
]

describe('R14: accounts that refuse and accounts that are none', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    relay = await startRelay({}, { refusalMs: 60 }) // a busy database takes longer than by default
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  const alike = (what: string, kinds: readonly Kind[], ask: Ask) =>
    expectAlike(relay, what, kinds, (use) => measure(relay, use, kinds, ask))

  test.each(ASKS)('%s', { timeout: 120_000 }, (what, ask) => alike(what, KINDS, ask))

  test('a message', { timeout: 120_000 }, () =>
    // the others take it
    alike('a message', ['nobody', 'suspended', 'deleted'], async (client, to) => {
      client.sendRaw(omemo(to, 'm'))
      expect(condition(await client.message())).toBe('service-unavailable')
    }),
  )

  test('a message that no account takes', { timeout: 120_000 }, () =>
    alike('a group message', KINDS, async (client, to) => {
      client.sendRaw(omemo(to, 'm').replace(`type='chat'`, `type='groupchat'`))
      expect((await client.message()).attrs['type']).toBe('error')
    }),
  )

  test('a contact that is put on the roster', { timeout: 120_000 }, () =>
    alike('a roster item', KINDS, async (client, to) => {
      const item = `<query xmlns='jabber:iq:roster'><item jid='${to}'/></query>`
      expect((await client.request('set', item)).attrs['type']).toBe('result')
    }),
  )

  test('the first step of a sign-in', { timeout: 120_000 }, async () => {
    const kinds = ['nobody', 'here', 'suspended', 'deleted'] as const
    await expectAlike(relay, 'SCRAM', kinds, async (use) => {
      const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]))
      const all = kinds.flatMap((kind) => Array.from({ length: NAMES }, (_, index) => ({ kind, index })))
      for (const { kind, index } of shuffle(all)) {
        await using client = await TestClient.connect({ port: relay.port })
        const first = Buffer.from(`n,,n=${nameOf(kind, use, index)},r=nonce`).toString('base64')
        const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>${first}</auth>`
        const started = performance.now()
        expect(await client.sasl(auth)).toBe('challenge')
        times.get(kind)?.push(performance.now() - started)
      }
      return times
    })
  })
})

describe('the control', () => {
  /** How long the same is asked for the first time, and again, when some of it is in a cache. */
  async function distanceOfCaches(refusalMs?: number): Promise<number> {
    await using relay = await startRelay({}, refusalMs === undefined ? {} : { refusalMs })
    const client = await relay.client('stranger')
    const [, ask] = ASKS[0] ?? []
    const times: [number[], number[]] = [[], []]
    for (let index = 0; index < CONTROLS; index++) {
      for (const each of times) {
        const started = performance.now()
        await ask?.(client, `control${index}@localhost`)
        each.push(performance.now() - started)
      }
    }
    return Math.abs(rankDistance(...times))
  }

  longTest(
    'without the same time for all, one query more or less is noticed; with it, it is not',
    async () => {
      let seen = 0
      for (let times = 0; seen <= Z_MAX && times < 5; times++) seen = await distanceOfCaches(0) // a busy machine may hide it
      expect(seen).toBeGreaterThan(Z_MAX)
      expect(await distanceOfCaches()).toBeLessThan(Z_MAX)
    },
  )

  test('the rank test tells a shift of a fifth from none', () => {
    const spread = (step: number) => Array.from({ length: 200 }, (_, index) => 1 + ((index * step) % 1))
    const slower = spread(0.618).map((time) => time + 0.2)
    expect(Math.abs(rankDistance(slower, spread(0.414)))).toBeGreaterThan(Z_MAX)
    expect(Math.abs(rankDistance(spread(0.618), spread(0.414)))).toBeLessThan(1)
  })
})

describe('what is remembered about names that nobody has', () => {
  test('is forgotten when somebody gets the name', async () => {
    await using relay = await startRelay()
    const sender = await relay.client('sender')
    for (let times = 0; times < 2; times++) {
      sender.sendRaw(omemo('late@localhost', 'early'))
      expect((await sender.message()).attrs['type']).toBe('error')
    }
    const late = await relay.client('late')
    await late.available()
    sender.sendRaw(omemo('late@localhost', 'now'))
    expect((await late.message()).attrs['id']).toBe('now')
  })
})
