/** What scanners of TLS try at every port: old versions, suites without forward secrecy or authentication, renegotiation, plain text. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deploy } from './shape.ts'

/** From a plain connection to the point where the client begins TLS. */
type Prelude = (socket: Socket) => Promise<void>

const none: Prelude = () => Promise.resolve()

async function heard(socket: Socket, wanted: RegExp): Promise<void> {
  for (let said = ''; !wanted.test(said);) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    said += chunk.toString('latin1')
  }
}

const smtp: Prelude = async (socket) => {
  await heard(socket, /^220 .*\r\n/m)
  socket.write('EHLO scanner.example\r\n')
  await heard(socket, /^250 .*\r\n/m)
  socket.write('STARTTLS\r\n')
  await heard(socket, /^220 .*\r\n/m)
}

const xmpp: Prelude = async (socket) => {
  socket.write(
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`,
  )
  await heard(socket, /<\/stream:features>/)
  socket.write(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
  await heard(socket, /<proceed/)
}

const ENTRANCES = [
  ['xmpp', xmpp],
  ['xmpps', none],
  ['https', none],
  ['smtp', smtp],
  ['submission', smtp],
  ['submissions', none],
] as const

/** OpenSSL would not even try what is too weak for its own default. */
const ANYTHING = '@SECLEVEL=0'

const WEAK = {
  'no forward secrecy': 'AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA256',
  'encryption that is not authenticated (CBC)':
    'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA',
  'no encryption': 'ECDHE-ECDSA-NULL-SHA:NULL-SHA256',
  'no authentication': 'AECDH-AES128-SHA:ADH-AES128-GCM-SHA256',
  'finite fields': 'DHE-RSA-AES128-GCM-SHA256',
}

describe('TLS of every entrance', () => {
  let running: Awaited<ReturnType<typeof deploy>>
  beforeAll(async () => {
    running = await deploy('all-in-one')
  })
  afterAll(() => running[Symbol.asyncDispose]())

  /** Rejects when the handshake does. */
  async function handshake(
    entrance: (typeof ENTRANCES)[number][0],
    prelude: Prelude,
    options: ConnectionOptions,
  ): Promise<TLSSocket> {
    const socket = connectTcp(running.deployment.ports[entrance], '127.0.0.1')
    await once(socket, 'connect')
    await prelude(socket)
    const secured = connectTls({ socket, servername: 'localhost', rejectUnauthorized: false, ...options })
    const ended = Promise.withResolvers<never>()
    secured.once('error', ended.reject)
    secured.once('close', () => ended.reject(new Error('closed')))
    await Promise.race([once(secured, 'secureConnect'), ended.promise])
    ended.promise.catch(() => undefined)
    return secured
  }

  describe.each(ENTRANCES)('%s', (entrance, prelude) => {
    test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken, with forward secrecy', async (version) => {
      const socket = await handshake(entrance, prelude, { minVersion: version, maxVersion: version })
      expect(socket.getProtocol()).toBe(version)
      expect(socket.getCipher().standardName).toMatch(/^TLS_(?:ECDHE_|AES_|CHACHA20_).*(?:GCM|POLY1305)/)
      socket.destroy()
    })

    test.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
      const old = { minVersion: version, maxVersion: version, ciphers: `ALL:${ANYTHING}` }
      await expect(handshake(entrance, prelude, old)).rejects.toThrow(/alert|closed|ECONNRESET/i)
    })

    test.each(Object.entries(WEAK))('refused: %s', async (_what, ciphers) => {
      const weak = { maxVersion: 'TLSv1.2', ciphers: `${ciphers}:${ANYTHING}` } as const
      await expect(handshake(entrance, prelude, weak)).rejects.toThrow(/alert|closed|ECONNRESET/i)
    })

    test('nothing is renegotiated', async () => {
      const socket = await handshake(entrance, prelude, { maxVersion: 'TLSv1.2' })
      const { promise, resolve } = Promise.withResolvers<Error | null>()
      socket.on('error', resolve)
      socket.once('close', () => resolve(new Error('closed')))
      socket.renegotiate({}, resolve)
      expect(await promise).toBeInstanceOf(Error)
      socket.destroy()
    })
  })

  test('what an old program says of itself does not end the server', async () => {
    const socket = connectTcp(running.deployment.ports.https, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.end('GET / HTTP/1.0\r\n\r\n')
    socket.resume()
    await once(socket, 'close')
    expect((await fetch(running.deployment.url('api', '/livez'))).status).toBe(200)
  })
})
