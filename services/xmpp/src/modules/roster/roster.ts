/**
 * RFC 6121 §2: the roster, its pushes and versions, and pre-approval; the subscription states behind RFC 6121 §3 are
 * kept here, their stanzas travel through the presence module. A roster of somebody else is never shown.
 */
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import {
  type Element,
  element,
  NS_CLIENT,
  NS_PRE_APPROVAL,
  NS_ROSTER,
  NS_ROSTER_VER,
  StanzaError,
} from '@sealpost/stanza'
import {
  type AccountRef,
  chain,
  defineModule,
  type Module,
  type ModuleHost,
  type Session,
} from '../../core/module.ts'
import { importRoster } from './import-roster.ts'
import { itemElement, readRosterSet, removedElement, type RosterSet } from './roster-query.ts'
import { type RosterOwner, Rosters, type Step } from './rosters.ts'
import type { Roster, RosterChange, RosterItem, RosterStore } from './store.ts'
import {
  inbound,
  noSubscription,
  outbound,
  type SubscriptionState,
  type SubscriptionType,
  type Transition,
} from './subscription.ts'

/** What other modules ask of rosters. */
export interface RosterAccess {
  /** All items of an account by the contact's bare JID, unlisted ones included. Synchronous when cached; do not keep it. */
  items(accountId: string): MaybePromise<ReadonlyMap<string, RosterItem>>
  /** Whether `viewer` may see the account's presence: it is the owner, or subscribed (`from` or `both`). */
  isSubscriber(account: AccountRef, viewer: Jid): MaybePromise<boolean>
  /** A subscription stanza of the owner; `pass`: it goes on to the contact. Throws StanzaError when the roster is full. */
  outbound(owner: AccountRef, contact: Contact, type: SubscriptionType): Promise<SubscriptionStep>
  /** A subscription stanza for the owner; `pass`: it is shown to the owner's resources. */
  inbound(owner: AccountRef, contact: Contact, type: SubscriptionType): Promise<SubscriptionStep>
}

export interface SubscriptionStep extends Pick<Transition, 'pass' | 'reply'> {
  /** The contact received the owner's presence before this step. */
  readonly wasFrom: boolean
}

/** A contact and, if there is one, the local account behind it. */
export interface Contact {
  /** Bare JID. */
  readonly jid: Jid
  readonly accountId: string | undefined
}

declare module '../../core/module.ts' {
  interface Provided {
    roster: RosterAccess
  }
  interface Hooks {
    /** An item was removed by its owner; the subscriptions that it stood for must end (RFC 6121 §2.5.2). */
    'roster/removed'(event: { readonly session: Session; readonly item: RosterItem }): undefined
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    /** The session asked for the roster, so it gets pushes (RFC 6121 §2.2). */
    rosterInterested?: true
  }
  interface SavedData {
    rosterInterested?: true
  }
}

export interface RosterLimits {
  /** Contacts of one account. */
  readonly itemsMax: number
  /** Unanswered requests from people who are not in the roster. */
  readonly pendingMax: number
  /** Items held in memory over all rosters. */
  readonly itemsCachedMax: number
}

export const rosterLimits: RosterLimits = { itemsMax: 1000, pendingMax: 200, itemsCachedMax: 500_000 }

const refuse = {
  full: () => new StanzaError('wait', 'resource-constraint', 'The roster is full'),
  own: () => new StanzaError('cancel', 'not-allowed'),
  noItem: () => new StanzaError('cancel', 'item-not-found'), // RFC 6121 §2.5.3
} as const

export function roster(options: { store: RosterStore; limits?: RosterLimits }): Module {
  const limits = options.limits ?? rosterLimits
  return defineModule({
    name: 'roster',
    implements: ['RFC 6121'],
    setup(host) {
      const rosters = new Rosters({
        store: options.store,
        itemsCachedMax: limits.itemsCachedMax,
        onVisible: (owner, change, ver) => push(host, owner, change, ver),
      })
      host.provide('roster', rosterAccess(rosters, limits))
      host.hook('stream/features', ({ stream, features }) => {
        if (!stream.account) return
        features.push(element('ver', NS_ROSTER_VER)) // RFC 6121 §2.6.1
        features.push(element('sub', NS_PRE_APPROVAL)) // RFC 6121 §3.4.1
      })
      host.onIq('get', { to: ['self'], namespace: NS_ROSTER, name: 'query' }, async ({ session, query }) => {
        session.data.rosterInterested = true // RFC 6121 §2.2: from now on, so that no change is missed
        return answerGet(await rosters.get(session.account.id), query.attrs['ver'])
      })
      host.onIq('set', { to: ['self'], namespace: NS_ROSTER, name: 'query' }, async ({ session, query }) => {
        await applySet(host, rosters, session, readRosterSet(query), limits)
        return undefined
      })
      host.hook('session/save', ({ session, saved }) => {
        if (session.data.rosterInterested) saved.rosterInterested = true
      })
      host.hook('session/restored', ({ session, saved }) => {
        if (saved.rosterInterested) session.data.rosterInterested = true
      })
      host.hook('account/import', (account) => importRoster(host, rosters, limits, account))
      host.hook('account/erase', ({ accountId }) => eraseAccount(host, rosters, options.store, accountId))
    },
  })
}

