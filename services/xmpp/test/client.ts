/**
 * A raw XMPP client for tests: XML in, XML out, over real sockets. It knows enough to sign in and to acknowledge;
 * everything else stays visible in the test.
 */
import { X509Certificate, createHash, randomBytes } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { type ScramHash, scramClient } from '@sealpost/sasl'
import { type Element, NS_SASL, NS_SM, NS_STREAM, NS_STREAMS, StreamParser } from '@sealpost/stanza'

export type Mechanism = 'SCRAM-SHA-256-PLUS' | 'SCRAM-SHA-1-PLUS' | 'SCRAM-SHA-256' | 'SCRAM-SHA-1'

type BindingType = 'tls-exporter' | 'tls-server-end-point' | 'tls-unique'

export interface ConnectOptions {
  readonly host?: string
  readonly port: number
  /** Where it comes from: all of 127.0.0.0/8 is ours. */
  readonly localAddress?: string
  /** TLS from the first byte (XEP-0368). */
  readonly direct?: boolean
  readonly domain?: string
  readonly minVersion?: tls.SecureVersion
  readonly maxVersion?: tls.SecureVersion
  /** Protocols offered by ALPN (XEP-0368 §4). */
  readonly alpn?: readonly string[]
  /** How long anything expected may take; 5 s unless told. */
  readonly patienceMs?: number
}

export interface SignInOptions extends ConnectOptions {
  readonly username: string
  readonly password: string
  readonly resource?: string
  readonly mechanism?: Mechanism
  readonly binding?: BindingType
  /** Acts for somebody (RFC 6120 §6.3.8). */
  readonly authzid?: string
  /** The client knows channel binding and believes that the server does not (RFC 5802 §6): it says `y`. */
  readonly downgraded?: boolean
}

/** How long anything expected may take. */
const PATIENCE_MS = 20_000
const STREAM_MAX = 1024 * 1024

type Waiting = {
  readonly wanted: (element: Element) => boolean
  readonly resolve: (element: Element) => void
}

export class TestClient implements AsyncDisposable {
  /** Everything received and not yet asked for, in order. */
  readonly inbox: Element[] = []
  jid = ''
  closed = false
  /** The server's last stream header. */
  header: Element | undefined
  /** What it offered last. */
  features: Element | undefined
  /** The server closed the stream, not just the connection. */
  closingTag = false
  /** Stanzas received since stream management was enabled. */
  received = 0
  /** Answers `<r/>` with the count received. */
  acknowledging = true
  /** Sees every first-level element as it comes, counted already. */
  onElement: ((element: Element) => void) | undefined
  #socket: Socket
  readonly #options: ConnectOptions
  #parser: StreamParser
  #waiting: Waiting[] = []
  #ended = Promise.withResolvers<void>()
  #sm = false
  #ids = 0

  private constructor(socket: Socket, options: ConnectOptions) {
    this.#socket = socket
    this.#options = options
    this.#parser = this.#newParser()
    this.#listen()
  }

  get bare(): string {
    return this.jid.split('/')[0] ?? ''
  }

  /** Connects, with direct TLS if so wanted, and says nothing yet. */
  static async open(options: ConnectOptions): Promise<TestClient> {
    const { port, host = '127.0.0.1', localAddress } = options
    const plain = connectTcp({ port, host, ...(localAddress === undefined ? {} : { localAddress }) })
    await event(plain, 'connect')
    const client = new TestClient(plain, options)
    if (options.direct) await client.secure()
    return client
  }

  /** Connects, up to the features after TLS. */
  static async connect(options: ConnectOptions): Promise<TestClient> {
    const client = await TestClient.open(options)
    if (options.direct) await client.openStream()
    else await client.startTls()
    return client
  }

