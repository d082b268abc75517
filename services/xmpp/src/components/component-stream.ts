/**
 * XEP-0114 Jabber Component Protocol, "accept": the stream of an external component. After its handshake it sends as whoever it likes within its domain; the protocol has
 * neither TLS nor acknowledgements, so it belongs on a network that is trusted, and what was written counts as taken.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { tryParseJid } from '@sealpost/jid'
import { Budget, type BudgetRate, type Clock, type Random } from '@sealpost/runtime'
import {
  type Element,
  element,
  escapeXml,
  NS_CLIENT,
  NS_COMPONENT,
  NS_PING,
  NS_STREAM,
  StanzaError,
  StreamError,
  StreamParser,
} from '@sealpost/stanza'
import type { Sender } from '../core/module.ts'
import type { XmppEvents } from '../events.ts'
import type { Connection } from '../transports/connection.ts'
import type { ConnectionHandler } from '../transports/tcp.ts'
import { fromComponent, toComponent } from './component-namespace.ts'

const HANDSHAKE_BYTES_MAX = 10_000
const STANZA_BYTES_MAX = 262_144
/** From the connection to the handshake. */
const NEGOTIATION_MS = 10_000
/** Stanzas that are being handled or wait for that; beyond it the socket is not read. */
const WAITING_MAX = 100
/** What one component may send; beyond it the socket is not read for as long as that takes. */
const BYTES_RATE: BudgetRate = { burst: 16 * 1024 * 1024, perSecond: 4 * 1024 * 1024 }
const STREAM_ID_BYTES = 18
/** A component that was silent for so long is asked whether it is there, and after as long again is gone: the senders of what is lost meanwhile are not told. */
const SILENT_MS = 30_000

/** What the streams of all components share. */
export interface ComponentContext {
  /** The server's own domain. */
  readonly host: string
  /** The secret of a component; undefined for a domain that nobody configured. */
  secretOf(domain: string): string | undefined
  /** Whether a component of this domain is connected. */
  isTaken(domain: string): boolean
  onConnected(): void
  onGone(): void
  /** The stream is over, whether it was ever trusted or not. */
  onEnded(): void
  route(sender: Sender, stanza: Element): Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly events: XmppEvents
}

const STANZAS = ['message', 'presence', 'iq']

export class ComponentStream implements ConnectionHandler {
  /** The component's; empty until it said so. */
  domain = ''
  readonly #connection: Connection
  readonly #context: ComponentContext
  readonly #parser: StreamParser
  readonly #id: string
  readonly #bytes: Budget
  readonly #deadline: Disposable
  #headerSent = false
  #trusted = false
  #closed = false
  /** The last stanza that is under way, and how many are: they are handled in order (RFC 6120 §10.1). */
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #slowed: Disposable | undefined
  #watch: Disposable | undefined
  /** Since it was looked after last: anything was read; it was asked whether it is there. */
  #heard = false
  #asked = false

