/** IQ requests that the server itself sends (RFC 6120 §8.2.3), to sessions and to other domains, matched with their answers. */
import type { Jid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import {
  type Element,
  element,
  NS_CLIENT,
  NS_STANZAS,
  StanzaError,
  stanzaErrorConditions,
} from '@sealpost/stanza'
import type { Destination, Destinations } from './destinations.ts'
import type { Session } from './session.ts'

const REQUEST_TIMEOUT_MS = 30_000
const REQUESTS_PER_SESSION_MAX = 16
const REQUESTS_PER_DOMAIN_MAX = 1_000

/** Whom a request is for. */
type Peer = Session | Destination

interface Pending {
  readonly peer: Peer
  /** Who must answer, when the peer speaks for many. */
  readonly from: Jid | undefined
  readonly timer: Disposable
  settle(answer: Element | undefined): void
}

export interface RequestsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly destinations: Destinations
}

export class Requests {
  readonly #pending = new Map<string, Pending>()
  readonly #perPeer = new WeakMap<Peer, number>()
  readonly #options: RequestsOptions

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** An IQ get. Resolves with the result's payload-carrying IQ; rejects with StanzaError `remote-server-timeout` after 30 s. */
  send(session: Session, payload: Element): Promise<Element> {
    return this.#open(session, REQUESTS_PER_SESSION_MAX, undefined, (id) =>
      session.send(
        element('iq', NS_CLIENT, { type: 'get', id, from: session.jid.domain, to: session.jidText }, payload),
      ),
    )
  }

  /** An IQ set to somebody of a domain that is not served here. */
  async sendAway(from: Jid, to: Jid, payload: Element): Promise<Element> {
    const destination = this.#options.destinations.find(to.domain)
    if (!destination) throw new StanzaError('cancel', 'remote-server-not-found')
    return this.#open(destination, REQUESTS_PER_DOMAIN_MAX, to, (id) => {
      const attrs = { type: 'set', id, from: from.toString(), to: to.toString() }
      destination.take(element('iq', NS_CLIENT, attrs, payload))
    })
  }

  #open(peer: Peer, max: number, from: Jid | undefined, send: (id: string) => void): Promise<Element> {
    const count = this.#perPeer.get(peer) ?? 0
    if (count >= max) return Promise.reject(new StanzaError('wait', 'resource-constraint'))
    this.#perPeer.set(peer, count + 1)
    const { clock, random } = this.#options
    const id = random.token(12)
    const { promise, resolve, reject } = Promise.withResolvers<Element>()
    const close = () => {
      this.#pending.delete(id)
      this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 1) - 1)
    }
    const settle = (answer: Element | undefined) => {
      close()
      if (answer?.attrs['type'] === 'result') resolve(answer)
      else reject(answer ? refusalOf(answer) : new StanzaError('wait', 'remote-server-timeout'))
    }
    const timer = clock.after(REQUEST_TIMEOUT_MS, () => settle(undefined))
    this.#pending.set(id, { peer, from, timer, settle })
    try {
      send(id)
    } catch (error) {
      timer[Symbol.dispose]()
      close()
      throw error
    }
    return promise
  }

  /** Takes an IQ result or error addressed to the server; false when nobody waits for it. */
  answer(session: Session, answer: Element): boolean {
    return this.#answer(answer, ({ peer }) => peer === session)
  }

  /** The same from another domain. */
  answerFrom(jid: Jid, answer: Element): boolean {
    return this.#answer(answer, ({ from }) => from?.equals(jid) === true)
  }

  #answer(answer: Element, isAsked: (pending: Pending) => boolean): boolean {
    const pending = this.#pending.get(answer.attrs['id'] ?? '')
    if (!pending || !isAsked(pending)) return false
    pending.timer[Symbol.dispose]()
    pending.settle(answer)
    return true
  }

  /** It does not answer any more; without a peer, nobody does. */
  forget(peer?: Peer): void {
    for (const pending of this.#pending.values()) {
      if (peer && pending.peer !== peer) continue
      pending.timer[Symbol.dispose]()
      pending.settle(undefined)
    }
  }
}

const TYPES = ['auth', 'cancel', 'continue', 'modify', 'wait'] as const

/** RFC 6120 §8.3.2: what somebody answered, without their words. */
function refusalOf(answer: Element): StanzaError {
  const error = answer.child('error')
  const type = TYPES.find((each) => each === error?.attrs['type']) ?? 'cancel'
  const condition = stanzaErrorConditions.find((name) => error?.child(name, NS_STANZAS))
  return new StanzaError(type, condition ?? 'undefined-condition')
}
