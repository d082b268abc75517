/**
 * The leanest XMPP client that still behaves: direct TLS 1.3, SCRAM-SHA-256, bind, XEP-0198 in both directions. It looks at received bytes only
 * as far as it must: where a stanza ends, which number a message carries, what is asked (`<r/>`) and acknowledged (`<a/>`). Whom it talks to it
 * knows, and it does not look at certificates.
 */
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { ScramSha256 } from './scram.ts'

export interface ClientOptions {
  readonly port: number
  readonly domain: string
  readonly username: string
  readonly password: string
  readonly resource: string
  /** Marks the messages of this run; others are counted and ignored. */
  readonly run: string
  /** Message number `number` has arrived. */
  readonly onMessage: (number: number) => void
  /** A chunk of received bytes has been worked off: the time to send what it made possible. */
  readonly onChunkEnd: () => void
  /** The server has taken responsibility for stanzas of ours: `acknowledged` says for how many. */
  readonly onAcknowledged?: () => void
  readonly onFailure: (error: Error) => void
  /** Messages are events (XEP-0163): their number stands in the id of their item, and those without are none of the run's. */
  readonly events?: boolean
  readonly onPresence?: (tag: string) => void
  /** An IQ stanza has arrived; returns what to answer. */
  readonly onIq?: (xml: string) => string | undefined
  /** Messages that are not of the load, such as those of a group itself, are counted and ignored. */
  readonly ignoresOthers?: boolean
}

const END_OF_MESSAGE = Buffer.from('</message>')
const END_OF_PRESENCE = Buffer.from('</presence>')
const END_OF_IQ = Buffer.from('</iq>')
const NS_SM = 'urn:xmpp:sm:3'
const SIGN_IN_MS = 60_000
/** A received stanza longer than this means that we have lost the thread. */
const REST_BYTES_MAX = 1_048_576
/** The same suite and key exchange for all servers, so that their choice of them makes no difference. Ours would take X25519MLKEM768. */
const TLS = createSecureContext({
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_256_GCM_SHA384',
  ecdhCurve: 'X25519',
})
const GREATER = 0x3e
const LESS = 0x3c
const SLASH = 0x2f

export class Client {
  readonly #options: ClientOptions
  readonly #socket: TLSSocket
  #rest: Buffer | undefined
  /** Before the session is up: text received and who waits for it. */
  #handshake: { text: string; wake: (() => void) | undefined } | undefined = { text: '', wake: undefined }
  #handled = 0
  #closing = false
  #failure: Error | undefined
  #pinged: (() => void) | undefined
  /** Last `h` of the server. */
  #serverHandled = 0
  /** Stanzas that we have sent of our own accord: presence. */
  #ownStanzas = 0

