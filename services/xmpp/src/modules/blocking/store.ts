/** Block lists. Retention: a JID until it is unblocked, or the owner's or the blocked account is erased. One contract: store.test.ts. */
import type { Jid } from '@sealpost/jid'

export interface BlockedItem {
  readonly jid: Jid
  /** Of a local account behind it. */
  readonly accountId: string | undefined
}

export interface BlockStore {
  /** In no order. */
  load(accountId: string): Promise<Jid[]>
  /** Those that are there stay as they are. */
  add(accountId: string, items: readonly BlockedItem[]): Promise<void>
  remove(accountId: string, jids: readonly Jid[]): Promise<void>
  /** Whose lists have JIDs of this account, and which. */
  holders(blockedAccountId: string): Promise<{ readonly accountId: string; readonly jid: Jid }[]>
  /** The whole list. */
  erase(accountId: string): Promise<void>
}
