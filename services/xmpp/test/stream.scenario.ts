/** RFC 6120 §4, §5, §11: streams, TLS, restricted XML, errors and closing, over real sockets. */
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureCertificate } from '@sealpost/dev-env'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConnectOptions, TestClient } from './client.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const STREAMS = 'http://etherx.jabber.org/streams'
const STARTTLS = `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
const BIND = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>`

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

function header(attrs = `to='localhost' version='1.0'`, content = 'jabber:client'): string {
  return `<stream:stream xmlns='${content}' xmlns:stream='${STREAMS}' ${attrs}>`
}

const open = (options: Partial<ConnectOptions> = {}) => TestClient.open({ port: relay.port, ...options })
const secured = (options: Partial<ConnectOptions> = {}) =>
  TestClient.connect({ port: relay.port, ...options })

/** The error that ends a stream, once the server has closed the connection too. */
async function errorAfter(client: TestClient, xml: string | Buffer): Promise<string> {
  client.sendRaw(xml)
  const condition = await client.streamError()
  await client.ended()
  return condition
}

describe('STARTTLS', () => {
  test('§5.3.1: it is all that is offered before it, and required', async () => {
    await using client = await open()
    const features = await client.openStream()
    expect(features.innerXml()).toBe(
      `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>`,
    )
  })

  test.each([
    ['a message', omemo('alice@localhost', 'm1')],
    ['an IQ', `<iq type='set' id='b1'>${BIND}</iq>`],
    ['presence', '<presence/>'],
    ['an unknown nonza', `<x xmlns='urn:x'/>`],
  ])('nothing else is taken before it: %s', async (_what, xml) => {
    await using client = await open()
    await client.openStream()
    expect(await errorAfter(client, xml)).toBe('not-authorized')
  })

  test('sign-in before it is refused', async () => {
    await using client = await open()
    await client.openStream()
    const nonza = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>biwsbj1hLHI9Yg==</auth>`
    expect(await client.sasl(nonza)).toBe('encryption-required')
  })

  test('§5.4.3.3: what was sent in clear behind it is dropped', async () => {
    for (const injected of [
      header(),
      `${header(`to='example.org' version='1.0'`)}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`,
      `${header()}<iq type='set' id='`,
      `<message to='`,
      '\0',
    ]) {
      await using client = await open()
      await client.openStream()
      client.sendRaw(STARTTLS + injected)
      await client.next((element) => element.name === 'proceed')
      await client.secure()
      const features = await client.openStream()
      expect(features.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')).toBeDefined()
      expect(client.inbox).toEqual([])
    }
  })

  test('bytes in clear after it end the connection, whatever they say', async () => {
    await using client = await open()
    await client.openStream()
    client.sendRaw(STARTTLS)
    await client.next((element) => element.name === 'proceed')
    client.sendRaw(header())
    await client.ended()
  })

  test('a second one inside TLS is no element', async () => {
    await using client = await secured()
    expect(await errorAfter(client, STARTTLS)).toBe('unsupported-stanza-type')
  })
})

