import { once } from 'node:events'
import { request } from 'node:http'
import { client as xmppClient, xml } from '@xmpp/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Element, readElement } from '@sealpost/stanza'
import { listenBeforeOpening } from '../../../test/interop/xmpp-js.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const OPEN = `<open xmlns='${FRAMING}' to='localhost' version='1.0'/>`

let relay: RelayFixture
let origin: string
beforeAll(async () => {
  relay = await startRelay()
  origin = await relay.http()
})
afterAll(() => relay[Symbol.asyncDispose]())

/** A client that shows each message as it comes. */
class RawSocket {
  readonly socket: WebSocket
  readonly messages: string[] = []
  #wake = Promise.withResolvers<void>()
  readonly closed: Promise<number>

  private constructor(socket: WebSocket) {
    this.socket = socket
    const { promise, resolve } = Promise.withResolvers<number>()
    this.closed = promise
    socket.addEventListener('close', ({ code }) => resolve(code))
    socket.addEventListener('message', ({ data }) => {
      this.messages.push(String(data))
      this.#wake.resolve()
    })
  }

  static async open(protocols: string[] = ['xmpp']): Promise<RawSocket> {
    const raw = new RawSocket(new WebSocket(`${origin.replace('http', 'ws')}/xmpp-websocket`, protocols))
    await once(raw.socket, 'open')
    expect(raw.socket.protocol).toBe('xmpp')
    return raw
  }

  /** The next message, read where nothing is in scope. */
  async next(): Promise<Element> {
    while (this.messages.length === 0) {
      this.#wake = Promise.withResolvers<void>()
      await this.#wake.promise
    }
    return readElement(this.messages.shift() ?? '', { defaultNs: '', prefixes: new Map() })
  }
}

/** @xmpp/client over WebSocket, signed in; always as the same device. */
async function signIn(username: string): Promise<ReturnType<typeof xmppClient>> {
  await relay.account(username)
  const userAgent = xml('user-agent', { id: '6f0d1c6e-7f3a-4b0e-9c1d-3a5f6f0d1c6e' })
  const service = `${origin.replace('http', 'ws')}/xmpp-websocket`
  const account = { domain: 'localhost', username, password: 'secret', resource: 'web', userAgent }
  const xmpp = xmppClient({ service, ...account })
  xmpp.timeout = 20_000 // two seconds otherwise, which is short on a busy machine
  listenBeforeOpening(xmpp)
  xmpp.on('error', () => undefined)
  await xmpp.start()
  return xmpp
}

/** Ids of the messages that it gets from now on. */
function messagesOf(web: ReturnType<typeof xmppClient>): readonly string[] {
  const ids: string[] = []
  web.on('stanza', ({ name, attrs }: { name: string; attrs: Record<string, string> }) => {
    if (name === 'message') ids.push(attrs['id'] ?? '')
  })
  return ids
}