  private constructor(options: ClientOptions, socket: TLSSocket) {
    this.#options = options
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error: Error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** Connects and signs in; resolves with a client that has XEP-0198 on and has not said yet that it is available. */
  static async open(options: ClientOptions): Promise<Client> {
    const { port, domain } = options
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: domain,
      secureContext: TLS,
      rejectUnauthorized: false,
    })
    socket.setNoDelay(true)
    const client = new Client(options, socket)
    await client.#signIn()
    return client
  }

  get cipher(): string {
    return `${this.#socket.getProtocol()} ${this.#socket.getCipher().standardName}`
  }

  /** Of what was sent with `send`, the stanzas that the server has taken responsibility for. */
  get acknowledged(): number {
    return Math.max(0, this.#serverHandled - this.#ownStanzas)
  }

  send(bytes: Buffer | string): void {
    this.#socket.write(bytes)
  }

  /** Sends initial presence; what waits for this device comes from now on. */
  becomeAvailable(): void {
    this.#ownStanzas++
    this.send('<presence/>')
  }

  /** Sends a stanza that is no message of the load. */
  say(stanza: string): void {
    this.#ownStanzas++
    this.send(stanza)
  }

  /** An answered ping (XEP-0199): the server has worked off all that was sent before. */
  async ping(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#pinged = resolve
    this.#ownStanzas++
    this.send(`<iq type='get' id='ping' to='${this.#options.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await promise
  }

  /** Ends the stream cleanly (RFC 6120 §4.4); gives up waiting for the server after two seconds. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#socket.destroyed) return
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    const timer = setTimeout(() => this.#socket.destroy(), 2_000)
    this.#socket.end(`<a xmlns='${NS_SM}' h='${this.#handled}'/></stream:stream>`) // XEP-0198 §4: tell what was received last
    await closed
    clearTimeout(timer)
  }

  async #signIn(): Promise<void> {
    const { domain, username, password, resource } = this.#options
    const header = `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
    const limit = setTimeout(() => this.#fail(new Error(`not signed in after ${SIGN_IN_MS} ms`)), SIGN_IN_MS)
    const scram = new ScramSha256(username)
    await this.#exchange(header, '</stream:features>')
    const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>${base64(scram.first)}</auth>`
    const challenge = await this.#exchange(auth, '</challenge>')
    const proof = await scram.answer(payload(challenge), password)
    const success = await this.#exchange(
      `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${base64(proof.final)}</response>`,
      '</success>',
    )
    if (payload(success) !== proof.expected) throw new Error('SCRAM: the server does not know the password')
    await this.#exchange(header, '</stream:features>')
    const bind = `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`
    await this.#exchange(bind, '</iq>')
    await this.#exchange(`<enable xmlns='${NS_SM}' resume='true'/>`, '<enabled', '>')
    const early = Buffer.from(this.#handshake?.text ?? '', 'latin1')
    clearTimeout(limit)
    this.#handshake = undefined // from here on stanzas are counted (XEP-0198 §4)
    if (early.length > 0) this.#onData(early)
  }

  /** Sends `request` and waits until `marker` (and then `end`) has come in; returns what came, without anything behind it. */
  async #exchange(request: string, marker: string, end = ''): Promise<string> {
    const state = this.#handshake
    if (state === undefined) throw new Error('the session is up already')
    this.send(request)
    for (;;) {
      const at = state.text.indexOf(marker)
      const endAt = at < 0 ? -1 : state.text.indexOf(end, at + marker.length)
      if (endAt >= 0) {
        const answer = state.text.slice(0, endAt + end.length)
        state.text = state.text.slice(endAt + end.length)
        return answer
      }
      if (/<failure|<stream:error|<failed|type=["']error["']/.test(state.text))
        throw new Error(`sign-in refused: ${state.text.slice(0, 400)}`)
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        state.wake = resolve
      })
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#handshake?.wake?.()
    if (!this.#closing && this.#handshake === undefined) this.#options.onFailure(error)
  }

  #onData(chunk: Buffer): void {
    if (this.#handshake !== undefined) {
      this.#handshake.text += chunk.toString('latin1')
      this.#handshake.wake?.()
      return
    }
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    const used = this.#scan(bytes)
    this.#rest = used < bytes.length ? bytes.subarray(used) : undefined
    if (bytes.length - used > REST_BYTES_MAX) this.#fail(new Error('a stanza without an end'))
    this.#options.onChunkEnd()
  }

  /** Works off all complete elements at the top level of the stream; returns how far it came. One `<a/>` answers the last `<r/>` of the chunk. */
  #scan(bytes: Buffer): number {
    let at = 0
    let asked = -1
    for (;;) {
      while (at < bytes.length && bytes[at] !== LESS) at++
      const tagEnd = bytes.indexOf(GREATER, at)
      if (at >= bytes.length || tagEnd < 0) break
      const tag = bytes.toString('latin1', at, tagEnd + 1)
      const end = elementEnd(bytes, at, tagEnd, tag)
      if (end < 0) break
      if (tag.startsWith('<message')) {
        if (this.#options.events === true) this.#onEvent(bytes.toString('latin1', at, end))
        else this.#onMessageTag(tag)
      } else if (tag.startsWith('<presence')) this.#onPresence(tag)
      else if (tag.startsWith('<iq')) this.#onIq(tag, bytes.subarray(at, end))
      else if (tag.startsWith('<r ')) asked = this.#handled
      else if (tag.startsWith('<a ')) this.#onAcknowledged(tag)
      else this.#fail(new Error(`unexpected from the server: ${bytes.toString('latin1', at, at + 300)}`))
      at = end
    }
    if (asked >= 0) this.send(`<a xmlns='${NS_SM}' h='${asked}'/>`)
    return at
  }

  #onPresence(tag: string): void {
    this.#handled++
    this.#options.onPresence?.(tag)
  }

  #onIq(tag: string, whole: Buffer): void {
    this.#handled++
    const answer = this.#options.onIq?.(whole.toString())
    if (answer !== undefined) this.send(answer)
    if (/ id=["']ping["']/.test(tag)) this.#pinged?.()
  }

  #onAcknowledged(tag: string): void {
    this.#serverHandled = Number(/ h=["'](\d+)/.exec(tag)?.[1])
    this.#options.onAcknowledged?.()
  }

  #onEvent(xml: string): void {
    this.#handled++
    const [, run, number] = /<item [^>]*\bid=["'](\w+)-(\d+)["']/.exec(xml) ?? []
    if (run === this.#options.run && number !== undefined) this.#options.onMessage(Number(number))
  }

  #onMessageTag(tag: string): void {
    if (this.#closing) return // it comes again: what was received last has been said
    this.#handled++
    const [, run, number] = / id=["'](\w+)-(\d+)/.exec(tag) ?? []
    if (run !== undefined && run !== this.#options.run) return // an earlier round's, which the server keeps until it is acknowledged
    if (number === undefined && this.#options.ignoresOthers === true && !/ type=["']error/.test(tag)) return
    if (number === undefined || tag.includes('error'))
      this.#fail(new Error(`a message bounced or is not ours: ${tag}`))
    else this.#options.onMessage(Number(number))
  }
}

/** Offset behind the element that begins at `at`, or -1 when its end has not arrived. */
function elementEnd(bytes: Buffer, at: number, tagEnd: number, tag: string): number {
  if (bytes[tagEnd - 1] === SLASH || bytes[at + 1] === SLASH) return tagEnd + 1
  const closing = tag.startsWith('<message')
    ? END_OF_MESSAGE
    : tag.startsWith('<presence')
      ? END_OF_PRESENCE
      : tag.startsWith('<iq')
        ? END_OF_IQ
        : undefined
  if (closing === undefined) return tagEnd + 1
  const found = bytes.indexOf(closing, tagEnd)
  return found < 0 ? -1 : found + closing.length
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The decoded character data of the last element in `xml`. */
function payload(xml: string): string {
  return Buffer.from(/>([^<>]*)<\/[^<>]*>$/.exec(xml)?.[1] ?? '', 'base64').toString()
}