  constructor(connection: Connection, context: ComponentContext) {
    this.#connection = connection
    this.#context = context
    this.#id = context.random.token(STREAM_ID_BYTES)
    this.#bytes = new Budget(BYTES_RATE, context.clock.monotonic())
    this.#parser = new StreamParser(
      {
        onHeader: (header, contentNs) => this.#onHeader(header, contentNs),
        onElement: (received) => this.#onElement(received),
        onClose: () => this.#close(),
      },
      HANDSHAKE_BYTES_MAX,
    )
    this.#deadline = context.clock.after(NEGOTIATION_MS, () =>
      this.#fail(new StreamError('connection-timeout')),
    )
  }

  receive(chunk: Buffer): void {
    if (this.#closed) return
    this.#heard = true
    try {
      this.#parser.write(chunk)
    } catch (error) {
      this.#failWith(error)
    }
    this.#charge(chunk.length)
  }

  disconnected(): void {
    this.#finish()
  }

  shutDown(): void {
    this.#fail(new StreamError('system-shutdown'))
  }

  /** It may not come from there, or too many are shaking hands. */
  refuse(): void {
    this.#fail(new StreamError('policy-violation'))
  }

  /** Hands a stanza over. Throws StanzaError when the component does not read what it gets. */
  take(stanza: Element): void {
    if (this.#connection.congested) throw new StanzaError('wait', 'resource-constraint')
    this.#connection.write(toComponent(stanza))
  }

  #onHeader({ attrs: { to } }: Element, contentNs: string): void {
    this.domain = domainOf(to ?? '')
    this.#sendHeader()
    if (contentNs !== NS_COMPONENT) throw new StreamError('invalid-namespace')
    if (this.#context.secretOf(this.domain) === undefined) throw new StreamError('host-unknown')
    if (this.#context.isTaken(this.domain)) throw new StreamError('conflict')
  }

  #sendHeader(): void {
    this.#headerSent = true
    this.#connection.write(
      `<?xml version='1.0'?><stream:stream xmlns='${NS_COMPONENT}' xmlns:stream='${NS_STREAM}' ` +
        `from='${escapeXml(this.domain)}' id='${this.#id}'>`,
    )
  }

  #onElement(received: Element): void {
    if (this.#closed) return
    if (!this.#trusted) return this.#shakeHands(received)
    if (received.ns !== NS_COMPONENT || !STANZAS.includes(received.name))
      throw new StreamError('unsupported-stanza-type')
    const stanza = fromComponent(received)
    const sender = this.#senderOf(stanza)
    this.#waiting++
    this.#regulate()
    this.#last = this.#handle(this.#last, sender, stanza)
  }

  async #handle(before: Promise<void>, sender: Sender, stanza: Element): Promise<void> {
    await before
    try {
      if (!this.#closed) await this.#context.route(sender, stanza)
    } catch (error) {
      this.#failWith(error)
    }
    this.#waiting--
    this.#regulate()
  }

  /** XEP-0114 §3: SHA-1 of the stream's id and the secret, in hexadecimal. */
  #shakeHands(handshake: Element): void {
    const secret = this.#context.secretOf(this.domain)
    if (secret === undefined || !handshake.is('handshake', NS_COMPONENT))
      throw new StreamError('not-authorized')
    const expected = createHash('sha1')
      .update(this.#id + secret)
      .digest('hex')
    if (!isSame(handshake.text().trim(), expected)) throw new StreamError('not-authorized')
    if (this.#context.isTaken(this.domain)) throw new StreamError('conflict')
    this.#trusted = true
    this.#deadline[Symbol.dispose]()
    this.#parser.limit(STANZA_BYTES_MAX)
    this.#connection.write('<handshake/>')
    this.#context.onConnected()
    this.#watch = this.#context.clock.after(SILENT_MS, () => this.#lookAfter())
  }

  /** The host of a component may vanish without a word, and TCP says so after a quarter of an hour: XEP-0199 §4.4. Whatever it sends is a sign of life, unless it is us who do not read. */
  #lookAfter(): void {
    const isAlive = this.#heard || this.#slowed !== undefined || this.#waiting > WAITING_MAX
    if (!isAlive && this.#asked) return this.#fail(new StreamError('connection-timeout'))
    if (!isAlive) this.#ask()
    this.#asked = !isAlive
    this.#heard = false
    this.#watch = this.#context.clock.after(SILENT_MS, () => this.#lookAfter())
  }

  #ask(): void {
    if (this.#connection.congested) return
    const attrs = {
      type: 'get',
      id: this.#context.random.token(9),
      from: this.#context.host,
      to: this.domain,
    }
    this.#connection.write(toComponent(element('iq', NS_CLIENT, attrs, element('ping', NS_PING))))
  }

  /** XEP-0114 §3: the domain of `from` must be the component's; nothing else is asked of it. */
  #senderOf(stanza: Element): Sender {
    const jid = tryParseJid(stanza.attrs['from'] ?? '')
    if (jid?.domain !== this.domain) throw new StreamError('invalid-from')
    return { jid, send: (answer) => this.#answer(answer) }
  }

  #answer(stanza: Element): void {
    if (!this.#closed) this.#connection.write(toComponent(stanza))
  }

  /** Who sends too much is read later, and loses nothing. */
  #charge(bytes: number): void {
    const { clock } = this.#context
    this.#bytes.charge(clock.monotonic(), bytes)
    const waitMs = this.#bytes.waitMs(clock.monotonic(), 0)
    if (waitMs > 0 && !this.#slowed && !this.#closed) {
      this.#slowed = clock.after(waitMs, () => {
        this.#slowed = undefined
        this.#regulate()
      })
    }
    this.#regulate()
  }

  #regulate(): void {
    if (this.#closed) return
    if (this.#slowed || this.#waiting > WAITING_MAX) this.#connection.pause()
    else this.#connection.resume()
  }

  #failWith(error: unknown): void {
    if (error instanceof StreamError) return this.#fail(error)
    this.#context.events.streamCrashed(error)
    this.#fail(new StreamError('internal-server-error'))
  }

  #fail(error: StreamError): void {
    if (this.#closed) return
    this.#context.events.componentFailed(error.condition)
    if (!this.#headerSent) this.#sendHeader()
    this.#connection.write(`${error.toXml()}</stream:stream>`)
    this.#finish()
  }

  #close(): void {
    this.#connection.write('</stream:stream>')
    this.#finish()
  }

  #finish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#deadline[Symbol.dispose]()
    this.#slowed?.[Symbol.dispose]()
    this.#watch?.[Symbol.dispose]()
    this.#parser.stop()
    this.#connection.end()
    if (this.#trusted) this.#context.onGone()
    this.#context.onEnded()
  }
}

function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function domainOf(text: string): string {
  const jid = tryParseJid(text)
  return jid?.local === '' && jid.resource === '' ? jid.domain : ''
}
