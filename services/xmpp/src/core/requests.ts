/** IQ requests that the server itself sends to a session (RFC 6120 §8.2.3), matched with their answers. */
import type { Clock, Random } from '@sealpost/runtime'
import { type Element, element, NS_CLIENT, StanzaError } from '@sealpost/stanza'
import type { Session } from './session.ts'

const REQUEST_TIMEOUT_MS = 30_000
const REQUESTS_PER_SESSION_MAX = 16

interface Pending {
  readonly session: Session
  readonly timer: Disposable
  settle(answer: Element | undefined): void
}

export class Requests {
  readonly #pending = new Map<string, Pending>()
  readonly #perSession = new WeakMap<Session, number>()
  readonly #clock: Clock
  readonly #random: Random

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** Resolves with the result's payload-carrying IQ; rejects with StanzaError `remote-server-timeout` after 30 s. */
  send(session: Session, payload: Element): Promise<Element> {
    const count = this.#perSession.get(session) ?? 0
    if (count >= REQUESTS_PER_SESSION_MAX)
      return Promise.reject(new StanzaError('wait', 'resource-constraint'))
    this.#perSession.set(session, count + 1)
    const id = this.#random.token(12)
    const { promise, resolve, reject } = Promise.withResolvers<Element>()
    const settle = (answer: Element | undefined) => {
      this.#pending.delete(id)
      this.#perSession.set(session, (this.#perSession.get(session) ?? 1) - 1)
      if (answer?.attrs['type'] === 'result') resolve(answer)
      else reject(new StanzaError('cancel', answer ? 'undefined-condition' : 'remote-server-timeout'))
    }
    const timer = this.#clock.after(REQUEST_TIMEOUT_MS, () => settle(undefined))
    this.#pending.set(id, { session, timer, settle })
    session.send(
      element('iq', NS_CLIENT, { type: 'get', id, from: session.jid.domain, to: session.jidText }, payload),
    )
    return promise
  }

  /** Takes an IQ result or error addressed to the server; false when nobody waits for it. */
  answer(session: Session, answer: Element): boolean {
    const pending = this.#pending.get(answer.attrs['id'] ?? '')
    if (pending?.session !== session) return false
    pending.timer[Symbol.dispose]()
    pending.settle(answer)
    return true
  }

  /** Nobody answers any more; without a session, none of them does. */
  forget(session?: Session): void {
    for (const pending of this.#pending.values()) {
      if (session && pending.session !== session) continue
      pending.timer[Symbol.dispose]()
      pending.settle(undefined)
    }
  }
}
