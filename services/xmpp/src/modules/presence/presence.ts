/**
 * RFC 6121 §3 and §4: subscriptions and presence between local accounts. Presence lives in the sessions only: nothing of
 * it is stored, so a subscription request is shown again without the text that came with it.
 */
import type { HookEvent } from '@sealpost/hooks'
import { type Jid, parseJid } from '@sealpost/jid'
import { Budget, type BudgetRate, type MaybePromise } from '@sealpost/runtime'
import { type Element, element, NS_CLIENT, StanzaError } from '@sealpost/stanza'
import {
  type AccountRef,
  addressable,
  chain,
  defineModule,
  type ForeignPresence,
  type Hooks,
  type Module,
  type ModuleHost,
  type OutboundPresence,
  type Provided,
  type Session,
} from '../../core/module.ts'
import { checkQuestion } from './entity-questions.ts'
import { fanOut } from './fan-out.ts'
import { readPriority } from './presence-stanza.ts'
import { Subscriptions } from './subscriptions.ts'

declare module '../../core/module.ts' {
  interface Provided {
    /** Sends to many sessions in slices. */
    fanOut: typeof fanOut
    presence: {
      /** Broadcasts what the session showed last once more, since something that the server adds to it changed. Nothing when it shows nothing. */
      showAgain(session: Session): Promise<void>
      /** Each may see the other's presence from now on, as if both had asked and agreed. Throws StanzaError when a roster is full. */
      befriend(one: AccountRef, other: AccountRef): Promise<void>
    }
  }
  interface Hooks {
    /** Available presence on its way to others; a returned element replaces it. */
    'presence/shown'(event: { readonly session: Session; readonly stanza: Element }): Element
    /** `sender` asks for the presence of `owner`; `true`: the owner has agreed before, for whoever brings what is in the stanza. */
    'presence/requested'(event: {
      readonly owner: AccountRef
      readonly sender: AccountRef
      readonly stanza: Element
    }): true
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

type Changed = HookEvent<Hooks['blocking/changed']>

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
  noSubscription: () => new StanzaError('cancel', 'feature-not-implemented'),
  tooManyDirected: () =>
    new StanzaError('wait', 'resource-constraint', 'Too many addresses of directed presence'),
} as const

export function presence(limits: PresenceLimits = presenceLimits): Module {
  return defineModule({
    name: 'presence',
    implements: ['RFC 6121'],
    depends: ['roster', 'blocking'],
    setup(host) {
      const roster = host.need('roster')
      const blocking = host.need('blocking')
      const parts = { host, roster, blocking, subscriptions: new Subscriptions(host, roster, blocking) }
      const service = new Presence(parts, limits)
      host.provide('fanOut', fanOut)
      host.provide('presence', {
        showAgain: (session) => service.showAgain(session),
        befriend: (one, other) => parts.subscriptions.befriend(one, other),
      })
      host.hook('presence/outbound', (event) => service.receive(event))
      host.hook('iq/outbound', (event) => checkQuestion(host, roster, event))
      host.hook('presence/foreign', (event) => service.receiveForeign(event))
      host.hook('session/closed', ({ session }) => host.spawn(service.leave(session)))
      host.hook('session/save', ({ session, saved }) => {
        const { directedPresence } = session.data
        if (directedPresence) saved.directedPresence = [...directedPresence.keys()]
      })
      host.hook('session/restored', ({ session, saved }) => {
        const directed = saved.directedPresence?.map((to) => [to, parseJid(to)] as const)
        if (directed) session.data.directedPresence = new Map(directed)
      })
      host.hook('blocking/changed', (event) => service.partWays(event))
      host.hook('roster/removed', ({ session, item }) => service.subscriptions.end(session, item))
    },
  })
}

interface PresenceParts {
  readonly host: ModuleHost
  readonly roster: Provided['roster']
  readonly blocking: Provided['blocking']
  readonly subscriptions: Subscriptions
}

class Presence {
  readonly subscriptions: Subscriptions
  readonly #host: ModuleHost
  readonly #roster: Provided['roster']
  readonly #blocking: Provided['blocking']
  readonly #limits: PresenceLimits

  constructor({ host, roster, blocking, subscriptions }: PresenceParts, limits: PresenceLimits) {
    this.#host = host
    this.#roster = roster
    this.#blocking = blocking
    this.subscriptions = subscriptions
    this.#limits = limits
  }

  /** A presence stanza of a session, `from` stamped. */
  async receive(event: OutboundPresence): Promise<true> {
    const { session, stanza, to } = event
    const { type } = stanza.attrs
    if (type !== 'unavailable' && type !== 'error') this.#charge(session, stanza)
    if (to) await this.#blocking.checkOutbound(session, to)
    if (to && isSubscription(type) && !this.#host.domains.includes(to.domain)) throw refuse.noSubscription()
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
        if (to && to.resource !== '') await this.#route(session, stanza, to)
        break
      default:
        throw refuse.badType() // RFC 6121 §4.7.1
    }
    return true
  }