function rosterAccess(rosters: Rosters, limits: RosterLimits): RosterAccess {
  return {
    items: (accountId) => chain(rosters.get(accountId), ({ items }) => items),
    isSubscriber(account, viewer) {
      if (viewer.bare.equals(account.jid)) return true
      return chain(rosters.get(account.id), ({ items }) => items.get(viewer.bare.toString())?.from === true)
    },
    outbound: (owner, contact, type) =>
      rosters.step(owner, (current) => {
        const before = stateOf(current, contact.jid)
        const { state, pass } = outbound(before, type)
        const change = subscriptionChange(current, contact, state)
        if (change?.put?.listed && !current.items.get(contact.jid.toString())?.listed)
          requireRoom(current, limits)
        return { change, result: { pass, wasFrom: before.from } }
      }),
    inbound: (owner, contact, type) =>
      rosters.step(owner, (current): Step<SubscriptionStep> => {
        const before = stateOf(current, contact.jid)
        const { state, ...outcome } = inbound(before, type)
        const change = subscriptionChange(current, contact, state)
        const isNew = change?.put !== undefined && !current.items.has(contact.jid.toString())
        // A request too many is dropped in silence, like one to nobody (RFC 6121 §3.1.3).
        if (isNew && count(current, false) >= limits.pendingMax) {
          return { change: undefined, result: { pass: false, wasFrom: false } }
        }
        return { change, result: { ...outcome, wasFrom: before.from } }
      }),
  }
}

function stateOf(current: Roster, contact: Jid): SubscriptionState {
  return current.items.get(contact.toString()) ?? noSubscription
}

/** The change of the roster that a change of the subscription makes, if any. */
function subscriptionChange(
  current: Roster,
  contact: Contact,
  next: SubscriptionState,
): RosterChange | undefined {
  const before = current.items.get(contact.jid.toString())
  const { to, from, ask, pendingIn, approved } = next
  const state = before ?? noSubscription
  const listed = before?.listed === true || to || from || ask || approved
  const visible =
    listed &&
    (!before?.listed ||
      state.to !== to ||
      state.from !== from ||
      state.ask !== ask ||
      state.approved !== approved)
  if (!visible && state.pendingIn === pendingIn) return undefined
  if (!listed && !pendingIn) return { remove: contact.jid, visible: false }
  const name = before?.name
  const groups = before?.groups ?? []
  const subscription = { to, from, ask, pendingIn, approved }
  const put = {
    contact: contact.jid,
    contactAccountId: contact.accountId,
    name,
    groups,
    listed,
    ...subscription,
  }
  return { put, visible }
}

function count({ items }: Roster, listed: boolean): number {
  let found = 0
  for (const item of items.values()) if (item.listed === listed) found++
  return found
}

function requireRoom(current: Roster, limits: RosterLimits): void {
  if (count(current, true) >= limits.itemsMax) throw refuse.full()
}

/** RFC 6121 §2.6.2: nothing when the client has this very version. */
function answerGet(current: Roster, knownVer: string | undefined): Element | undefined {
  const ver = String(current.ver)
  if (knownVer === ver) return undefined
  const items = [...current.items.values()].filter((item) => item.listed).map(itemElement)
  return element('query', NS_ROSTER, knownVer === undefined ? {} : { ver }, ...items)
}

async function applySet(
  host: ModuleHost,
  rosters: Rosters,
  session: Session,
  set: RosterSet,
  limits: RosterLimits,
): Promise<void> {
  const { contact } = set
  if (contact.equals(session.jid.bare)) throw refuse.own()
  if (set.kind === 'remove') {
    const item = await rosters.step(session.account, (current) => removeItem(current, contact))
    await host.fire('roster/removed', { session, item })
    return
  }
  const isLocal = host.domains.includes(contact.domain) && contact.local !== ''
  const account = isLocal ? await host.accounts.read(contact) : undefined
  await rosters.step(session.account, (current) => {
    const before = current.items.get(contact.toString())
    if (!before?.listed) requireRoom(current, limits)
    const { name, groups } = set
    // RFC 6121 §2.1.2.5: the client does not set the subscription.
    const put = {
      ...noSubscription,
      ...before,
      contact,
      contactAccountId: account?.id,
      name,
      groups,
      listed: true,
    }
    return { change: { put, visible: true }, result: undefined }
  })
}

function removeItem(current: Roster, contact: Jid): Step<RosterItem> {
  const item = current.items.get(contact.toString())
  if (!item?.listed) throw refuse.noItem()
  return { change: { remove: contact, visible: true }, result: item }
}

/** RFC 6121 §2.1.6: to every session of the owner that asked for the roster. */
function push(host: ModuleHost, owner: RosterOwner, { put, remove }: RosterChange, ver: number): void {
  if (!owner.jid) return
  const item = put ? itemElement(put) : remove && removedElement(remove)
  if (!item) return
  const query = element('query', NS_ROSTER, { ver: String(ver) }, item)
  for (const session of host.sessions.of(owner.jid)) {
    if (!session.data.rosterInterested) continue
    session.send(
      element('iq', NS_CLIENT, { type: 'set', id: host.random.token(9), to: session.jidText }, query),
    )
  }
}

/** The account's own roster goes, and it goes out of the rosters of others. Repeating it changes nothing. */
async function eraseAccount(
  host: ModuleHost,
  rosters: Rosters,
  store: RosterStore,
  accountId: string,
): Promise<undefined> {
  await rosters.erase(accountId)
  const holders = await store.holders(accountId)
  const wanted = new Set(holders.map((holder) => holder.accountId))
  const online = new Map<string, Jid>()
  for (const { account } of host.sessions.all())
    if (wanted.has(account.id)) online.set(account.id, account.jid)
  for (const { accountId: id, contact } of holders) {
    await rosters.step({ id, jid: online.get(id) }, (current) => ({
      change: { remove: contact, visible: current.items.get(contact.toString())?.listed === true },
      result: undefined,
    }))
  }
}
