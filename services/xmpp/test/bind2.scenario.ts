/** XEP-0386, and XEP-0198 §9: a resource, stream management, carbons and resumption within the sign-in, over real sockets. */
import { randomUUID } from 'node:crypto'
import { type Element, NS_BIND2, NS_CARBONS, NS_SM, NS_STREAM } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'
import { BIND, bindWith, conditionOf, ENABLE, enter, type Request2, signIn2 } from './sasl2-client.ts'

let relay: RelayFixture
let stack: AsyncDisposableStack
beforeAll(async () => {
  stack = new AsyncDisposableStack()
  relay = stack.use(await startRelay())
})
afterAll(() => stack.disposeAsync())

const connect = async () => stack.use(await TestClient.connect({ port: relay.port }))
const CARBONS = `<enable xmlns='${NS_CARBONS}'/>`
const tag = (name: string) => bindWith(`<tag>${name}</tag>`)

/** Signs in; counts stanzas when it enables stream management. */
async function client(
  username: string,
  request: Partial<Request2> = {},
): Promise<TestClient & { success: Element }> {
  await relay.account(username)
  const connected = await connect()
  const asked = { username, inline: BIND, ...request }
  if (asked.inline.includes(ENABLE)) connected.counting()
  return Object.assign(connected, { success: await enter(connected, asked) })
}

const smIdOf = (success: Element) =>
  success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id'] ?? ''
const resumeXml = (previd: string, h: number | string) =>
  `<resume xmlns='${NS_SM}' previd='${previd}' h='${h}'/>`

async function resuming(
  lost: TestClient,
  previd: string,
  inline = bindWith(ENABLE),
): Promise<TestClient & { success: Element }> {
  const connected = await connect()
  connected.counting(lost.received)
  const [username = ''] = lost.jid.split('@')
  const success = await enter(connected, { username, inline: resumeXml(previd, lost.received) + inline })
  return Object.assign(connected, { success })
}

describe('the resource', () => {
  test('§3.2.1: the tag, and what stays the same for one installation and shows nothing of it', async () => {
    const userAgent = randomUUID()
    const one = await client('rita', { userAgent, inline: tag('Phone') })
    const resource = one.jid.split('/')[1] ?? ''
    expect(resource).toMatch(/^Phone\.[\w-]{16}$/)
    expect(resource).not.toContain(userAgent.slice(0, 8))
    await one.close()
    const two = await client('rita', { userAgent: userAgent.toUpperCase(), inline: tag('Phone') })
    expect(two.jid).toBe(one.jid)
    const other = await client('rita', { userAgent: randomUUID(), inline: tag('Phone') })
    expect(other.jid).not.toBe(one.jid)
    const elsewhere = await client('rosa', { userAgent, inline: tag('Phone') })
    expect(elsewhere.jid.split('.')[1]).not.toBe(resource.split('.')[1])
  })

  test('without an installation, or without a tag, it is random', async () => {
    const one = await client('rob', { inline: tag('bot') })
    const two = await client('rob')
    expect(one.jid).toMatch(/^rob@localhost\/bot\.[\w-]{16}$/)
    expect(two.jid).toMatch(/^rob@localhost\/[\w-]{16}$/)
  })

  test.each([['x'.repeat(300)], ['a\tb'], ['   '], ['\u{FFF9}']])(
    'a tag that cannot be used is left out (%#)',
    async (bad) => {
      expect((await client('rob', { inline: tag(bad) })).jid).toMatch(/^rob@localhost\/[\w-]{16}$/)
    },
  )

  test('§3.2: an older session of the same installation ends, whatever its tag', async () => {
    const userAgent = randomUUID()
    const older = await client('ron', { userAgent, inline: tag('old') })
    const newer = await client('ron', { userAgent, inline: tag('new') })
    expect(await older.streamError()).toBe('conflict')
    await newer.ping()
  })

  test('a failed sign-in binds nothing', async () => {
    await relay.account('rex')
    const connected = await connect()
    const failure = await signIn2(connected, { username: 'rex', password: 'wrong', inline: tag('x') })
    expect(conditionOf(failure)).toBe('not-authorized')
    expect((await client('rex', { inline: tag('y') })).jid).toMatch(/\/y\./)
  })

  test('more sessions than an account may have: a failure, not a broken stream', async () => {
    for (let each = 0; each < 20; each++) await client('many')
    const connected = await connect()
    expect(conditionOf(await signIn2(connected, { username: 'many', inline: BIND }))).toBe(
      'temporary-auth-failure',
    )
    await enter(connected, { username: 'many' })
  })
})