  /** Directed presence of somebody of a domain that is not served here. */
  async receiveForeign({ sender, stanza, to }: ForeignPresence): Promise<undefined> {
    const account = await this.#host.accounts.find(to)
    if (account?.state !== 'active' || (await this.#blocking.isBlocked(account, sender.jid))) return
    await this.#send(stanza, to, (viewers) => Promise.resolve([...viewers]))
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

  /** Whom a broadcast goes to: subscribers (RFC 6121 §4.2.2, §4.4.2) that are not blocked and do not block, and the account's own resources. */
  async #audience(session: Session): Promise<Session[]> {
    const { sessions } = this.#host
    const own = sessions.available(session.account.jid)
    return [...own, ...(await this.#together(session, await this.#subscribers(session.account)))]
  }

  async #subscribers(account: AccountRef): Promise<Session[]> {
    const items = [...(await this.#roster.items(account.id)).values()]
    return items.flatMap((item) => (item.from ? this.#host.sessions.available(item.contact) : []))
  }

  /** Of these, who and the session have not blocked each other (XEP-0191 §3.3). */
  async #together(session: Session, others: readonly Session[]): Promise<Session[]> {
    const found: Session[] = []
    for (const other of others) {
      const apart = this.#blocking.areApart(session, other)
      if (!(apart instanceof Promise ? await apart : apart)) found.push(other)
    }
    return found
  }

  /** XEP-0191 §3.3, §3.4: whom the account has blocked sees it leave; whom it has unblocked sees it again, and is seen. */
  async partWays({ account, blocked, matches }: Changed): Promise<undefined> {
    const viewers = (await this.#subscribers(account)).filter(({ jid }) => matches(jid))
    for (const session of this.#host.sessions.of(account.jid)) {
      const { presence: shown, jidText } = session
      if (blocked) await this.#leaveDirected(session, matches)
      if (shown === undefined) continue
      const stanza = blocked ? element('presence', NS_CLIENT, { type: 'unavailable', from: jidText }) : shown
      const addressed = addressable(stanza)
      await fanOut(
        blocked ? await this.#notBlocking(session, viewers) : await this.#together(session, viewers),
        (viewer) => addressed(viewer.jidText),
        jidText,
      )
      if (!blocked) await this.#catchUpWith(session, matches)
    }
  }

  /** Of these, whose account has not blocked the session: the others have seen it leave. */
  async #notBlocking(session: Session, viewers: readonly Session[]): Promise<Session[]> {
    const found: Session[] = []
    for (const viewer of viewers)
      if (!(await this.#blocking.isBlocked(viewer.account, session.jid))) found.push(viewer)
    return found
  }

  async #leaveDirected(session: Session, matches: Changed['matches']): Promise<void> {
    const stanza = element('presence', NS_CLIENT, { type: 'unavailable', from: session.jidText })
    for (const to of session.data.directedPresence?.values() ?? []) {
      if (!matches(to)) continue
      session.data.directedPresence?.delete(to.toString())
      await this.#send(stanza, to, (viewers) => this.#notBlocking(session, viewers))
    }
  }

  async #catchUpWith(session: Session, matches: Changed['matches']): Promise<void> {
    for (const item of (await this.#roster.items(session.account.id)).values())
      if (item.to && this.#host.sessions.available(item.contact).some(({ jid }) => matches(jid)))
        await this.#probe(session, item.contact)
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
    return chain(this.#roster.isSubscriber(account, session.jid), (entitled) =>
      entitled ? this.#showAll(sessions, session) : undefined,
    )
  }

  /** As #sendAll, of those that have not blocked the viewer and are not blocked by it. */
  async #showAll(sessions: readonly Session[], viewer: Session): Promise<void> {
    this.#sendAll(await this.#together(viewer, sessions), viewer)
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
    if (await this.#blocking.areApart(session, partyOf(account))) return
    const sessions = this.#host.sessions.available(account.jid)
    if (sessions.length > 0) return this.#showAll(sessions, session)
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
    await this.#route(session, await this.#shown(session, stanza), to)
  }

  async #hideFrom(session: Session, stanza: Element, to: Jid): Promise<void> {
    session.data.directedPresence?.delete(to.toString())
    await this.#route(session, stanza, to)
  }

  /** RFC 6121 §8.5.2.1.2 and §8.5.3.1: to all available resources of a bare JID, or to exactly one; not to whom either has blocked. */
  #route(session: Session, stanza: Element, to: Jid): Promise<void> {
    return this.#send(stanza, to, (viewers) => this.#together(session, viewers))
  }

  async #send(
    stanza: Element,
    to: Jid,
    allowed: (viewers: readonly Session[]) => Promise<Session[]>,
  ): Promise<void> {
    const away = this.#host.destinations.find(to.domain)
    if (away) return away.take(stanza.withAttrs({ to: to.toString() }))
    const target = to.resource === '' ? undefined : this.#host.sessions.find(to)
    const sessions = to.resource === '' ? this.#host.sessions.available(to) : target ? [target] : []
    const xml = addressable(stanza)(to.toString())
    await fanOut(await allowed(sessions), () => xml)
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
    for (const to of directed) await this.#route(session, stanza, to)
  }
}

function isSubscription(type: string | undefined): boolean {
  return type === 'subscribe' || type === 'subscribed' || type === 'unsubscribe' || type === 'unsubscribed'
}

function partyOf(account: AccountRef) {
  return { account, jid: account.jid }
}
