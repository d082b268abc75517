/**
 * One client's XML stream (RFC 6120 §4): header, features, restarts after TLS and SASL, errors and the close
 * handshake. What happens on it is decided by modules (nonzas) and by the router (stanzas), one element at a time.
 */
import type { Clock, MaybePromise, Random } from '@sealpost/runtime'
import { type Element, escapeXml, NS_CLIENT, NS_STREAM, StreamError, StreamParser } from '@sealpost/stanza'
import type { XmppEvents } from '../events.ts'
import type { Connection } from '../transports/connection.ts'
import type { AccountRef } from './account-directory.ts'
import type { ModuleTable } from './module-loader.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'

/** State that a module keeps per stream, such as a sign-in dialogue; augmented by the module. */
// eslint-disable-next-line typescript/no-empty-object-type
export interface StreamData {}

export interface StreamLimits {
  /** Bytes of one first-level element before and after sign-in (RFC 6120 §13.12). */
  readonly elementBytesMaxBeforeAuth: number
  readonly elementBytesMax: number
  /** From the connection to a bound session. */
  readonly negotiationMs: number
  /** Elements read but not yet handled; beyond it the socket is not read. */
  readonly queueMax: number
  /** Inbound stanzas whose `h` still waits; beyond it the socket is not read. */
  readonly unsafeMax: number
  /** Wait for the peer's closing tag (RFC 6120 §4.4). */
  readonly closeMs: number
}

/** What every stream shares. */
export interface StreamContext {
  readonly table: ModuleTable
  readonly router: Router
  readonly domains: readonly string[]
  readonly limits: StreamLimits
  readonly clock: Clock
  readonly random: Random
  readonly events: XmppEvents
  /** The session's stream is gone; `clean` after a closing tag (RFC 6120 §4.4). */
  readonly onSessionDetached: (session: Session, clean: boolean) => void
  /** The stream belongs to an account from now on. */
  readonly onSignedIn: (stream: Stream) => void
  readonly onClosed: (stream: Stream) => void
}

export class Stream {
  readonly data: StreamData = {}
  readonly connection: Connection
  /** Set by SASL. */
  account: AccountRef | undefined
  /** Set by resource binding or resumption. */
  session: Session | undefined
  /** The served domain that the client addressed. */
  domain: string
  readonly #context: StreamContext
  readonly #parser: StreamParser
  #queue: Element[] = []
  #busy = false
  #headerSent = false
  #closed = false
  #closing = false
  #deadline: Disposable | undefined