describe('what is enabled with it', () => {
  test('stream management: told in <bound/>, not offered again, counted from the start', async () => {
    await relay.account('sam')
    const sam = await connect()
    sam.counting()
    const success = await signIn2(sam, { username: 'sam', inline: bindWith(ENABLE) })
    sam.jid = success.child('authorization-identifier')?.text() ?? ''
    expect(success.elements().map(({ name }) => name)).toEqual([
      'additional-data',
      'authorization-identifier',
      'bound',
    ])
    const enabled = success.child('bound', NS_BIND2)?.child('enabled', NS_SM)
    expect(enabled?.attrs).toMatchObject({ resume: 'true', max: '600' })
    const features = await sam.next((each) => each.is('features', NS_STREAM))
    expect(features.elements().map(({ name }) => name)).not.toContain('bind')
    expect(features.elements().map(({ name }) => name)).not.toContain('sm')
    await sam.available()
    await sam.ping()
    expect(await sam.serverCounter()).toBe(2)
    sam.sendRaw(ENABLE)
    const again = await sam.next((each) => each.ns === NS_SM && each.name !== 'r')
    expect(again.elements()[0]?.name).toBe('unexpected-request')
  })

  test('without it, it is still offered and works the older way', async () => {
    const sam = await client('sam')
    expect(await sam.enableStreamManagement()).toBeDefined()
  })

  test('carbons: a sibling’s message is copied from the first moment', async () => {
    const one = await client('carl', { userAgent: randomUUID(), inline: bindWith(CARBONS + ENABLE) })
    const two = await client('carl', { userAgent: randomUUID() })
    await one.available()
    await two.available()
    await relay.account('dora')
    two.sends(omemo('dora@localhost', 'c1'))
    const copy = await one.message()
    expect(copy.child('sent', NS_CARBONS)).toBeDefined()
  })

  test('what we do not have is passed over', async () => {
    await client('carl', { inline: bindWith(`<inactive xmlns='urn:xmpp:csi:0'/><enable xmlns='urn:x'/>`) })
  })
})

describe('the queue', () => {
  test('decision 0005: binding clears nothing; an installation takes the account’s queue over at its first sign-in, once', async () => {
    await relay.account('quinn')
    const alice = await client('alice', { inline: bindWith(ENABLE) })
    for (const id of ['q1', 'q2', 'q3']) alice.sends(omemo('quinn@localhost', id))
    await alice.safeUpTo(3)
    const userAgent = randomUUID()
    const request = { userAgent, inline: tag('p') }
    const peek = await client('quinn', request) // not available: takes nothing
    await peek.drop()
    const quinn = await client('quinn', { userAgent, inline: bindWith(`<tag>p</tag>${ENABLE}`) })
    await quinn.available()
    const ids = [await quinn.message(), await quinn.message(), await quinn.message()].map(
      (each) => each.attrs['id'],
    )
    expect(ids).toEqual(['q1', 'q2', 'q3'])
    await quinn.ping()
    await quinn.close()
    alice.sends(omemo('quinn@localhost', 'q4'))
    await alice.safeUpTo(4)
    const again = await client('quinn', { userAgent, inline: bindWith(ENABLE) })
    await again.available()
    expect((await again.message()).attrs['id']).toBe('q4')
    await again.receivesNothing()
  })

  test('two installations: each gets every message', async () => {
    const agents = [randomUUID(), randomUUID()]
    for (const userAgent of agents) await (await client('pair', { userAgent })).close()
    const alice = await client('alice', { inline: bindWith(ENABLE) })
    alice.sends(omemo('pair@localhost', 'p1'))
    await alice.safeUpTo(1)
    for (const userAgent of agents) {
      const device = await client('pair', { userAgent, inline: bindWith(ENABLE) })
      await device.available()
      expect((await device.message()).attrs['id']).toBe('p1')
      await device.receivesNothing()
      await device.close()
    }
  })
})