  /** From the first header to the features after TLS. */
  async startTls(): Promise<void> {
    await this.openStream()
    this.sendRaw(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
    await this.next((element) => element.name === 'proceed')
    await this.secure()
    await this.openStream()
  }

  /** Connects, signs in and binds. */
  static async signIn(options: SignInOptions): Promise<TestClient> {
    const client = await TestClient.connect(options)
    await client.authenticate(options)
    await client.bind(options.resource)
    return client
  }

  /** `behind` goes out together with the header, before anything is known of the server. */
  async openStream(behind = ''): Promise<Element> {
    const domain = this.#options.domain ?? 'localhost'
    this.sendRaw(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS_STREAM}' to='${domain}' version='1.0'>${behind}`,
    )
    return this.#nextFeatures()
  }

  async #nextFeatures(): Promise<Element> {
    this.features = await this.next((element) => element.is('features', NS_STREAM))
    return this.features
  }

  /** Signs in and opens the next stream; `behind` goes out together with the last answer instead of its header. */
  async authenticate(options: SignInOptions, behind?: string): Promise<void> {
    const mechanism = options.mechanism ?? 'SCRAM-SHA-256'
    const plus = mechanism.endsWith('-PLUS')
    const hash: ScramHash = mechanism.includes('256') ? 'SHA-256' : 'SHA-1'
    const { username, password } = options
    const bound = plus || options.downgraded === true
    const binding = bound ? { channelBinding: this.channelBinding(options.binding ?? 'tls-exporter') } : {}
    const authzid = options.authzid === undefined ? {} : { authzid: options.authzid }
    const scram = scramClient({ hash, plus, username, password, random: randomBytes, ...binding, ...authzid })
    this.sendRaw(`<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${base64(scram.first())}</auth>`)
    const challenge = await this.#saslAnswer()
    const final = base64(await scram.final(unbase64(challenge.text())))
    this.sendRaw(`<response xmlns='${NS_SASL}'>${final}</response>${behind ?? ''}`)
    const success = await this.#saslAnswer()
    scram.verify(unbase64(success.text()))
    if (behind === undefined) await this.openStream()
    else await this.#nextFeatures()
  }

  /** Sends a nonza of SASL and gives its answer: a challenge, success, or the condition of a failure. */
  async sasl(xml: string): Promise<string> {
    this.sendRaw(xml)
    const answer = await this.next((element) => element.ns === NS_SASL)
    return answer.name === 'failure' ? (answer.elements()[0]?.name ?? '') : answer.name
  }

  async #saslAnswer(): Promise<Element> {
    const answer = await this.next((element) => element.ns === NS_SASL)
    if (answer.name === 'failure') throw new Error(`sign-in refused: ${answer.elements()[0]?.name ?? ''}`)
    return answer
  }

  async bind(resource?: string): Promise<void> {
    const wanted = resource === undefined ? '' : `<resource>${resource}</resource>`
    const result = await this.request(
      'set',
      `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind>`,
    )
    this.jid = result.elements()[0]?.elements()[0]?.text() ?? ''
    if (this.jid === '') throw new Error(`not bound: ${String(result)}`)
  }

  /** XEP-0198; returns the resumption id, if there is one. */
  async enableStreamManagement(resume = true, maxSeconds?: number): Promise<string | undefined> {
    const max = maxSeconds === undefined ? '' : ` max='${maxSeconds}'`
    this.sendRaw(`<enable xmlns='${NS_SM}'${resume ? ` resume='true'${max}` : ''}/>`)
    const enabled = await this.next((element) => element.ns === NS_SM)
    if (enabled.name !== 'enabled') throw new Error(`not enabled: ${String(enabled)}`)
    this.#sm = true
    this.received = 0
    return enabled.attrs['id']
  }

  /** Stream management comes with the sign-in (XEP-0198 §9): stanzas count from here. */
  counting(received = 0): void {
    this.#sm = true
    this.received = received
  }

  /** XEP-0198 §5 on an authenticated stream; continues the counters of the lost client. */
  async resume(previd: string, lost: TestClient): Promise<Element> {
    this.#sm = true
    this.received = lost.received
    this.sendRaw(`<resume xmlns='${NS_SM}' previd='${previd}' h='${this.received}'/>`)
    const answer = await this.next((element) => element.ns === NS_SM && element.name !== 'r')
    if (answer.name === 'resumed') this.jid = lost.jid
    return answer
  }

  /** Sends initial presence and waits until it comes back, as it does to all of the account's resources (RFC 6121 §4.2.2). */
  async available(): Promise<void> {
    this.sendRaw('<presence/>')
    await this.next((element) => element.name === 'presence' && element.attrs['from'] === this.jid)
  }

  sendRaw(xml: string | Buffer): void {
    this.#socket.write(xml)
  }

  /** Sends stanzas. */
  sends(xml: string): void {
    this.sendRaw(xml)
  }

  /** An IQ request; resolves with its answer, result or error. */
  async request(type: 'get' | 'set', payload: string, to?: string): Promise<Element> {
    const id = `q${++this.#ids}`
    this.sendRaw(`<iq type='${type}' id='${id}'${to === undefined ? '' : ` to='${to}'`}>${payload}</iq>`)
    return this.next((element) => element.name === 'iq' && element.attrs['id'] === id)
  }

  async ping(): Promise<void> {
    await this.request('get', `<ping xmlns='urn:xmpp:ping'/>`)
  }

  /** The server's `h` now. */
  async serverCounter(patienceMs?: number): Promise<number> {
    this.sendRaw(`<r xmlns='${NS_SM}'/>`)
    const answer = await this.next((element) => element.is('a', NS_SM), patienceMs)
    return Number(answer.attrs['h'])
  }

  /** Waits until the server's `h` has reached a count. */
  async safeUpTo(count: number, patienceMs?: number): Promise<void> {
    let h = await this.serverCounter(patienceMs)
    while (h < count) {
      const answer = await this.next((element) => element.is('a', NS_SM), patienceMs)
      h = Number(answer.attrs['h'])
    }
  }

  acknowledge(h = this.received): void {
    this.sendRaw(`<a xmlns='${NS_SM}' h='${h}'/>`)
  }

  /** The next element that fits, from those received or to come; others stay for later. */
  next(
    wanted: (element: Element) => boolean,
    patienceMs = this.#options.patienceMs ?? PATIENCE_MS,
  ): Promise<Element> {
    const index = this.inbox.findIndex(wanted)
    const [found] = index < 0 ? [] : this.inbox.splice(index, 1)
    if (found) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
        reject(
          new Error(`nothing that fits within ${patienceMs} ms; unread: ${this.inbox.join('') || 'nothing'}`),
        )
      }, patienceMs)
      const waiting: Waiting = {
        wanted,
        resolve: (element) => {
          clearTimeout(timer)
          resolve(element)
        },
      }
      this.#waiting.push(waiting)
    })
  }

  message(patienceMs = PATIENCE_MS): Promise<Element> {
    return this.next((element) => element.name === 'message', patienceMs)
  }

  /** Receives an element that matches the XML; `{any}` stands for any further attributes or content. */
  async receives(pattern: string, patienceMs?: number): Promise<Element> {
    const expected = compile(pattern)
    return this.next((element) => expected.test(String(element)), patienceMs)
  }

  /** Nothing but answers to our own ping arrives although the server had the time to send it. */
  async receivesNothing(): Promise<void> {
    await this.ping()
    await this.ping()
    const unread = this.inbox.filter((element) => element.ns !== NS_SM)
    if (unread.length > 0) throw new Error(`received ${unread.join('')}`)
  }

  /** The stream error that ends the stream. */
  async streamError(): Promise<string> {
    const error = await this.next((element) => element.is('error', NS_STREAM))
    return error.elements().find((each) => each.ns === NS_STREAMS)?.name ?? ''
  }

  /** Resolves when the server has closed the connection. */
  ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Closes the stream as RFC 6120 §4.4 has it. */
  async close(): Promise<void> {
    if (!this.closed) this.sendRaw('</stream:stream>')
    await this.ended()
  }

  /** Pulls the plug. */
  async drop(): Promise<void> {
    this.#socket.destroy()
    await this.ended()
  }

  /** Ends our half of the connection without closing the stream. */
  endWriting(): void {
    this.#socket.end()
  }

  /** Written here and not yet taken by the server. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  channelBinding(type: BindingType): { type: string; data: Buffer } {
    const socket = this.#socket
    if (!(socket instanceof tls.TLSSocket)) throw new Error('no TLS')
    if (type === 'tls-exporter') {
      return { type, data: socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) }
    }
    if (type === 'tls-unique') return { type, data: socket.getFinished() ?? Buffer.alloc(0) }
    const { raw } = new X509Certificate(socket.getPeerCertificate(true).raw)
    return { type, data: createHash('sha256').update(raw).digest() }
  }

  /** `TLSv1.2` or `TLSv1.3`. */
  get tlsVersion(): string | undefined {
    return (this.#socket instanceof tls.TLSSocket && this.#socket.getProtocol()) || undefined
  }

  /** The protocol that ALPN agreed on. */
  get alpn(): string | undefined {
    return (this.#socket instanceof tls.TLSSocket && this.#socket.alpnProtocol) || undefined
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.#socket instanceof tls.TLSSocket ? this.#socket.getPeerX509Certificate() : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.#ended.promise
  }

  /** TLS on this connection from now on. */
  async secure(): Promise<void> {
    const plain = this.#socket
    plain.removeAllListeners()
    const { minVersion, maxVersion, alpn = [] } = this.#options
    const secured = tls.connect({
      socket: plain,
      rejectUnauthorized: false,
      servername: this.#options.domain ?? 'localhost',
      ...(minVersion ? { minVersion } : {}),
      ...(maxVersion ? { maxVersion } : {}),
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
    })
    this.#socket = secured
    this.#parser = this.#newParser()
    this.#listen()
    await event(secured, 'secureConnect')
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', (chunk) => {
      if (socket === this.#socket) this.#parser.write(chunk)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (socket !== this.#socket) return
      this.closed = true
      this.#ended.resolve()
    })
  }

  #newParser(): StreamParser {
    const events = {
      onHeader: (header: Element) => {
        this.header = header
      },
      onElement: (element: Element) => {
        if (element.is('success', NS_SASL)) this.#parser.restart() // RFC 6120 §6.4.6
        this.#receive(element)
      },
      onClose: () => {
        this.closingTag = true
      },
    }
    return new StreamParser(events, STREAM_MAX)
  }

  #receive(element: Element): void {
    if (this.#sm && ['message', 'presence', 'iq'].includes(element.name)) this.received++
    this.onElement?.(element)
    if (element.is('r', NS_SM)) {
      if (this.acknowledging) this.acknowledge()
      return
    }
    if (this.acknowledging && isServerPing(element)) {
      this.sendRaw(
        `<iq type='result' id='${element.attrs['id'] ?? ''}' to='${element.attrs['from'] ?? ''}'/>`,
      )
      return
    }
    const index = this.#waiting.findIndex(({ wanted }) => wanted(element))
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (waiting) waiting.resolve(element)
    else this.inbox.push(element)
  }
}

function isServerPing(element: Element): boolean {
  return (
    element.name === 'iq' &&
    element.attrs['type'] === 'get' &&
    element.child('ping', 'urn:xmpp:ping') !== undefined
  )
}

/** `{any}` in a pattern stands for anything; quotes may be single or double. */
function compile(pattern: string): RegExp {
  const parts = pattern.replaceAll('"', "'").split(/\s*\{any\}\s*/)
  return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.*')}$`, 's')
}

function event(emitter: Socket, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once(name, () => resolve())
    emitter.once('error', reject)
    emitter.once('close', () => reject(new Error('the connection was closed')))
  })
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function unbase64(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