describe('TLS', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s, by STARTTLS and direct', async (version) => {
    for (const direct of [false, true]) {
      const port = direct ? relay.tlsPort : relay.port
      const client = await relay.client('tls', { port, direct, minVersion: version, maxVersion: version })
      expect(client.tlsVersion).toBe(version)
      await client.ping()
      await client.close()
    }
  })

  test('RFC 7590: nothing older', async () => {
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const options = { port: relay.tlsPort, direct: true, minVersion: version, maxVersion: version }
      await expect(TestClient.open(options)).rejects.toThrow(/closed|SSL|ECONNRESET|alert|protocol/i)
    }
  })

  test('XEP-0368 §4: ALPN says xmpp-client or nothing', async () => {
    const direct = { port: relay.tlsPort, direct: true }
    for (const alpn of [[], ['xmpp-client'], ['h2', 'xmpp-client']]) {
      await using client = await TestClient.connect({ ...direct, alpn })
      expect(client.alpn).toBe(alpn.length > 0 ? 'xmpp-client' : undefined)
    }
    await expect(TestClient.open({ ...direct, alpn: ['http/1.1'] })).rejects.toThrow(/alert|closed/i)
  })

  test('plain text on the port of direct TLS ends the connection', async () => {
    await using client = await TestClient.open({ port: relay.tlsPort })
    client.sendRaw(header())
    await client.ended()
  })

  test('a renewed certificate serves new streams; old ones go on', async () => {
    const old = await relay.client('renewal')
    const before = old.peerCertificate?.fingerprint256
    expect(before).toBeDefined()
    const { clock, random, domains } = relay.platform
    const directory = join(relay.tlsDir, 'next')
    await ensureCertificate({ directory, domains, clock, random })
    const changed = new Promise<void>((resolve) => {
      relay.platform.tls.onChange(resolve)
    })
    for (const file of ['key.pem', 'cert.pem'])
      await copyFile(join(directory, file), join(relay.tlsDir, file))
    await changed
    for (const direct of [false, true]) {
      const fresh = await relay.client('renewal', {
        direct,
        port: direct ? relay.tlsPort : relay.port,
        mechanism: 'SCRAM-SHA-256-PLUS',
        binding: 'tls-server-end-point',
      })
      expect(fresh.peerCertificate?.fingerprint256).not.toBe(before)
    }
    await old.ping()
    expect(old.closed).toBe(false)
  })
})

