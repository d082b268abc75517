/** The way of a subscription stanza between two local accounts (RFC 6121 §3); the states are the roster's. */
import type { Jid } from '@sealpost/jid'
import { type Element, element, NS_CLIENT, StanzaError } from '@sealpost/stanza'
import {
  type AccountRef,
  addressable,
  type ModuleHost,
  type OutboundPresence,
  type Provided,
  type Session,
} from '../../core/module.ts'
import { fanOut } from './fan-out.ts'

type RosterAccess = Provided['roster']
type SubscriptionType = Parameters<RosterAccess['outbound']>[2]
type RemovedItem = {
  readonly contact: Jid
  readonly to: boolean
  readonly from: boolean
  readonly ask: boolean
  readonly pendingIn: boolean
}

export class Subscriptions {
  readonly #host: ModuleHost
  readonly #roster: RosterAccess
  readonly #blocking: Provided['blocking']

  constructor(host: ModuleHost, roster: RosterAccess, blocking: Provided['blocking']) {
    this.#host = host
    this.#roster = roster
    this.#blocking = blocking
  }

  /** A stanza of type `type` that a session sent. */
  async send({ session, stanza, to }: OutboundPresence, type: SubscriptionType): Promise<void> {
    if (!to) throw new StanzaError('modify', 'bad-request')
    const contact = to.bare // RFC 6121 §3.1.2
    if (contact.equals(session.account.jid)) return // RFC 6121 §4.2.2: everybody is subscribed to themselves
    const account = await this.#host.accounts.find(contact)
    const step = await this.#roster.outbound(session.account, { jid: contact, accountId: account?.id }, type)
    // RFC 6121 §3.1.3: a request to nobody looks like one that nobody answers.
    if (!account || !step.pass) return
    const routed = stanza.withAttrs({ from: session.account.jid.toString(), to: contact.toString() })
    await this.#deliver(session.account, account, routed, type)
    if (type === 'unsubscribed' && step.wasFrom) await this.#showAbsence(session.account, account)
  }

  /** RFC 6121 §2.5.2: removing an item ends its subscriptions both ways. */
  async end(session: Session, item: RemovedItem): Promise<void> {
    const account = await this.#host.accounts.find(item.contact)
    if (!account) return
    if (item.to || item.ask) await this.#deliverPlain(session.account, account, 'unsubscribe')
    if (item.from || item.pendingIn) await this.#deliverPlain(session.account, account, 'unsubscribed')
    if (item.from) await this.#showAbsence(session.account, account)
  }

  /** Shows the requests that wait for the owner's answer, RFC 6121 §3.1.3. */
  showPending(session: Session, contacts: Iterable<Jid>): void {
    const to = session.account.jid.toString()
    for (const contact of contacts) {
      session.send(element('presence', NS_CLIENT, { type: 'subscribe', from: contact.toString(), to }))
    }
  }

  async befriend(one: AccountRef, other: AccountRef): Promise<void> {
    await this.#showTo(one, other)
    await this.#showTo(other, one)
  }

  /** `viewer` asks, `owner` agrees. */
  async #showTo(owner: AccountRef, viewer: AccountRef): Promise<void> {
    await this.#roster.outbound(viewer, contactOf(owner), 'subscribe')
    await this.#roster.inbound(owner, contactOf(viewer), 'subscribe')
    await this.#roster.outbound(owner, contactOf(viewer), 'subscribed')
    await this.#deliverPlain(owner, viewer, 'subscribed')
  }

  /** An invitation that cannot be kept, as to a roster that is full, is none. */
  async #isInvited(sender: AccountRef, owner: AccountRef, stanza: Element): Promise<boolean> {
    if ((await this.#host.fire('presence/requested', { owner, sender, stanza })) !== true) return false
    try {
      await this.befriend(owner, sender)
      return true
    } catch (error) {
      if (error instanceof StanzaError) return false
      throw error
    }
  }

  #deliverPlain(sender: AccountRef, owner: AccountRef, type: SubscriptionType): Promise<void> {
    const stanza = element('presence', NS_CLIENT, {
      type,
      from: sender.jid.toString(),
      to: owner.jid.toString(),
    })
    return this.#deliver(sender, owner, stanza, type)
  }

  /** The receiving half: `owner` is addressed by `sender`. */
  async #deliver(
    sender: AccountRef,
    owner: AccountRef,
    stanza: Element,
    type: SubscriptionType,
  ): Promise<void> {
    const isBlocked = await this.#blocking.isBlocked(owner, sender.jid)
    // XEP-0191 §3.3: as if nobody answered. What ends a subscription ends it, and is not shown.
    if (isBlocked && (type === 'subscribe' || type === 'subscribed')) return
    if (type === 'subscribe' && (await this.#isInvited(sender, owner, stanza))) return
    const step = await this.#roster.inbound(owner, contactOf(sender), type)
    if (step.pass && !isBlocked) await this.#show(owner, stanza, type)
    // RFC 6121 §3.1.3: the approval was given before, the owner is not asked again.
    if (step.reply) await this.#deliverPlain(owner, sender, step.reply)
    if (type === 'subscribed' && step.pass) {
      await this.#showPresence(sender, owner) // RFC 6121 §3.1.5
      await this.#host.fire('presence/subscribed', { owner: sender, viewer: owner })
    }
    if (type === 'unsubscribe' && step.wasFrom) await this.#showAbsence(owner, sender) // RFC 6121 §3.3.3
  }

  async #show(owner: AccountRef, stanza: Element, type: SubscriptionType): Promise<void> {
    const xml = stanza.toString()
    const sessions =
      type === 'subscribe' // RFC 6121 §3.1.3: requests to available resources, the rest to interested ones (§3.1.6)
        ? this.#host.sessions.available(owner.jid)
        : this.#host.sessions.of(owner.jid).filter((session) => session.data.rosterInterested)
    await fanOut(sessions, () => xml)
  }

  /** The presence of all resources of `account` to all resources of `viewer`. */
  async #showPresence(account: AccountRef, viewer: AccountRef): Promise<void> {
    for (const { presence } of this.#host.sessions.available(account.jid)) {
      if (!presence) continue
      const addressed = addressable(presence)
      await fanOut(this.#host.sessions.available(viewer.jid), ({ jidText }) => addressed(jidText))
    }
  }

  /** RFC 6121 §3.2.2: who may no longer see a resource sees it leave. */
  async #showAbsence(account: AccountRef, viewer: AccountRef): Promise<void> {
    for (const { jidText } of this.#host.sessions.available(account.jid)) {
      const addressed = addressable(element('presence', NS_CLIENT, { type: 'unavailable', from: jidText }))
      await fanOut(this.#host.sessions.available(viewer.jid), (session) => addressed(session.jidText))
    }
  }
}

function contactOf({ jid, id: accountId }: AccountRef): Parameters<RosterAccess['outbound']>[1] {
  return { jid, accountId }
}
