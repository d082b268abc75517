import { expect, onTestFinished, test } from 'vitest'
import { systemClock, systemRandom, VirtualClock } from '@sealpost/runtime'
import { createResolver, parseDnsServer } from '../src/dns/dns-resolver.ts'
import { testDns } from './test-dns.ts'
import type { TestDns, TestDnsOptions, Zone } from './test-dns.ts'

async function dns(zone: Zone, options?: TestDnsOptions): Promise<TestDns> {
  const server = await testDns(zone, options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

test('each type is asked for and read', async () => {
  const { resolver } = await dns({
    'example.org MX': ['10 MX1.example.org', '20 mx2.example.org'],
    'null.example MX': ['0 .'],
    'mx1.example.org A': ['192.0.2.1', '192.0.2.2'],
    'mx1.example.org AAAA': ['2001:db8::25', '::1', '2001:db8:0:1:0:0:0:9'],
    'txt.example TXT': ['v=spf1 -all', 'x'.repeat(600)],
    '_25._tcp.mx1.example.org TLSA': ['3 1 1 00ff10'],
    '1.2.0.192.in-addr.arpa PTR': ['mx1.example.org'],
    '5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR': ['mx1.example.org'],
    'alias.example CNAME': ['other.example'],
    'other.example CNAME': ['mx1.example.org'],
  })
  expect(await resolver.mx('Example.ORG')).toEqual({
    result: 'found',
    records: [
      { preference: 10, exchange: 'mx1.example.org' },
      { preference: 20, exchange: 'mx2.example.org' },
    ],
    secure: false,
  })
  expect(await resolver.mx('null.example')).toMatchObject({ records: [{ preference: 0, exchange: '' }] })
  const both = ['192.0.2.1', '192.0.2.2', '2001:db8::25', '::1', '2001:db8:0:1::9']
  expect(await resolver.addresses('alias.example')).toMatchObject({ result: 'found', records: both })
  expect(await resolver.txt('txt.example')).toMatchObject({ records: ['v=spf1 -all', 'x'.repeat(600)] })
  expect(await resolver.tlsa('_25._tcp.mx1.example.org')).toMatchObject({
    records: [{ usage: 3, selector: 1, matching: 1, data: Buffer.from('00ff10', 'hex') }],
  })
  const host = { result: 'found', records: ['mx1.example.org'] }
  expect(await resolver.ptr('192.0.2.1')).toMatchObject(host)
  expect(await resolver.ptr('::ffff:192.0.2.1')).toMatchObject(host)
  expect(await resolver.ptr('2001:db8::25')).toMatchObject(host)
  expect(await resolver.cname('alias.example')).toMatchObject({ records: ['other.example'] })
})

test('nothing there, no such name and not known are told apart', async () => {
  const { resolver, asked } = await dns({
    'a.example A': ['192.0.2.1'],
    'bad.example MX': 'SERVFAIL',
    'refused.example MX': 'REFUSED',
  })
  expect(await resolver.mx('a.example')).toEqual({ result: 'none', exists: true, secure: false })
  expect(await resolver.mx('none.example')).toEqual({ result: 'none', exists: false, secure: false })
  expect(await resolver.mx('bad.example')).toEqual({ result: 'failed' })
  expect(await resolver.mx('refused.example')).toEqual({ result: 'failed' })
  const count = asked.length
  const nameless = { result: 'none', exists: false, secure: false }
  for (const name of ['', '.', 'a..b', 'two words.example', 'ü.example', 'a'.repeat(64), 'a.'.repeat(128)])
    expect(await resolver.txt(name), name).toEqual(nameless)
  expect(await resolver.ptr('nowhere')).toEqual(nameless)
  expect(asked.length).toBe(count)
})

test('what DNSSEC has validated is told, of a server that is trusted only (RFC 4035 §4.9.3)', async () => {
  const server = await dns({ 'a.example A': ['192.0.2.1'] }, { secure: true })
  expect(await server.resolver.ipv4('a.example')).toMatchObject({ secure: true })
  expect(await server.resolver.mx('a.example')).toMatchObject({ result: 'none', secure: true })
  const wary = createResolver({
    servers: [{ ...server.server, trusted: false }],
    clock: systemClock,
    random: systemRandom,
  })
  expect(await wary.ipv4('a.example')).toMatchObject({ result: 'found', secure: false })
})

test('an answer too long for UDP comes over TCP (RFC 1035 §4.2.1)', async () => {
  const records = Array.from({ length: 20 }, (_, index) => `${String(index)} ${'y'.repeat(200)}`)
  const { server, asked } = await dns({ 'long.example TXT': records })
  const clock = new VirtualClock() // stands still: nothing is asked for once more
  const resolver = createResolver({ servers: [server], clock, random: systemRandom })
  expect(await resolver.txt('long.example')).toMatchObject({ records })
  expect(asked).toEqual(['long.example txt', 'long.example txt'])
})

test('who asks the same at the same time shares the answer; it is kept for its TTL', async () => {
  const server = await dns({ 'a.example A': ['192.0.2.1'], 'b.example A': 'SERVFAIL' }, { ttlSeconds: 30 })
  const clock = new VirtualClock()
  const resolver = createResolver({ servers: [server.server], clock, random: systemRandom })
  await Promise.all([
    resolver.ipv4('a.example'),
    resolver.ipv4('A.example.'),
    resolver.addresses('a.example'),
  ])
  expect(server.asked).toEqual(['a.example a', 'a.example aaaa'])
  server.set({ 'a.example A': ['192.0.2.9'] })
  await clock.advance(29_000)
  expect(await resolver.ipv4('a.example')).toMatchObject({ records: ['192.0.2.1'] })
  await clock.advance(1_001)
  expect(await resolver.ipv4('a.example')).toMatchObject({ records: ['192.0.2.9'] })
  expect(await resolver.ipv4('b.example')).toEqual({ result: 'failed' })
  server.set({ 'b.example A': ['192.0.2.3'] })
  await clock.advance(1_001)
  expect(await resolver.ipv4('b.example')).toMatchObject({ records: ['192.0.2.3'] })
})

test('a server that is silent, closed or fails is passed over, and asked last from then on', async () => {
  const zone: Zone = { 'a.example A': 'SERVFAIL', 'b.example A': 'SERVFAIL' }
  const failing = await dns(zone)
  const closed = await testDns()
  await closed[Symbol.asyncDispose]()
  const good = await dns({ 'a.example A': ['192.0.2.1'], 'b.example A': ['192.0.2.2'] })
  const servers = [closed.server, failing.server, good.server]
  const resolver = createResolver({ servers, clock: systemClock, random: systemRandom })
  expect(await resolver.ipv4('a.example')).toMatchObject({ records: ['192.0.2.1'] })
  expect(await resolver.ipv4('b.example')).toMatchObject({ records: ['192.0.2.2'] })
  expect(failing.asked).toEqual(['a.example a'])
})

test('silence ends after five seconds', async () => {
  const { server } = await dns({ 'a.example A': 'SILENCE' })
  const servers = [1, 2, 3, 4].map(() => server)
  const clock = new VirtualClock()
  const resolver = createResolver({ servers, clock, random: systemRandom })
  const answer = resolver.ipv4('a.example')
  let over = false
  void answer.then(() => (over = true))
  await clock.advance(4_900)
  expect(over).toBe(false)
  await clock.advance(200)
  expect(await answer).toEqual({ result: 'failed' })
})

test('guessed answers are not taken: other ids and other letters lead to TCP (RFC 5452 §9)', async () => {
  const forge = (response: Buffer): Buffer => {
    const forged = Buffer.from(response)
    forged.writeUInt16BE(response.readUInt16BE() ^ 1)
    forged[forged.length - 1] = 66
    return forged
  }
  const ids = await dns(
    { 'a.example A': ['192.0.2.1'] },
    {
      mangle: (response, _, way) =>
        way === 'tcp' ? [response] : [forge(response), forge(response), forge(response)],
    },
  )
  expect(await ids.resolver.ipv4('a.example')).toMatchObject({ records: ['192.0.2.1'] })
  const letters = await dns(
    { 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example A': ['192.0.2.1'] },
    {
      mangle: (response, question, way) => {
        const lower = Buffer.from(response.toString('latin1').toLowerCase(), 'latin1')
        question.copy(lower, 0, 0, 2)
        return way === 'tcp' ? [response] : [lower]
      },
    },
  )
  expect(await letters.resolver.ipv4('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example')).toMatchObject({
    records: ['192.0.2.1'],
  })
})

test.each([
  ['192.0.2.53', { address: '192.0.2.53', port: 53 }],
  ['192.0.2.53:5353', { address: '192.0.2.53', port: 5353 }],
  ['[2001:db8::53]:5353', { address: '2001:db8::53', port: 5353 }],
  ['2001:db8::53', { address: '2001:db8::53', port: 53 }],
  ['dns.example', undefined],
  ['192.0.2.53:0', undefined],
  ['192.0.2.53:99999', undefined],
  ['', undefined],
])('%j as a server', (text, server) => {
  const parsed = parseDnsServer(text, false)
  expect(parsed && { address: parsed.address, port: parsed.port }).toEqual(server)
})

test('the system’s servers are trusted on this machine only, those that are named always', () => {
  expect(parseDnsServer('127.0.0.53', false)).toMatchObject({ trusted: true })
  expect(parseDnsServer('192.0.2.53', false)).toMatchObject({ trusted: false })
  expect(parseDnsServer('192.0.2.53', true)).toMatchObject({ trusted: true })
})
