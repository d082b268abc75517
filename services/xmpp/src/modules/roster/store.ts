/**
 * What the roster keeps: one item for each contact, of which `listed` ones are shown to the owner. Retention: an item
 * lives until its owner removes it or either account is erased; an unlisted one only while the contact's request is
 * unanswered. Nothing of a request's presence stanza is kept. Two implementations, one contract: `store.test.ts`.
 */
import type { Jid } from '@sealpost/jid'
import type { SubscriptionState } from './subscription.ts'

export interface RosterItem extends SubscriptionState {
  /** Bare JID. */
  readonly contact: Jid
  /** Account of the contact, when it was a local one at the last change: finds the item again when that account is erased. */
  readonly contactAccountId: string | undefined
  readonly name: string | undefined
  readonly groups: readonly string[]
  /** False: exists only to remember the contact's request (RFC 6121 §3.1.3). */
  readonly listed: boolean
}

export interface Roster {
  /** Counts the changes that the owner can see (RFC 6121 §2.6); 0 for a roster that never changed. */
  readonly ver: number
  /** By bare JID. */
  readonly items: ReadonlyMap<string, RosterItem>
}

export interface RosterChange {
  readonly put?: RosterItem
  /** Bare JID. */
  readonly remove?: Jid
  /** The owner sees the difference, so the version counts on. */
  readonly visible: boolean
}

export interface RosterHolder {
  readonly accountId: string
  readonly contact: Jid
}

export interface RosterStore {
  load(accountId: string): Promise<Roster>
  /** Applies one change; returns the version after it. */
  change(accountId: string, change: RosterChange): Promise<number>
  /** Adds items, which the owner has not, as one change that they can see, and names the account in items of others that have its address and no account. */
  adopt(accountId: string, owner: Jid, items: readonly RosterItem[]): Promise<void>
  /** Whose rosters have an item of this account. */
  holders(contactAccountId: string): Promise<RosterHolder[]>
  /** Deletes the account's own roster. */
  erase(accountId: string): Promise<void>
}
