/**
 * RFC 6121 §3 and §4: subscriptions and presence between local accounts. Presence lives in the sessions only: nothing of
 * it is stored, so a subscription request is shown again without the text that came with it.
 */
import { type Jid, parseJid } from '@sealpost/jid'
import { Budget, type BudgetRate, type MaybePromise } from '@sealpost/runtime'
import { type Element, element, NS_CLIENT, StanzaError } from '@sealpost/stanza'
import {
  type AccountRef,
  chain,
  defineModule,
  type Module,
  type ModuleHost,
  type OutboundPresence,
  type Provided,
  type Session,
} from '../../core/module.ts'
import { fanOut } from './fan-out.ts'
import { addressable, readPriority } from './presence-stanza.ts'
import { Subscriptions } from './subscriptions.ts'

declare module '../../core/module.ts' {
  interface Provided {
    /** Sends to many sessions in slices. */
    fanOut: typeof fanOut
    presence: {
      /** Broadcasts what the session showed last once more, since something that the server adds to it changed. Nothing when it shows nothing. */
      showAgain(session: Session): Promise<void>
    }
  }
  interface Hooks {
    /** Available presence on its way to others; a returned element replaces it. */
    'presence/shown'(event: { readonly session: Session; readonly stanza: Element }): Element
    /** `viewer` may see the presence of `owner` from now on. */
    'presence/subscribed'(event: { readonly owner: AccountRef; readonly viewer: AccountRef }): undefined
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    presenceBudget?: Budget
    /** `session.presence` as its client sent it. */
    presenceAsSent?: Element
    /** Whom the session showed itself to beyond its subscribers (RFC 6121 §4.6.3), by JID. */
    directedPresence?: Map<string, Jid>
  }
  interface SavedData {
    directedPresence?: string[]
  }
}

/** `burst` and `perSecond` count the presence stanzas of one session. */
export interface PresenceLimits extends BudgetRate {
  /** UTF-16 units of one stanza, since it is multiplied by the number of contacts. */
  readonly lengthMax: number
  /** Addresses that a session may show itself to beyond its subscribers. */
  readonly directedMax: number
}

export const presenceLimits: PresenceLimits = {
  burst: 100,
  perSecond: 2,
  lengthMax: 16_384,
  directedMax: 64,
}

const refuse = {
  badType: () => new StanzaError('modify', 'bad-request'),
  tooBig: () => new StanzaError('modify', 'policy-violation', 'Presence is too big'),
  tooOften: () => new StanzaError('wait', 'resource-constraint', 'Presence changes too often'),
  tooManyDirected: () =>
    new StanzaError('wait', 'resource-constraint', 'Too many addresses of directed presence'),
} as const

export function presence(limits: PresenceLimits = presenceLimits): Module {
  return defineModule({
    name: 'presence',
    implements: ['RFC 6121'],
    depends: ['roster'],
    setup(host) {
      const roster = host.need('roster')
      const service = new Presence(host, roster, new Subscriptions(host, roster), limits)
      host.provide('fanOut', fanOut)
      host.provide('presence', { showAgain: (session) => service.showAgain(session) })
      host.hook('presence/outbound', (event) => service.receive(event))
      host.hook('session/closed', ({ session }) => host.spawn(service.leave(session)))
      host.hook('session/save', ({ session, saved }) => {
        const { directedPresence } = session.data
        if (directedPresence) saved.directedPresence = [...directedPresence.keys()]
      })
      host.hook('session/restored', ({ session, saved }) => {
        const directed = saved.directedPresence?.map((to) => [to, parseJid(to)] as const)
        if (directed) session.data.directedPresence = new Map(directed)
      })
      host.hook('roster/removed', ({ session, item }) => service.subscriptions.end(session, item))
    },
  })
}

class Presence {
  readonly subscriptions: Subscriptions
  readonly #host: ModuleHost
  readonly #roster: Provided['roster']
  readonly #limits: PresenceLimits

  constructor(
    host: ModuleHost,
    roster: Provided['roster'],
    subscriptions: Subscriptions,
    limits: PresenceLimits,
  ) {
    this.#host = host
    this.#roster = roster
    this.subscriptions = subscriptions
    this.#limits = limits
  }