describe('§4.7: the stream header', () => {
  test('the answer comes from the domain that was addressed, with an id that is new', async () => {
    const ids = new Set<string>()
    for (const to of ['localhost', 'example.org', 'EXAMPLE.org']) {
      await using client = await open({ domain: to })
      await client.openStream()
      ids.add(client.header?.attrs['id'] ?? '')
      expect(client.header?.attrs).toMatchObject({ from: to.toLowerCase(), version: '1.0' })
    }
    expect(ids.size).toBe(3)
  })

  test.each([
    ['a host that is not served', header(`to='elsewhere.example' version='1.0'`), 'host-unknown'],
    ['an address for a host', header(`to='alice@localhost' version='1.0'`), 'host-unknown'],
    ['a host that is none', header(`to='&lt;script>' version='1.0'`), 'host-unknown'],
    ['no version', header(`to='localhost'`), 'unsupported-version'],
    ['another version', header(`to='localhost' version='2.0'`), 'unsupported-version'],
    ['a version that is none', header(`to='localhost' version='1'`), 'unsupported-version'],
    ['the content of servers', header(undefined, 'jabber:server'), 'invalid-namespace'],
    ['no content namespace', `<stream xmlns='${STREAMS}' to='localhost' version='1.0'>`, 'invalid-namespace'],
    [
      'another stream namespace',
      `<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>`,
      'invalid-namespace',
    ],
    ['no declaration', '<stream:stream>', 'bad-namespace-prefix'],
    ['another element', '<message>', 'bad-format'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['another encoding', `<?xml version='1.0' encoding='UTF-16'?>${header()}`, 'unsupported-encoding'],
    ['a DTD', `<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>${header()}`, 'restricted-xml'],
  ])('%s', async (_what, xml, condition) => {
    await using client = await open()
    expect(await errorAfter(client, xml)).toBe(condition)
    expect(client.header?.name).toBe('stream') // RFC 6120 §4.9.1.2: an error, too, comes inside a stream
  })
})

describe('RFC 6120 §11: XML that is refused, before sign-in and after', () => {
  const cases: readonly [string, string | Buffer, string][] = [
    ['a comment', '<iq><!-- a --></iq>', 'restricted-xml'],
    ['a comment between stanzas', '<!-- a -->', 'restricted-xml'],
    ['a processing instruction', '<?php a ?>', 'restricted-xml'],
    ['a DTD', '<!DOCTYPE a>', 'restricted-xml'],
    ['an entity', '<iq>&a;</iq>', 'restricted-xml'],
    ['billion laughs', '<iq>&lol9;</iq>', 'restricted-xml'],
    ['bad UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]), 'bad-format'],
    ['a forbidden character', '<iq>\u0001</iq>', 'not-well-formed'],
    ['crossed tags', '<iq><a></iq></a>', 'not-well-formed'],
    ['an undeclared prefix', '<a:iq/>', 'bad-namespace-prefix'],
    ['text between stanzas', 'hello', 'not-well-formed'],
    ['a closing tag of nothing', '</iq>', 'not-well-formed'],
    ['too deep', '<a>'.repeat(100) + '</a>'.repeat(100), 'policy-violation'],
    [
      'too many attributes',
      `<a ${Array.from({ length: 65 }, (_, i) => `b${i}=''`).join(' ')}/>`,
      'policy-violation',
    ],
  ]

  test.each(cases)('%s', async (_what, xml, condition) => {
    await using early = await secured()
    expect(await errorAfter(early, xml)).toBe(condition)
    const late = await relay.client('restricted')
    expect(await errorAfter(late, xml)).toBe(condition)
  })

  test('R25: a stanza that is refused as XML is neither counted nor handled; those before it are', async () => {
    const alice = await relay.client('alice', { resource: 'r25' })
    const bob = await relay.client('bob')
    await bob.available()
    const previd = await alice.enableStreamManagement()
    alice.sendRaw(
      omemo(bob.bare, 'good') +
        omemo(bob.bare, 'bad').replace('<payload>', '<!-- --><payload>') +
        omemo(bob.bare, 'after'),
    )
    expect(await alice.streamError()).toBe('restricted-xml')
    expect((await bob.message()).attrs['id']).toBe('good')
    await alice.ended()
    const again = await TestClient.connect({ port: relay.port })
    await again.authenticate({ port: relay.port, username: 'alice', password: 'secret' })
    const resumed = await again.resume(previd ?? '', alice)
    expect(resumed.attrs['h']).toBe('1')
    await bob.receivesNothing()
    await again.close()
  })
})

describe('the end of a stream', () => {
  test('§4.4: a closing tag is answered, before sign-in and after', async () => {
    await using early = await secured()
    await early.close()
    const late = await relay.client('closing')
    await late.close()
    expect(late.closingTag).toBe(true)
  })

  test('what was sent before the closing tag, and even before a bare end of the connection, is handled', async () => {
    const bob = await relay.client('bob')
    await bob.available()
    for (const end of ['</stream:stream>', '']) {
      const alice = await relay.client('alice')
      const ids = Array.from({ length: 20 }, (_, index) => `m${index}`)
      await relay.account('stranger') // not in any cache: the first message has to wait for the database
      alice.sendRaw(omemo('stranger@localhost', 's') + ids.map((id) => omemo(bob.bare, id)).join('') + end)
      alice.endWriting()
      const received: unknown[] = []
      for (const _ of ids) received.push((await bob.message()).attrs['id'])
      expect(received).toEqual(ids)
    }
  })

  test('elements that arrive together with the answer to sign-in are read as the new stream', async () => {
    await relay.account('pipelining')
    await using client = await secured()
    const options = { port: relay.port, username: 'pipelining', password: 'secret' }
    await client.authenticate(options, `${header()}<iq type='set' id='b'>${BIND}</iq>`)
    const result = await client.next((element) => element.name === 'iq')
    expect(result.attrs['type']).toBe('result')
  })

  test('a suspended account loses its streams', async () => {
    const alice = await relay.client('suspended')
    await alice.available()
    await relay.accounts.suspend(parseJid('suspended@localhost'), 'test')
    expect(await alice.streamError()).toBe('not-authorized')
    await alice.ended()
  })

  test('as the server stops, every stream is told, signed in or not, and it stops', async () => {
    const other = await startRelay()
    await other.account('alice')
    const client = await TestClient.signIn({ port: other.port, username: 'alice', password: 'secret' })
    const early = await TestClient.connect({ port: other.port })
    const plain = await TestClient.open({ port: other.port })
    const started = performance.now()
    const stopped = other[Symbol.asyncDispose]()
    expect(await client.streamError()).toBe('system-shutdown')
    expect(await early.streamError()).toBe('system-shutdown')
    expect(await plain.streamError()).toBe('system-shutdown')
    await stopped
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})
