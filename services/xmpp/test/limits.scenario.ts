/** RFC 6120 §13.12 and bad input: what nobody signed in for costs little and ends; who signed in is bounded, too. */
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSkippableClock } from './_skippable-clock.ts'
import { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'
import { signIn2 } from './sasl2-client.ts'

const MiB = 1024 * 1024

describe('sizes', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    relay = await startRelay()
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  const sized = (bytes: number, to = 'nobody@localhost') => {
    const frame = omemo(to, 'm', '')
    return omemo(to, 'm', 'A'.repeat(bytes - frame.length))
  }

  test('before sign-in 10,000 bytes, after it 256 KiB; one more ends the stream', async () => {
    const early = await TestClient.connect({ port: relay.port })
    early.sendRaw(`<x xmlns='urn:x' a='${'a'.repeat(10_000)}'/>`)
    expect(await early.streamError()).toBe('policy-violation')
    await early.ended()
    const late = await relay.client('alice')
    late.sendRaw(sized(262_144))
    await late.receives(`<message type='error' {any}>`)
    late.sendRaw(sized(262_145))
    expect(
      (await late.next((element) => element.name === 'error')).child('stanza-too-big', 'urn:xmpp:errors'),
    ).toBeDefined()
    await late.ended()
  })

  test('an element without end is refused at the limit, not held', async () => {
    const early = await TestClient.connect({ port: relay.port })
    early.sendRaw(`<x a='`)
    for (let sent = 0; sent < 20_000 && !early.closed; sent += 1_000) early.sendRaw('a'.repeat(1_000))
    expect(await early.streamError()).toBe('policy-violation')
    await early.ended()
  })

  test('a stream header, too', async () => {
    const client = await TestClient.open({ port: relay.port })
    client.sendRaw(`<stream:stream to='${'a'.repeat(20_000)}`)
    expect(await client.streamError()).toBe('policy-violation')
    await client.ended()
  })

  test('20 sessions an account', async () => {
    const clients = []
    for (let index = 0; index < 20; index++)
      clients.push(await relay.client('many', { resource: `r${index}` }))
    const options = { port: relay.port, username: 'many', password: 'secret' }
    const extra = await TestClient.connect(options)
    await extra.authenticate(options)
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>`
    expect(condition(await extra.request('set', bind))).toBe('resource-constraint')
    await clients[0]?.close()
    await extra.bind()
    await extra.close()
    for (const client of clients.slice(1)) await client.close()
  })
})

describe('who does not read', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    relay = await startRelay()
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test('is not read from: its answers do not pile up', { timeout: 180_000 }, async () => {
    const client = await relay.client('deaf')
    client.pauseReading()
    const before = process.memoryUsage.rss()
    const ping = `<iq type='get' id='${'i'.repeat(1_000)}'><ping xmlns='urn:xmpp:ping'/></iq>`
    for (let sent = 0; sent < 20_000; sent++) client.sendRaw(ping) // 20 MB; what the server does not take waits here
    await after(1_500)
    const grown = process.memoryUsage.rss() - before
    process.stdout.write(
      `20 MB of requests, answers not read: ${(grown / MiB).toFixed(1)} MiB, the client's own queue included\n`,
    )
    expect(client.unsentBytes).toBeGreaterThan(10 * MiB)
    client.resumeReading()
    for (let answered = 0; answered < 20_000; answered++)
      await client.next((element) => element.name === 'iq', 30_000)
    await client.close()
  })

  test('loses its stream when others send it too much', { timeout: 180_000 }, async () => {
    const deaf = await relay.client('deaf', { resource: 'r' })
    deaf.pauseReading()
    const loud = await relay.client('loud')
    const query = `<iq type='get' to='${deaf.jid}' id='q'><query xmlns='urn:x'>${'a'.repeat(200_000)}</query></iq>`
    let refused = false
    for (let sent = 0; sent < 400 && !refused; sent++) {
      loud.sendRaw(query)
      await loud.ping()
      refused = loud.inbox.some((element) => element.attrs['type'] === 'error')
    }
    expect(refused).toBe(true)
    deaf.resumeReading()
    await deaf.ended()
  })
})

