/**
 * One client's XML stream (RFC 6120 §4): header, features, restarts after TLS and SASL, errors and the close
 * handshake. What happens on it is decided by modules (nonzas) and by the router (stanzas), one element at a time.
 */
import type { SignedIn } from '@sealpost/accounts'
import { JidError, parseJid } from '@sealpost/jid'
import { Budget, type BudgetRate, type Clock, type MaybePromise, type Random } from '@sealpost/runtime'
import {
  type Element,
  escapeXml,
  NS_CLIENT,
  NS_SM,
  NS_STREAM,
  StreamError,
  StreamParser,
} from '@sealpost/stanza'
import type { XmppEvents } from '../events.ts'
import type { Connection } from '../transports/connection.ts'
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
  /** Bytes received while an element is being handled; beyond it the socket is not read. */
  readonly unreadBytesMax: number
  /** Inbound stanzas whose `h` still waits; beyond it the socket is not read. */
  readonly unsafeMax: number
  /** What one stream may send; beyond it the socket is not read for as long as that takes. */
  readonly bytesRate: BudgetRate
  readonly elementsRate: BudgetRate
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
  /** A step of the negotiation is done that its peer had to work for. */
  readonly onProgress: (stream: Stream) => void
  /** Negotiation is over: a session lives on the stream. */
  readonly onAttached: (stream: Stream) => void
  readonly onClosed: (stream: Stream) => void
}

export class Stream {
  readonly data: StreamData = {}
  readonly connection: Connection
  /** The address that limits count by; undefined where many share it. */
  client: string | undefined
  /** Set by SASL: the account, and by what it was signed in to. */
  account: SignedIn | undefined
  /** The client installation that signed in (XEP-0388 §2.3), if it said which; never shown to anybody. */
  userAgent: string | undefined
  /** Who the client says it is in its header (RFC 6120 §4.7.1): not proven. */
  claimed: string | undefined
  /** Set by resource binding or resumption. */
  session: Session | undefined
  /** The served domain that the client addressed. */
  domain: string
  readonly #context: StreamContext
  readonly #parser: StreamParser
  /** An element is being handled: what follows it is not even parsed, as it may mean something else afterwards. */
  #busy = false
  #unread: Buffer[] = []
  #unreadBytes = 0
  #throttled = false
  readonly #bytes: Budget
  readonly #elements: Budget
  /** First-level elements that have not been charged yet. */
  #uncharged = 0
  /** Ends when the stream has sent no more than it may. */
  #slowed: Disposable | undefined
  /** The transport is gone; what had arrived before is still handled. */
  #gone = false
  #headerSent = false
  #closed = false
  #closing = false
  #deaf = false
  #deadline: Disposable | undefined