  constructor(connection: Connection, context: StreamContext) {
    this.connection = connection
    this.#context = context
    this.domain = context.domains[0] ?? 'localhost'
    this.#parser = new StreamParser(
      {
        onHeader: (header) => this.#onHeader(header),
        onElement: (element) => this.#onElement(element),
        onClose: () => this.#onPeerClose(),
      },
      context.limits.elementBytesMaxBeforeAuth,
    )
    this.#deadline = context.clock.after(context.limits.negotiationMs, () => {
      this.fail(new StreamError('connection-timeout'))
    })
  }

  get secure(): boolean {
    return this.connection.secure
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Bytes from the transport. */
  receive(chunk: Buffer): void {
    if (this.#closed) return
    try {
      this.#parser.write(chunk)
    } catch (error) {
      this.#failWith(error)
    }
  }

  send(xml: string): void {
    if (!this.#closed) this.connection.write(xml)
  }

  /** The next thing the client sends must be a new stream header (RFC 6120 §4.3.3). */
  restart(): void {
    this.#headerSent = false
    this.#parser.restart()
  }

  /** RFC 6120 §5.4.3.3: proceeds to TLS; whatever was sent in clear behind `<starttls/>` is dropped. */
  startTls(): void {
    this.#queue = []
    this.restart()
    this.connection.startTls()
  }

  /** Sign-in succeeded: the account is known, larger stanzas are allowed, the stream restarts (RFC 6120 §6.4.6). */
  authenticated(account: AccountRef): void {
    this.account = account
    this.#context.onSignedIn(this)
    this.#parser.limit(this.#context.limits.elementBytesMax)
    this.restart()
  }

  /** A session lives on this stream from now on. */
  attach(session: Session): void {
    this.session = session
    this.#deadline?.[Symbol.dispose]()
    this.#deadline = undefined
  }

  /** The session goes on elsewhere (XEP-0198 §5); this stream ends without it. */
  detach(): void {
    this.session = undefined
  }

  /** Ends the stream with an error (RFC 6120 §4.9.1.1). */
  fail(error: StreamError): void {
    if (this.#closed) return
    this.#context.events.streamFailed(error.condition)
    if (!this.#headerSent) this.#sendHeader()
    this.connection.write(`${error.toXml()}</stream:stream>`)
    this.#finish(false)
  }

  /** Ends the stream cleanly from our side (RFC 6120 §4.4): waits a bounded time for the peer's closing tag. */
  close(): void {
    if (this.#closed || this.#closing) return
    this.#closing = true
    this.connection.write('</stream:stream>')
    this.#deadline?.[Symbol.dispose]()
    this.#deadline = this.#context.clock.after(this.#context.limits.closeMs, () => this.#finish(true))
  }

  /** The transport is gone. */
  disconnected(): void {
    this.#finish(false)
  }

  #onHeader(header: Element): void {
    const { version, to } = header.attrs
    if (to !== undefined) this.domain = to
    this.#sendHeader()
    if (!this.#context.domains.includes(this.domain)) throw new StreamError('host-unknown')
    if (version === undefined || !/^1\.\d+$/.test(version)) throw new StreamError('unsupported-version')
    const features: Element[] = []
    void this.#context.table.hooks.fire('stream/features', { stream: this, features })
    const inner = features.map(String).join('')
    this.send(`<stream:features>${inner}</stream:features>`)
  }

  /** RFC 6120 §4.7 */
  #sendHeader(): void {
    this.#headerSent = true
    const from = this.#context.domains.includes(this.domain) ? this.domain : (this.#context.domains[0] ?? '')
    this.connection.write(
      `<?xml version='1.0'?><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}' ` +
        `id='${this.#context.random.token(18)}' from='${escapeXml(from)}' version='1.0' xml:lang='en'>`,
    )
  }

  #onElement(element: Element): void {
    if (this.#busy) {
      this.#queue.push(element)
      if (this.#queue.length >= this.#context.limits.queueMax) this.connection.pause()
      return
    }
    this.#handle(element)
  }

  /** RFC 6120 §10.1: stanzas of one stream are processed in order, each before the next. */
  #handle(element: Element): void {
    const pending = this.#dispatch(element)
    if (pending instanceof Promise) {
      this.#busy = true
      void this.#finishPending(pending)
    }
  }

  async #finishPending(pending: Promise<void>): Promise<void> {
    try {
      await pending
      while (this.#queue.length > 0 && !this.#closed) {
        const next = this.#queue.shift()
        if (next) await this.#dispatch(next)
      }
    } catch (error) {
      this.#failWith(error)
    }
    this.#busy = false
    this.connection.resume()
  }

  #dispatch(element: Element): MaybePromise<void> {
    if (element.ns === NS_CLIENT && isStanzaName(element.name) && this.session) {
      const handled = this.#context.router.route(this.session, element)
      this.#throttle(this.session)
      return handled
    }
    const handler = this.#context.table.nonzaHandler(element.ns, element.name)
    if (handler) return handler(this, element)
    if (!this.account) throw new StreamError('not-authorized') // RFC 6120 §4.9.3.12
    throw new StreamError('unsupported-stanza-type')
  }

  /** A sender whose stanzas do not become safe is not read from, so that what waits stays bounded. */
  #throttle(session: Session): void {
    if (session.inbox.unsafe < this.#context.limits.unsafeMax) return
    this.connection.pause()
    session.inbox.whenBelow(this.#context.limits.unsafeMax / 2, () => this.connection.resume())
  }

  #onPeerClose(): void {
    if (!this.#closing) {
      this.session?.inbox.acknowledge() // XEP-0198 §4: a final answer before a clean close
      this.connection.write('</stream:stream>')
    }
    this.#finish(true)
  }

  #failWith(error: unknown): void {
    if (error instanceof StreamError) return this.fail(error)
    this.#context.events.streamCrashed(error)
    this.fail(new StreamError('internal-server-error'))
  }

  #finish(clean: boolean): void {
    if (this.#closed) return
    this.#closed = true
    this.#deadline?.[Symbol.dispose]()
    this.#parser.stop()
    this.#queue = []
    this.connection.end()
    const { session } = this
    this.session = undefined
    if (session) this.#context.onSessionDetached(session, clean)
    this.#context.onClosed(this)
  }
}

function isStanzaName(name: string): boolean {
  return name === 'message' || name === 'iq' || name === 'presence'
}