  /** A presence stanza of a session, `from` stamped. */
  async receive(event: OutboundPresence): Promise<true> {
    const { session, stanza, to } = event
    const { type } = stanza.attrs
    if (type !== 'unavailable' && type !== 'error') this.#charge(session, stanza)
    switch (type) {
      case undefined:
        await (to ? this.#showTo(session, stanza, to) : this.#broadcast(session, stanza))
        break
      case 'unavailable':
        await (to ? this.#hideFrom(session, stanza, to) : this.#leave(session, stanza))
        break
      case 'subscribe':
      case 'subscribed':
      case 'unsubscribe':
      case 'unsubscribed':
        await this.subscriptions.send(event, type)
        break
      case 'probe':
        await this.#answerProbe(session, to)
        break
      case 'error':
        if (to && to.resource !== '')
          this.#host.sessions.find(to)?.send(stanza.withAttrs({ to: to.toString() }))
        break
      default:
        throw refuse.badType() // RFC 6121 §4.7.1
    }
    return true
  }

  /** RFC 6121 §4.5.2: a session that ended without a word is unavailable. */
  async leave(session: Session): Promise<void> {
    await this.#leave(session, element('presence', NS_CLIENT, { type: 'unavailable', from: session.jidText }))
  }

  async showAgain(session: Session): Promise<void> {
    const stanza = session.data.presenceAsSent ?? session.presence
    if (stanza && session.presence && !session.closed) await this.#broadcast(session, stanza)
  }

  async #shown(session: Session, stanza: Element): Promise<Element> {
    return (await this.#host.fire('presence/shown', { session, stanza })) ?? stanza
  }

  #charge(session: Session, stanza: Element): void {
    const now = this.#host.clock.monotonic()
    session.data.presenceBudget ??= new Budget(this.#limits, now)
    if (!session.data.presenceBudget.take(now)) throw refuse.tooOften()
    if (stanza.children.length > 0 && stanza.innerXml().length > this.#limits.lengthMax) throw refuse.tooBig()
  }

  async #broadcast(session: Session, stanza: Element): Promise<void> {
    const priority = readPriority(stanza)
    const sent = stanza.withAttrs({ to: undefined })
    const shown = await this.#shown(session, sent)
    if (session.closed) return // nobody would take it back
    const initial = session.presence === undefined
    session.presence = shown
    session.data.presenceAsSent = sent
    session.priority = priority
    await this.#host.fire('presence/available', { session, initial })
    const addressed = addressable(shown)
    const audience = await this.#audience(session)
    // Whoever overtakes us (the session closing, say) has told the rest of the audience already.
    const xmlFor = ({ jidText }: Session) => (session.presence === shown ? addressed(jidText) : undefined)
    await fanOut(audience, xmlFor, session.jidText)
    if (initial) await this.#catchUp(session)
  }

  /** Whom a broadcast goes to: subscribers (RFC 6121 §4.2.2, §4.4.2) and the account's own resources. */
  async #audience(session: Session): Promise<Session[]> {
    const { sessions } = this.#host
    const audience = sessions.available(session.account.jid)
    for (const item of (await this.#roster.items(session.account.id)).values()) {
      if (item.from) audience.push(...sessions.available(item.contact))
    }
    return audience
  }

  /** What a session that just became available has missed. */
  async #catchUp(session: Session): Promise<void> {
    const items = await this.#roster.items(session.account.id)
    const pending: Jid[] = []
    this.#sendAll(this.#host.sessions.available(session.account.jid), session) // RFC 6121 §4.2.2
    for (const item of items.values()) {
      if (item.pendingIn) pending.push(item.contact)
      if (item.to) await this.#probe(session, item.contact)
    }
    this.subscriptions.showPending(session, pending)
  }

  /** RFC 6121 §4.3.2: the contact's roster decides whether the prober may know. */
  #probe(session: Session, contact: Jid): MaybePromise<void> {
    const sessions = this.#host.sessions.available(contact)
    const account = sessions[0]?.account
    if (!account) return
    return chain(this.#roster.isSubscriber(account, session.jid), (entitled) => {
      if (entitled) this.#sendAll(sessions, session)
    })
  }

  /** The presence of these sessions to another one. */
  #sendAll(sessions: readonly Session[], viewer: Session): void {
    for (const session of sessions) {
      if (session.presence && session !== viewer)
        viewer.sendWhenActive(session.jidText, addressable(session.presence)(viewer.jidText))
    }
  }

  /** RFC 6121 §4.3: a client's own probe; who may not know gets no answer, as if there were nobody. */
  async #answerProbe(session: Session, to: Jid | undefined): Promise<void> {
    const account = to && (await this.#host.accounts.find(to))
    if (!account || !(await this.#roster.isSubscriber(account, session.jid))) return
    const sessions = this.#host.sessions.available(account.jid)
    if (sessions.length > 0) return this.#sendAll(sessions, session)
    const attrs = { type: 'unavailable', from: account.jid.toString(), to: session.jidText }
    session.send(element('presence', NS_CLIENT, attrs)) // RFC 6121 §4.3.2.2
  }

  /** RFC 6121 §4.6.2 and §4.6.3 */
  async #showTo(session: Session, stanza: Element, to: Jid): Promise<void> {
    const items = await this.#roster.items(session.account.id)
    if (session.closed) return // nobody would take it back
    const isReached = session.presence !== undefined && items.get(to.bare.toString())?.from === true
    if (!isReached) {
      const directed = (session.data.directedPresence ??= new Map<string, Jid>())
      if (directed.size >= this.#limits.directedMax && !directed.has(to.toString()))
        throw refuse.tooManyDirected()
      directed.set(to.toString(), to)
    }
    await this.#route(await this.#shown(session, stanza), to)
  }

  async #hideFrom(session: Session, stanza: Element, to: Jid): Promise<void> {
    session.data.directedPresence?.delete(to.toString())
    await this.#route(stanza, to)
  }

  /** RFC 6121 §8.5.2.1.2 and §8.5.3.1: to all available resources of a bare JID, or to exactly one. */
  #route(stanza: Element, to: Jid): MaybePromise<void> {
    const target = to.resource === '' ? undefined : this.#host.sessions.find(to)
    const sessions = to.resource === '' ? this.#host.sessions.available(to) : target ? [target] : []
    const xml = addressable(stanza)(to.toString())
    return fanOut(sessions, () => xml)
  }

  /** RFC 6121 §4.5.2 and §4.6.3: subscribers, own resources and everybody shown directed presence see it leave. */
  async #leave(session: Session, stanza: Element): Promise<void> {
    const wasAvailable = session.presence !== undefined
    const directed = [...(session.data.directedPresence?.values() ?? [])]
    delete session.data.directedPresence
    if (!wasAvailable && directed.length === 0) return
    session.presence = undefined
    session.priority = 0
    if (wasAvailable) {
      await this.#host.fire('presence/unavailable', { session })
      const addressed = addressable(stanza)
      await fanOut(await this.#audience(session), ({ jidText }) => addressed(jidText), session.jidText)
    }
    for (const to of directed) await this.#route(stanza, to)
  }
}
