/**
 * Stanzas from domains that are not served here (core/destinations.ts), `from` checked by who brings them. Messages take the way of all messages; presence is shown
 * to who is there, subscriptions are refused; of IQ requests those to a session are passed on, and the server says what it is. Everything else is answered as
 * strangers are.
 */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import type { Clock, MaybePromise } from '@sealpost/runtime'
import {
  type Element,
  errorReply,
  iqResult,
  NS_DISCO_INFO,
  NS_PING,
  StanzaError,
  StreamError,
} from '@sealpost/stanza'
import type { XmppEvents } from '../events.ts'
import { chain } from './chain.ts'
import type { Destinations } from './destinations.ts'
import { failEvenly } from './evenly.ts'
import type { Receipt, Sender } from './module.ts'
import { type ModuleTable, unhandled } from './module-loader.ts'
import type { Requests } from './requests.ts'
import type { SessionRegistry } from './session-registry.ts'

export interface ForeignRouterOptions {
  readonly table: ModuleTable
  readonly sessions: SessionRegistry
  readonly destinations: Destinations
  readonly requests: Requests
  readonly domains: readonly string[]
  readonly clock: Clock
  /** As for sessions: Router. */
  readonly refusalMs: number
  readonly events: XmppEvents
}

const refuse = {
  notFound: () => new StanzaError('cancel', 'remote-server-not-found'),
  subscription: () => new StanzaError('cancel', 'feature-not-implemented'),
  malformed: () => new StanzaError('modify', 'bad-request'),
} as const

const SUBSCRIPTIONS = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']

/** Nobody counts the stanzas of a stream without acknowledgements. */
const NO_RECEIPT: Receipt = {
  done: true,
  refused: false,
  whenDone: (then) => then(),
  hold: () => undefined,
  release: () => undefined,
  refuse: () => undefined,
}

export class ForeignRouter {
  readonly #options: ForeignRouterOptions

  constructor(options: ForeignRouterOptions) {
    this.#options = options
  }

  /** Rejects with nothing but StreamError. */
  async route(sender: Sender, stanza: Element): Promise<void> {
    const to = recipientOf(stanza)
    try {
      await this.#dispatch(sender, stanza, to)
    } catch (error) {
      this.#refuse(sender, stanza, error)
    }
  }

  #dispatch(sender: Sender, stanza: Element, to: Jid): MaybePromise<unknown> {
    if (stanza.name === 'message') return this.#routeMessage(sender, stanza, to)
    if (!this.#options.domains.includes(to.domain)) return this.#passOn(stanza, to)
    return stanza.name === 'iq' ? this.#routeIq(sender, stanza, to) : this.#routePresence(sender, stanza, to)
  }

  #passOn(stanza: Element, to: Jid): void {
    const destination = this.#options.destinations.find(to.domain)
    if (!destination) throw refuse.notFound()
    destination.take(stanza)
  }

  #routeMessage(sender: Sender, stanza: Element, to: Jid): MaybePromise<unknown> {
    const { table, clock, refusalMs } = this.#options
    const message = { sender, session: undefined, stanza, to, receipt: NO_RECEIPT }
    const deliver = async () => {
      if ((await table.hooks.fire('message/foreign', message)) === true) return
      if (to.local === '' && this.#options.domains.includes(to.domain)) throw unhandled()
      const filtered = await table.hooks.fire('message/outbound', message)
      await table.hooks.fire('message/deliver', filtered ?? message)
    }
    return failEvenly(clock, refusalMs, deliver())
  }

  #routeIq(sender: Sender, stanza: Element, to: Jid): MaybePromise<unknown> {
    const { type, id } = stanza.attrs
    if (id === undefined) throw refuse.malformed() // RFC 6120 §8.2.3
    if (type === 'result' || type === 'error') return this.#routeAnswer(sender, stanza, to)
    const [query, ...others] = stanza.elements()
    if ((type !== 'get' && type !== 'set') || !query || others.length > 0) throw refuse.malformed()
    if (to.resource !== '' && to.local !== '') return this.#forward(sender, stanza, to)
    if (to.local === '' && type === 'get') return this.#describe(sender, stanza, query)
    throw unhandled() // of an account as of none (RFC 6121 §8.5.1)
  }

  #forward(sender: Sender, stanza: Element, to: Jid): MaybePromise<void> {
    const target = this.#options.sessions.find(to)
    if (!target) throw unhandled()
    const checked = this.#options.table.hooks.fire('iq/outbound', { sender, session: undefined, stanza, to })
    return chain(checked, () => target.send(stanza))
  }

  /** What the server says to everybody: that it is there (XEP-0199), and what it can (XEP-0030 §3.1). */
  #describe(sender: Sender, stanza: Element, query: Element): MaybePromise<void> {
    const { hooks } = this.#options.table
    if (query.is('ping', NS_PING)) return sender.send(iqResult(stanza))
    if (!query.is('query', NS_DISCO_INFO) || query.attrs['node'] !== undefined) throw unhandled()
    return chain(hooks.fire('disco/foreign', { from: sender.jid }), (info) => {
      if (!info) throw unhandled()
      sender.send(iqResult(stanza, query.withChildren(info)))
    })
  }

  #routeAnswer(sender: Sender, stanza: Element, to: Jid): MaybePromise<void> {
    if (to.resource !== '' && to.local !== '') {
      const event = { sender, session: undefined, stanza, to }
      return chain(this.#options.table.hooks.fire('iq/outbound', event), () =>
        this.#options.sessions.find(to)?.send(stanza),
      )
    }
    this.#options.requests.answerFrom(sender.jid, stanza)
  }

  #routePresence(sender: Sender, stanza: Element, to: Jid): MaybePromise<unknown> {
    const type = stanza.attrs['type'] ?? 'available'
    if (SUBSCRIPTIONS.includes(type)) throw refuse.subscription()
    if (to.local === '' || !['available', 'unavailable', 'error'].includes(type)) return undefined
    return this.#options.table.hooks.fire('presence/foreign', { sender, stanza, to })
  }

  #refuse(sender: Sender, stanza: Element, error: unknown): void {
    if (error instanceof StreamError) throw error
    const answer = error instanceof StanzaError ? error : new StanzaError('wait', 'internal-server-error')
    if (!(error instanceof StanzaError)) this.#options.events.stanzaFailed(error)
    const { type } = stanza.attrs
    if (type === 'error' || (stanza.name === 'iq' && type === 'result')) return // RFC 6120 §8.3.1
    sender.send(errorReply(stanza, answer))
  }
}

/** RFC 6120 §8.1.1.2, as between servers. */
function recipientOf({ attrs: { to } }: Element): Jid {
  try {
    if (to !== undefined && to !== '') return parseJid(to)
  } catch (error) {
    if (!(error instanceof JidError)) throw error
  }
  throw new StreamError('improper-addressing')
}
