/** RFC 6120 §13.12 and bad input: what nobody signed in for costs little and ends; who signed in is bounded, too. */
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

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

  test('is not read from: its answers do not pile up', { timeout: 60_000 }, async () => {
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

  test('loses its stream when others send it too much', { timeout: 60_000 }, async () => {
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
  const NEGOTIATION_MS = 600
  let relay: RelayFixture
  beforeAll(async () => {
    relay = await startRelay({}, { stream: { negotiationMs: NEGOTIATION_MS } })
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test.each([
    ['TCP alone', () => TestClient.open({ port: relay.port })],
    ['TLS alone', () => TestClient.open({ port: relay.tlsPort, direct: true })],
    ['TLS and a stream', () => TestClient.connect({ port: relay.port })],
  ])('%s, then silence: connection-timeout', async (_what, open) => {
    const started = performance.now()
    const client = await open()
    expect(await client.streamError()).toBe('connection-timeout')
    await client.ended()
    expect(performance.now() - started).toBeGreaterThan(NEGOTIATION_MS - 100)
  })

  test('a TCP connection that never starts TLS where TLS is due', async () => {
    const client = await TestClient.open({ port: relay.tlsPort })
    await client.ended()
  })

  test('signed in, but never bound', async () => {
    await relay.account('idle')
    const options = { port: relay.port, username: 'idle', password: 'secret' }
    const client = await TestClient.connect(options)
    await client.authenticate(options)
    expect(await client.streamError()).toBe('connection-timeout')
    await client.ended()
  })

  test('slow loris: a byte now and then does not help; white space neither', async () => {
    for (const drip of [
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>AAAA`,
      ' '.repeat(80),
    ]) {
      const client = await TestClient.connect({ port: relay.port })
      const started = performance.now()
      for (const byte of drip) {
        if (client.closed) break
        client.sendRaw(byte)
        await after(20)
      }
      expect(await client.streamError()).toBe('connection-timeout')
      expect(performance.now() - started).toBeLessThan(3 * NEGOTIATION_MS)
    }
  })

  test('a bound session may be silent', async () => {
    const client = await relay.client('quiet')
    await after(2 * NEGOTIATION_MS)
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

  test('a client gets in while a crowd keeps the door full', async () => {
    const crowding = new AbortController()
    const crowd = Array.from({ length: 3 }, async () => {
      while (!crowding.signal.aborted) {
        await TestClient.open({ port: relay.port })
        await after(20)
      }
    })
    const client = await relay.client('real')
    await client.ping()
    crowding.abort()
    await Promise.all(crowd)
    expect(await relay.platform.metrics.render()).toMatch(/xmpp_streams_refused_total [1-9]/)
  })
})