describe('RFC 7395', () => {
  test('§3.4, §3.3.3: open is answered by open and features, each a message that stands by itself', async () => {
    const raw = await RawSocket.open()
    raw.socket.send(OPEN)
    const open = await raw.next()
    expect([open.name, open.ns]).toEqual(['open', FRAMING])
    expect(open.attrs).toMatchObject({ from: 'localhost', version: '1.0' })
    expect(open.attrs['id']).toMatch(/^.{16,}$/)
    const features = await raw.next()
    expect([features.name, features.ns]).toEqual(['features', 'http://etherx.jabber.org/streams'])
    const mechanisms = features.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')?.elements() ?? []
    // TLS ends elsewhere: there is no channel to bind to, and nothing to secure (§3.10).
    expect(mechanisms.map((each) => each.text())).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1'])
    expect(features.elements().map(({ name }) => name)).not.toContain('starttls')
    raw.socket.close()
  })

  test('§3.6: close is answered by close', async () => {
    const raw = await RawSocket.open()
    raw.socket.send(OPEN)
    await raw.next()
    await raw.next()
    raw.socket.send(`<close xmlns='${FRAMING}'/>`)
    const close = await raw.next()
    expect([close.name, close.ns]).toEqual(['close', FRAMING])
    expect(await raw.closed).toBe(1000)
  })

  test.each([
    ['an element before open', `<presence xmlns='jabber:client'/>`, 'bad-format'],
    ['another host', `<open xmlns='${FRAMING}' to='elsewhere' version='1.0'/>`, 'host-unknown'],
    ['no version', `<open xmlns='${FRAMING}' to='localhost'/>`, 'unsupported-version'],
    ['what is no XML', `<open xmlns='${FRAMING}' to='localhost' version='1.0'/><a`, undefined],
  ])('refuses %s', async (_, message, condition) => {
    const raw = await RawSocket.open()
    raw.socket.send(message)
    if (condition !== undefined) {
      expect((await raw.next()).name).toBe('open')
      const error = await raw.next()
      expect([error.name, error.elements()[0]?.name]).toEqual(['error', condition])
      expect((await raw.next()).name).toBe('close')
    }
    expect(await raw.closed).toBe(condition === undefined ? 1003 : 1000)
  })

  test('an element that is too big ends the stream by name, before its message is whole', async () => {
    const raw = await RawSocket.open()
    raw.socket.send(OPEN)
    await raw.next()
    await raw.next()
    raw.socket.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${'A'.repeat(20_000)}</auth>`)
    const error = await raw.next()
    expect(error.elements()[0]?.name).toBe('policy-violation')
    expect((await raw.next()).name).toBe('close')
  })

  test('§3.2: binary messages are not taken', async () => {
    const raw = await RawSocket.open()
    raw.socket.send(Buffer.from(OPEN))
    expect(await raw.closed).toBe(1003)
  })

  test('§3.1: without the subprotocol there is no connection; elsewhere the wish for one is ignored', async () => {
    const ask = async (path: string, headers: Record<string, string>) => {
      const asked = request(`${origin}${path}`, {
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
          ...headers,
        },
      }).end()
      const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }]
      answer.resume()
      return answer.statusCode
    }
    expect(await ask('/xmpp-websocket', {})).toBe(400)
    expect(await ask('/xmpp-websocket', { 'sec-websocket-protocol': 'chat, soap' })).toBe(400)
    expect(await ask('/.well-known/host-meta', { 'sec-websocket-protocol': 'xmpp' })).toBe(200)
    expect(await ask('/nowhere', { 'sec-websocket-protocol': 'xmpp' })).toBe(404)
    expect((await fetch(`${origin}/xmpp-websocket`)).status).toBe(400)
  })
})

describe('@xmpp/client over WebSocket', () => {
  test('messages go both ways, and what waits comes after the next sign-in', async () => {
    const tcp = await relay.client('tom', { resource: 'one' })
    await tcp.available()
    const web = await signIn('wendy')
    const received = messagesOf(web)
    await web.send(xml('presence'))
    tcp.sends(omemo('wendy@localhost', 'to-web'))
    await expect.poll(() => received).toEqual(['to-web'])
    const payload = xml('payload', {}, 'c2VhbGVk'.repeat(8))
    const key = xml('key', { rid: '2' }, 'QUFB'.repeat(12))
    const header = xml('header', { sid: '1' }, key, xml('iv', {}, 'AAAAAAAAAAAAAAAA'))
    const encrypted = xml('encrypted', { xmlns: 'eu.siacs.conversations.axolotl' }, header, payload)
    await web.send(xml('message', { to: 'tom@localhost', type: 'chat', id: 'to-tcp' }, encrypted))
    expect((await tcp.message()).attrs['id']).toBe('to-tcp')
    await web.stop()
    tcp.sends(omemo('wendy@localhost', 'later'))
    await tcp.ping()
    const again = await signIn('wendy')
    const late = messagesOf(again)
    await again.send(xml('presence'))
    await expect.poll(() => late).toEqual(['later'])
    await again.stop()
  })

  test('a connection that breaks is resumed (XEP-0198), and nothing is lost or comes twice', async () => {
    const tcp = await relay.client('tina', { resource: 'one' })
    await tcp.available()
    const web = await signIn('will')
    const received = messagesOf(web)
    let resumed = 0
    web.streamManagement.on('resumed', () => void (resumed += 1))
    await web.send(xml('presence'))
    tcp.sends(omemo('will@localhost', 'one'))
    await expect.poll(() => received).toEqual(['one'])
    const { socket } = web as unknown as { socket: { socket: WebSocket } }
    socket.socket.close()
    tcp.sends(omemo('will@localhost', 'two'))
    await expect.poll(() => resumed).toBe(1)
    tcp.sends(omemo('will@localhost', 'three'))
    await expect.poll(() => received).toEqual(['one', 'two', 'three'])
    await web.stop()
  })
})

test('XEP-0156: clients find the WebSocket by either form of host-meta, from any page', async () => {
  const href = 'wss://localhost/xmpp-websocket'
  const rel = 'urn:xmpp:alt-connections:websocket'
  const xrd = await fetch(`${origin}/.well-known/host-meta`)
  expect(xrd.headers.get('content-type')).toMatch(/^application\/xrd\+xml/)
  expect(xrd.headers.get('access-control-allow-origin')).toBe('*')
  const link = readElement(((await xrd.text()).split('\n')[1] ?? '').trim()).elements()[0]
  expect(link?.attrs).toEqual({ rel, href })
  const jrd = await fetch(`${origin}/.well-known/host-meta.json`)
  expect(jrd.headers.get('access-control-allow-origin')).toBe('*')
  expect(await jrd.json()).toEqual({ links: [{ rel, href }] })
})

test('a stop says so to clients of WebSockets, which come back', async () => {
  await using other = await startRelay()
  const at = await other.http()
  const socket = new WebSocket(`${at.replace('http', 'ws')}/xmpp-websocket`, ['xmpp'])
  await once(socket, 'open')
  const messages: string[] = []
  socket.addEventListener('message', ({ data }) => void messages.push(String(data)))
  const closed = once(socket, 'close')
  socket.send(OPEN)
  await expect.poll(() => messages.length).toBe(2)
  await other.restart()
  await closed
  expect(messages[2]).toContain('system-shutdown')
  expect(messages[3]).toContain('<close')
})
