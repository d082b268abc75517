/**
 * From a session's stanza to its handler: addressing by RFC 6120 §10 and RFC 6121 §8. It knows no feature:
 * IQ requests go to the module that registered for them, messages and presence are events.
 */
import { type Jid, tryParseJid } from '@sealpost/jid'
import type { Clock, MaybePromise } from '@sealpost/runtime'
import { type Element, errorReply, iqResult, StanzaError, StreamError } from '@sealpost/stanza'
import type { StanzaKind, XmppEvents } from '../events.ts'
import type { AccountDirectory, AccountRef } from './account-directory.ts'
import { chain } from './chain.ts'
import type { Destinations } from './destinations.ts'
import { evenly, failEvenly } from './evenly.ts'
import type { AddressedStanza, IqTarget, Receipt } from './module.ts'
import { type ModuleTable, unhandled } from './module-loader.ts'
import type { Requests } from './requests.ts'
import type { SessionRegistry } from './session-registry.ts'
import type { Session } from './session.ts'

const JIDS_CACHED_MAX = 50_000
/** Longer addresses are rare, and would make the cache large. */
const JID_CACHED_CHARS_MAX = 128

export interface RouterOptions {
  readonly table: ModuleTable
  readonly sessions: SessionRegistry
  readonly destinations: Destinations
  readonly accounts: AccountDirectory
  readonly requests: Requests
  readonly domains: readonly string[]
  readonly clock: Clock
  /** After how long it shows what came of a stanza whose recipient may not exist (R14 of docs/delivery.md). */
  readonly refusalMs: number
  readonly events: XmppEvents
}

export class Router {
  readonly #options: RouterOptions
  readonly #domains: ReadonlySet<string>
  readonly #jids = new Map<string, Jid>()

  constructor(options: RouterOptions) {
    this.#options = options
    this.#domains = new Set(options.domains)
  }

  /** Handles one stanza of a session; a promise only when something had to be waited for. Never rejects but with StreamError. */
  route(session: Session, stanza: Element): MaybePromise<void> {
    const receipt = session.inbox.receive() // XEP-0198 §4: every stanza counts, also one that is refused
    this.#options.events.stanzas[stanza.name as StanzaKind] += 1
    try {
      const pending = this.#dispatch(session, stanza, receipt)
      if (pending instanceof Promise) return this.#finish(session, stanza, receipt, pending)
    } catch (error) {
      this.#refuse(session, stanza, receipt, error)
    }
    receipt.release()
  }