describe('time', () => {
  const NEGOTIATION_MS = 60_000
  const clock = createSkippableClock()
  let relay: RelayFixture
  let witness: TestClient
  beforeAll(async () => {
    relay = await startRelay({}, { stream: { negotiationMs: NEGOTIATION_MS } }, { ownClock: clock })
    witness = await relay.client('witness')
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  /** Time goes by: what was sent before is taken before, and what is due then is done. */
  async function pass(ms: number): Promise<void> {
    await witness.receivesNothing()
    clock.skip(ms)
    await witness.receivesNothing()
  }

  test.each([
    ['TCP alone', () => TestClient.open({ port: relay.port })],
    ['TLS alone', () => TestClient.open({ port: relay.tlsPort, direct: true })],
    ['TLS and a stream', () => TestClient.connect({ port: relay.port })],
  ])('%s, then silence: connection-timeout', async (_what, open) => {
    const client = await open()
    await pass(NEGOTIATION_MS / 2)
    expect(client.inbox).toEqual([])
    await pass(NEGOTIATION_MS / 2)
    expect(await client.streamError()).toBe('connection-timeout')
    await client.ended()
  })

  test('a TCP connection that never starts TLS where TLS is due', async () => {
    const client = await TestClient.open({ port: relay.tlsPort })
    await pass(NEGOTIATION_MS)
    await client.ended()
  })

  test('signed in, but never bound', async () => {
    await relay.account('idle')
    const options = { port: relay.port, username: 'idle', password: 'secret' }
    const client = await TestClient.connect(options)
    await client.authenticate(options)
    await pass(NEGOTIATION_MS)
    expect(await client.streamError()).toBe('connection-timeout')
    await client.ended()
  })

  test('slow loris: a byte now and then does not help; white space neither', async () => {
    for (const drip of [
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>AAAA`,
      ' '.repeat(80),
    ]) {
      const client = await TestClient.connect({ port: relay.port })
      for (const byte of drip) {
        if (client.closed) break
        client.sendRaw(byte)
        await pass(NEGOTIATION_MS / 40)
      }
      expect(await client.streamError()).toBe('connection-timeout')
    }
  })

  test('a bound session may be silent', async () => {
    const client = await relay.client('quiet')
    await pass(2 * NEGOTIATION_MS)
    await client.ping()
    await client.close()
  })
})

describe('too many that are not signed in', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    relay = await startRelay({}, { reception: { max: 10 } })
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test('the oldest gives way to the newest; those with a session stay', async () => {
    const signedIn = await relay.client('first')
    const waiting = []
    for (let index = 0; index < 12; index++) waiting.push(await TestClient.connect({ port: relay.port }))
    expect(await waiting[0]?.streamError()).toBe('resource-constraint')
    expect(await waiting[1]?.streamError()).toBe('resource-constraint')
    await waiting[0]?.ended()
    expect(waiting.slice(2).map((each) => each.closed)).not.toContain(true)
    await signedIn.ping()
  })

  test('who says nothing has to go before those that get further: TLS, then a password', async () => {
    await relay.account('slow')
    const options = { port: relay.port, username: 'slow', password: 'secret' }
    const [slow, hasty] = [await TestClient.open(options), await TestClient.open(options)]
    const fill = async (count: number) => {
      const silent = await Promise.all(Array.from({ length: count }, () => TestClient.open(options)))
      await Promise.all(silent.map((each) => each.openStream())) // they are inside
    }
    await fill(8)
    for (const client of [slow, hasty]) await client.startTls()
    await fill(8)
    expect([slow.closed, hasty.closed]).toEqual([false, false])
    await slow.authenticate(options)
    await fill(2)
    expect(await hasty.streamError()).toBe('resource-constraint')
    await slow.bind()
    await slow.close()
  })

  test('a client gets in while a crowd keeps the door full', { timeout: 180_000 }, async () => {
    const crowding = new AbortController()
    const crowd = async () => {
      while (!crowding.signal.aborted) {
        await TestClient.open({ port: relay.port })
        await after(20)
      }
    }
    const crowds = [crowd(), crowd()]
    await expect.poll(() => relay.platform.metrics.render()).toMatch(/xmpp_streams_refused_total [1-9]/)
    let turnedAway = 0
    const trying = async (): Promise<TestClient> => {
      try {
        return await relay.client('real', { patienceMs: 5_000 })
      } catch (error) {
        if (++turnedAway === 30) throw error
        return trying() // as every client does; on a slow machine the door turns faster than it signs in
      }
    }
    try {
      const client = await trying()
      await client.ping()
    } finally {
      crowding.abort()
      await Promise.all(crowds)
    }
  })
})

describe('how much a session sends', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    const stream = {
      bytesRate: { burst: 200_000, perSecond: 400_000 },
      elementsRate: { burst: 100, perSecond: 400 },
    }
    relay = await startRelay({}, { stream })
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  const ping = (id: number, padding = '') =>
    `<iq type='get' id='p${id}'><ping xmlns='urn:xmpp:ping'>${padding}</ping></iq>`

  test.each([
    ['stanzas', 300, ''],
    ['bytes', 60, 'a'.repeat(10_000)],
  ])('too many %s at once: answered later, all of them, in order', async (_what, count, padding) => {
    const fast = await relay.client('fast')
    const other = await relay.client('other')
    const started = performance.now()
    for (let id = 0; id < count; id++) fast.sendRaw(ping(id, padding))
    await other.ping() // others do not wait for it
    const othersMs = performance.now() - started
    for (let id = 0; id < count; id++) {
      const answer = await fast.next(({ name }) => name === 'iq')
      expect(answer.attrs).toMatchObject({ id: `p${id}`, type: 'result' })
    }
    const took = performance.now() - started
    expect(took).toBeGreaterThan(350)
    expect(othersMs).toBeLessThan(took)
    await fast.close()
    await other.close()
  })

  test('a session that is not read from can still be ended, and resumed', async () => {
    const options = { resource: 'r' }
    const client = await relay.client('resumed', options)
    const previd = await client.enableStreamManagement()
    for (let id = 0; id < 300; id++) client.sendRaw(ping(id))
    await client.drop()
    const again = await TestClient.connect({ port: relay.port })
    await again.authenticate({ port: relay.port, username: 'resumed', password: 'secret' })
    expect((await again.resume(previd ?? '', client)).name).toBe('resumed')
    await again.close()
  })
})

describe('XEP-0478: the limits are told', () => {
  let relay: RelayFixture
  beforeAll(async () => {
    relay = await startRelay()
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  const limitsOf = (client: TestClient) =>
    client.features
      ?.child('limits', 'urn:xmpp:stream-limits:0')
      ?.elements()
      .map((each) => `${each.name} ${each.text()}`)

  test('not before TLS; before sign-in and after it, as they then are', async () => {
    await relay.account('alice')
    const options = { port: relay.port, username: 'alice', password: 'secret' }
    const plain = await TestClient.open(options)
    await plain.openStream()
    expect(limitsOf(plain)).toBeUndefined()
    await plain.drop()
    const client = await TestClient.connect(options)
    expect(limitsOf(client)).toEqual(['max-bytes 10000', 'idle-seconds 60'])
    await client.authenticate(options)
    expect(limitsOf(client)).toEqual(['max-bytes 262144'])
    await client.close()
  })

  test('after SASL2 without a stream restart, too', async () => {
    await relay.account('alice')
    const client = await TestClient.connect({ port: relay.port })
    const success = await signIn2(client, { username: 'alice' })
    expect(success.name).toBe('success')
    const features = await client.next((element) =>
      element.is('features', 'http://etherx.jabber.org/streams'),
    )
    expect(features.child('limits', 'urn:xmpp:stream-limits:0')?.child('max-bytes')?.text()).toBe('262144')
    await client.close()
  })
})