describe('resumption within the sign-in', () => {
  test('R5: the session goes on, what was missed follows at once, no features, <bind/> ignored', async () => {
    const alice = await client('alice', { inline: bindWith(ENABLE) })
    const bob = await client('bob', { userAgent: randomUUID(), inline: bindWith(ENABLE) })
    await bob.available()
    await bob.ping()
    await bob.drop()
    for (const id of ['r1', 'r2']) alice.sends(omemo('bob@localhost', id))
    await alice.safeUpTo(2)
    const back = await resuming(bob, smIdOf(bob.success))
    expect(back.jid).toBe(bob.jid)
    expect(back.success.child('bound', NS_BIND2)).toBeUndefined()
    expect(back.success.child('resumed', NS_SM)?.attrs).toEqual({ previd: smIdOf(bob.success), h: '2' })
    expect([(await back.message()).attrs['id'], (await back.message()).attrs['id']]).toEqual(['r1', 'r2'])
    await back.receivesNothing()
    expect(back.inbox.some((each) => each.is('features', NS_STREAM))).toBe(false)
  })

  test('R6, R8: an unknown, foreign or empty id fails inside <success/>, and the client is bound', async () => {
    const mallory = await client('mallory', { inline: bindWith(ENABLE) })
    const bob = await client('bob', { inline: bindWith(ENABLE) })
    for (const previd of ['nonsense', '', smIdOf(bob.success)]) {
      const back = await resuming(mallory, previd)
      const names = back.success.elements().map(({ name }) => name)
      expect(names).toEqual(['additional-data', 'authorization-identifier', 'failed', 'bound'])
      expect(back.success.child('failed', NS_SM)?.elements()[0]?.name).toBe('item-not-found')
      expect(back.jid).toMatch(/^mallory@localhost\/./)
      await back.ping()
    }
    await bob.ping() // undisturbed
  })

  test('a failed resumption without <bind/> leaves binding to the older way', async () => {
    const bob = await client('bob', { inline: bindWith(ENABLE) })
    const back = await resuming(bob, 'nonsense', '')
    expect(back.jid).toBe('bob@localhost')
    await back.bind('old')
    await back.ping()
  })

  test('R7: a bad h ends the stream', async () => {
    const bob = await client('bob', { inline: bindWith(ENABLE) })
    for (const [h, condition] of [
      ['many', 'invalid-xml'],
      ['-1', 'invalid-xml'],
      ['99', 'undefined-condition'],
    ] as const) {
      const connected = await connect()
      await relay.account('bob')
      const answer = signIn2(connected, { username: 'bob', inline: resumeXml(smIdOf(bob.success), h) })
      answer.catch(() => undefined)
      expect(await connected.streamError()).toBe(condition)
    }
  })

  test('R9: while the old stream is open it gets a conflict; of racing resumptions exactly one goes on (10 tries)', async () => {
    const bob = await client('racer', { userAgent: randomUUID(), inline: bindWith(ENABLE) })
    await bob.available()
    const previd = smIdOf(bob.success)
    let last: TestClient = bob
    for (let round = 0; round < 10; round++) {
      const racers = await Promise.all([connect(), connect(), connect()])
      for (const racer of racers) racer.counting(last.received)
      const inline = resumeXml(previd, last.received)
      await Promise.all(racers.map((racer) => enter(racer, { username: 'racer', inline })))
      await last.ended()
      const alive: TestClient[] = []
      for (const racer of racers) {
        const lost = racer.streamError().then((condition) => expect(condition).toBe('conflict'))
        const won = racer.ping().then(() => alive.push(racer))
        await Promise.race([lost, won])
        lost.catch(() => undefined)
        won.catch(() => undefined)
      }
      expect(alive).toHaveLength(1)
      last = alive[0] ?? last
      expect(last.jid).toBe(bob.jid)
    }
  })

  test('a session that was ended meanwhile gives way to a new one', async () => {
    const userAgent = randomUUID()
    const bob = await client('gone', { userAgent, inline: bindWith(ENABLE) })
    await bob.close()
    const back = await resuming(bob, smIdOf(bob.success))
    expect(back.success.child('failed', NS_SM)).toBeDefined()
    expect(smIdOf(back.success)).not.toBe('')
  })
})