  async #finish(session: Session, stanza: Element, receipt: Receipt, pending: Promise<void>): Promise<void> {
    try {
      await pending
    } catch (error) {
      this.#refuse(session, stanza, receipt, error)
    }
    receipt.release()
  }

  #dispatch(session: Session, stanza: Element, receipt: Receipt): MaybePromise<void> {
    const stamped = stanza.withAttrs({ from: this.#checkedFrom(session, stanza), to: stanza.attrs['to'] })
    const to = this.#parseTo(stamped)
    if (stanza.name === 'iq' && stanza.attrs['id'] === undefined)
      throw new StanzaError('modify', 'bad-request') // RFC 6120 §8.2.3
    if (to && !this.#domains.has(to.domain))
      return this.#routeElsewhere({ sender: session, session, stanza: stamped, to, receipt })
    if (stanza.name === 'iq') return this.#routeIq(session, stamped, to)
    if (stanza.name === 'presence') return this.#routePresence(session, stamped, to)
    return this.#routeMessage(session, stamped, to ?? session.jid.bare, receipt)
  }

  /** RFC 6120 §8.1.2.1: a `from` must be the session's own bare or full JID; it is always stamped with the full one. */
  #checkedFrom(session: Session, stanza: Element): string {
    const from = stanza.attrs['from']
    if (from === undefined || from === session.jidText) return session.jidText
    const claimed = tryParseJid(from)
    if (!claimed?.equals(session.jid) && !claimed?.equals(session.jid.bare))
      throw new StreamError('invalid-from')
    return session.jidText
  }

  #parseTo(stanza: Element): Jid | undefined {
    const given = stanza.attrs['to']
    if (given === undefined || given === '') return undefined
    const cached = this.#jids.get(given)
    if (cached) return cached
    const text = Buffer.from(given).toString() // a copy: a slice would keep the whole stanza in the cache
    const jid = tryParseJid(text)
    if (!jid) throw new StanzaError('modify', 'jid-malformed') // RFC 6120 §8.3.3.8
    if (text.length > JID_CACHED_CHARS_MAX) return jid
    if (this.#jids.size >= JIDS_CACHED_MAX) this.#jids.clear()
    this.#jids.set(text, jid)
    return jid
  }

  /** To a domain that no account has: somebody may speak for it, or a module serve it. */
  #routeElsewhere(event: AddressedStanza): MaybePromise<void> {
    const { session, stanza, to, receipt } = event
    const destination = this.#options.destinations.find(to.domain)
    if (destination && stanza.name === 'message') return this.#routeMessage(session, stanza, to, receipt)
    if (destination && stanza.name === 'presence') return this.#routePresence(session, stanza, to)
    if (destination) return chain(this.#checkIq(session, stanza, to), () => destination.take(stanza))
    return chain(this.#options.table.hooks.fire('stanza/elsewhere', event), (taken) => {
      if (!taken) throw new StanzaError('cancel', 'remote-server-not-found')
    })
  }

  #routeMessage(session: Session, stanza: Element, to: Jid, receipt: Receipt): MaybePromise<void> {
    const { hooks } = this.#options.table
    if (to.local === '' && this.#domains.has(to.domain)) throw unhandled()
    const event = { sender: session, session, stanza, to, receipt }
    const filtered = hooks.fire('message/outbound', event)
    if (filtered instanceof Promise) {
      return filtered.then((result) =>
        this.#refuseEvenly((async () => hooks.fire('message/deliver', result ?? event))()),
      )
    }
    try {
      const delivered = hooks.fire('message/deliver', filtered ?? event)
      return delivered instanceof Promise ? this.#refuseEvenly(delivered) : undefined
    } catch (error) {
      return this.#refuseEvenly(Promise.reject(error))
    }
  }

  /** Nobody is there, or does not take it: when that is said must not tell which. */
  async #refuseEvenly(work: Promise<unknown>): Promise<void> {
    const { clock, refusalMs } = this.#options
    await failEvenly(clock, refusalMs, work)
  }

  #routePresence(session: Session, stanza: Element, to: Jid | undefined): MaybePromise<void> {
    if (to && to.local === '' && this.#domains.has(to.domain)) return // presence to the server itself means nothing here
    const handled = this.#options.table.hooks.fire('presence/outbound', { session, stanza, to })
    if (!(handled instanceof Promise)) return
    const done = handled.then(() => undefined)
    if (!to || !looksUp(stanza)) return done
    const { clock, refusalMs } = this.#options
    return evenly(clock, refusalMs, done) // nobody is told anything, but the stream's next stanza waits for it
  }

  #routeIq(session: Session, stanza: Element, to: Jid | undefined): MaybePromise<void> {
    const { type } = stanza.attrs
    if (type === 'result' || type === 'error') return this.#routeAnswer(session, stanza, to)
    return this.#routeRequest(session, stanza, to)
  }

  #routeRequest(session: Session, stanza: Element, to: Jid | undefined): MaybePromise<void> {
    const { type } = stanza.attrs
    if (type !== 'get' && type !== 'set') throw new StanzaError('modify', 'bad-request')
    const payloads = stanza.elements()
    const query = payloads[0]
    if (!query || payloads.length !== 1) throw new StanzaError('modify', 'bad-request')
    if (to && to.resource !== '' && to.local !== '')
      return chain(this.#checkIq(session, stanza, to), () => this.#forward(stanza, to))
    if (to && to.local !== '' && !to.equals(session.jid.bare))
      return this.#routeToAccount(session, stanza, query, to)
    const target = to && to.local === '' ? 'host' : 'self'
    return this.#handleIq(session, stanza, query, target, target === 'self' ? session.account : undefined)
  }

  async #routeToAccount(session: Session, stanza: Element, query: Element, to: Jid): Promise<void> {
    // RFC 6121 §8.5.1: an account that is none answers like one that tells strangers nothing
    const handle = async () => {
      await this.#checkIq(session, stanza, to)
      return this.#handleIq(session, stanza, query, 'account', await this.#options.accounts.findOrDecoy(to))
    }
    await this.#refuseEvenly(handle())
  }

  #handleIq(
    session: Session,
    stanza: Element,
    query: Element,
    target: IqTarget,
    owner: AccountRef | undefined,
  ): MaybePromise<void> {
    const type = stanza.attrs['type'] === 'get' ? 'get' : 'set'
    const handler = this.#options.table.iqHandler(type, target, query.ns, query.name)
    if (!handler) throw unhandled()
    const answer = handler({ session, stanza, query, target, owner })
    if (answer instanceof Promise) return answer.then((payload) => session.send(iqResult(stanza, payload)))
    session.send(iqResult(stanza, answer))
  }

  /** To others, modules may refuse it. */
  #checkIq(session: Session, stanza: Element, to: Jid): MaybePromise<undefined> {
    if (to.bare.equals(session.account.jid)) return undefined
    return this.#options.table.hooks.fire('iq/outbound', { sender: session, session, stanza, to })
  }

  /** RFC 6121 §8.5.3: an IQ to a full JID is delivered or answered, never kept. */
  #forward(stanza: Element, to: Jid): void {
    const target = this.#options.sessions.find(to)
    if (!target) throw unhandled()
    target.send(stanza)
  }

  #routeAnswer(session: Session, stanza: Element, to: Jid | undefined): MaybePromise<void> {
    if (to && to.resource !== '' && to.local !== '')
      return chain(this.#checkIq(session, stanza, to), () => this.#options.sessions.find(to)?.send(stanza))
    if (session.outbox.barrierAnswered(stanza.attrs['id'] ?? '')) return
    this.#options.requests.answer(session, stanza)
  }

  /** Answers a stanza that failed; never answers errors or results (RFC 6120 §8.3.1). */
  #refuse(session: Session, stanza: Element, receipt: Receipt, error: unknown): void {
    if (error instanceof StreamError) {
      receipt.release() // answered by the end of the stream; a resumed session must not wait for it
      throw error
    }
    receipt.refuse()
    const answer = error instanceof StanzaError ? error : new StanzaError('wait', 'internal-server-error')
    if (!(error instanceof StanzaError)) this.#options.events.stanzaFailed(error)
    const { type } = stanza.attrs
    if (type === 'error' || (stanza.name === 'iq' && type === 'result')) return
    session.send(errorReply(stanza.withAttrs({ from: session.jidText }), answer))
  }
}

/** Presence that looks up the account it is for (RFC 6121 §3, §4.3). */
function looksUp({ attrs: { type } }: Element): boolean {
  return type !== undefined && type !== 'unavailable' && type !== 'error'
}