  constructor(connection: Connection, context: StreamContext) {
    this.connection = connection
    this.#context = context
    this.domain = context.domains[0] ?? 'localhost'
    this.#parser = new StreamParser(
      {
        onHeader: (header, contentNs) => this.#onHeader(header, contentNs),
        onElement: (element) => this.#onElement(element),
        onClose: () => this.#onPeerClose(),
      },
      context.limits.elementBytesMaxBeforeAuth,
    )
    const now = context.clock.monotonic()
    this.#bytes = new Budget(context.limits.bytesRate, now)
    this.#elements = new Budget(context.limits.elementsRate, now)
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
    if (this.#busy) {
      this.#unread.push(chunk)
      this.#unreadBytes += chunk.length
      this.#regulate()
    } else this.#read(chunk)
    this.#charge(chunk.length)
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
    this.#parser.dropRest()
    this.restart()
    this.connection.startTls()
  }

  /** Sign-in succeeded: the account is known, larger stanzas are allowed, the stream restarts (RFC 6120 §6.4.6). */
  authenticated(account: SignedIn): void {
    this.belongsTo(account)
    this.restart()
  }

  /** Sign-in succeeded, and the stream goes on as it is (XEP-0388 §2.6.1). */
  belongsTo(account: SignedIn): void {
    this.account = account
    this.#parser.limit(this.#context.limits.elementBytesMax)
    this.#context.onProgress(this)
  }

  /** A session lives on this stream from now on. */
  attach(session: Session): void {
    this.session = session
    this.#deadline?.[Symbol.dispose]()
    this.#deadline = undefined
    this.#context.onAttached(this)
  }

  /** The session goes on elsewhere (XEP-0198 §5); this stream ends without it. */
  detach(): void {
    this.session = undefined
  }

  /** Ends the stream with an error (RFC 6120 §4.9.1.1). */
  fail(error: StreamError): void {
    if (this.#closed) return
    if (this.#closing) return this.#finish(false) // nothing may follow our closing tag
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

  /** The transport is gone. A client may send and close at once: what it sent before is still handled. */
  disconnected(): void {
    if (this.#busy && this.#unreadBytes > 0) this.#gone = true
    else this.#finish(false)
  }

  /** The server is about to stop: nothing more is taken from the client but what it says to have received. */
  stopListening(): void {
    this.#deaf = true
  }

  /** The server stops (RFC 6120 §4.9.3.19). */
  shutDown(): void {
    this.fail(new StreamError('system-shutdown'))
  }

  /** Gives way, before it has signed in, to a newer connection. */
  evict(): void {
    this.fail(new StreamError('resource-constraint'))
  }

  #onHeader(header: Element, contentNs: string): void {
    const { version, to, from } = header.attrs
    this.claimed = from
    if (to !== undefined) this.domain = domainOf(to)
    this.#sendHeader()
    if (contentNs !== NS_CLIENT) throw new StreamError('invalid-namespace') // RFC 6120 §4.8.2
    if (!this.#context.domains.includes(this.domain)) throw new StreamError('host-unknown')
    if (version === undefined || !/^1\.\d+$/.test(version)) throw new StreamError('unsupported-version')
    if (this.connection.secure) this.#context.onProgress(this)
    this.sendFeatures()
  }

  /** RFC 6120 §4.3.2 */
  sendFeatures(): void {
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

  #read(chunk: Buffer): void {
    try {
      const taken = this.#parser.write(chunk)
      if (taken === chunk.length || this.#closed) return
      this.#unread.unshift(chunk.subarray(taken))
      this.#unreadBytes += chunk.length - taken
    } catch (error) {
      this.#failWith(error)
    }
  }

  /** RFC 6120 §10.1: the elements of one stream are handled in order, each before the next is read. */
  #onElement(element: Element): void {
    this.#uncharged++
    if (this.#closing || (this.#deaf && !isAcknowledgement(element))) return
    const pending = this.#dispatch(element)
    if (!(pending instanceof Promise)) return
    this.#busy = true
    this.#parser.pause()
    void this.#finishPending(pending)
  }

  async #finishPending(pending: Promise<void>): Promise<void> {
    try {
      await pending
    } catch (error) {
      this.#failWith(error)
    }
    this.#busy = false
    this.#readOn()
  }

  #readOn(): void {
    while (!this.#busy && !this.#closed) {
      const chunk = this.#unread.shift()
      if (!chunk) break
      this.#unreadBytes -= chunk.length
      this.#read(chunk)
    }
    if (this.#gone && !this.#busy) this.#finish(false)
    this.#regulate()
  }

  /** Reads from the socket only what can be handled soon. */
  #regulate(): void {
    if (this.#closed) return
    const { unreadBytesMax } = this.#context.limits
    if (this.#throttled || this.#slowed || this.#unreadBytes > unreadBytesMax) this.connection.pause()
    else this.connection.resume()
  }

  /** Once for each chunk, not for each stanza. Who sends too much is read later, and loses nothing. */
  #charge(bytes: number): void {
    const { clock } = this.#context
    const now = clock.monotonic()
    this.#bytes.charge(now, bytes)
    this.#elements.charge(now, this.#uncharged)
    this.#uncharged = 0
    const waitMs = Math.max(this.#bytes.waitMs(now, 0), this.#elements.waitMs(now, 0))
    if (waitMs === 0 || this.#slowed || this.#closed) return
    this.#slowed = clock.after(waitMs, () => {
      this.#slowed = undefined
      this.#regulate()
    })
    this.#regulate()
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
    this.#throttled = true
    this.#regulate()
    session.inbox.whenBelow(this.#context.limits.unsafeMax / 2, () => {
      this.#throttled = false
      this.#regulate()
    })
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
    this.#slowed?.[Symbol.dispose]()
    this.#parser.stop()
    this.#unread = []
    this.connection.end()
    const { session } = this
    this.session = undefined
    try {
      if (session) this.#context.onSessionDetached(session, clean)
    } catch (error) {
      this.#context.events.streamCrashed(error) // nobody above could answer: this may be a timer or a socket's event
    }
    this.#context.onClosed(this)
  }
}

/** RFC 6120 §4.7.2: a domain, in whatever case; anything else is nobody's. */
function domainOf(to: string): string {
  try {
    const { local, domain, resource } = parseJid(to)
    return local === '' && resource === '' ? domain : ''
  } catch (error) {
    if (error instanceof JidError) return ''
    throw error
  }
}

/** XEP-0198 §4, or the answer to a ping that stood for a request of one. */
function isAcknowledgement(element: Element): boolean {
  if (element.ns === NS_SM) return element.name === 'a'
  return element.is('iq', NS_CLIENT) && element.attrs['type'] === 'result'
}

function isStanzaName(name: string): boolean {
  return name === 'message' || name === 'iq' || name === 'presence'
}
