/**
 * What personal eventing keeps: nodes of an account and their items. It is what clients publish about themselves (keys,
 * device lists, private bookmarks), not messages. Retention: an item lives until it is replaced, retracted, pushed out by newer
 * ones or its node is deleted; everything goes when the account is erased. Two implementations, one contract: `store.test.ts`.
 */
import type { Jid } from '@sealpost/jid'

export const accessModels = ['open', 'presence', 'whitelist'] as const
/** XEP-0060 §4.5. `whitelist`: the owner alone. */
export type AccessModel = (typeof accessModels)[number]

export const sendLastModes = ['never', 'on_sub', 'on_sub_and_presence'] as const
export type SendLast = (typeof sendLastModes)[number]

/** What an owner can configure (XEP-0060 §16.4.4). */
export interface NodeConfig {
  readonly accessModel: AccessModel
  /** False: items are announced and not kept. */
  readonly persistItems: boolean
  /** The newest are kept; `max` is the server's limit. */
  readonly maxItems: number
  readonly sendLast: SendLast
  readonly notifyDelete: boolean
  readonly notifyRetract: boolean
  readonly deliverPayloads: boolean
}

export interface PepNode {
  readonly node: string
  readonly config: NodeConfig
}

export interface PepItem {
  readonly id: string
  /** One XML element that declares its own namespace. */
  readonly payload: string
}

export interface LastItem extends PepNode {
  readonly accountId: string
  readonly item: PepItem
}

export interface PepUsage {
  readonly nodes: number
  /** Sum of `itemCost`. */
  readonly bytes: number
}

/** Who asked to be told of a node (XEP-0060 §6.1). */
export interface Subscriber {
  readonly accountId: string
  /** Bare. */
  readonly jid: Jid
}

export interface SubscriptionLimits {
  /** Of all nodes of one account. */
  readonly subscribersMax: number
  /** Of one account, to nodes of all. */
  readonly subscriptionsMax: number
}

/** The newest `max` items, or those with these ids. */
export type ItemQuery = { readonly max: number } | { readonly ids: readonly string[] }

export interface PepStore {
  node(accountId: string, node: string): Promise<PepNode | undefined>
  /** Ordered by name. */
  nodes(accountId: string): Promise<PepNode[]>
  usage(accountId: string): Promise<PepUsage>
  /** Creates the node or replaces its configuration; items beyond `maxItems` go. */
  saveNode(accountId: string, node: PepNode): Promise<void>
  /** Puts an item as the newest, creating the node if need be; older ones beyond `maxItems` go. False, and nothing is changed, when the account would exceed `bytesMax`. */
  put(accountId: string, node: PepNode, item: PepItem, bytesMax: number): Promise<boolean>
  /** From old to new. */
  items(accountId: string, node: string, query: ItemQuery): Promise<PepItem[]>
  itemIds(accountId: string, node: string): Promise<string[]>
  /** The newest item of each of these nodes that announces it to newcomers. */
  lastItems(accountIds: readonly string[], nodes: readonly string[]): Promise<LastItem[]>
  /** False when there is no such item. */
  retract(accountId: string, node: string, id: string): Promise<boolean>
  purge(accountId: string, node: string): Promise<void>
  /** With all its items; false when there is no such node. */
  deleteNode(accountId: string, node: string): Promise<boolean>
  /** Repeatable. `full`: it would exceed the limits, and nothing is changed. */
  subscribe(
    accountId: string,
    node: string,
    subscriber: Subscriber,
    limits: SubscriptionLimits,
  ): Promise<'subscribed' | 'full' | 'no-node'>
  /** False when it was not subscribed. */
  unsubscribe(accountId: string, node: string, subscriberId: string): Promise<boolean>
  /** Ordered by JID. */
  subscribers(accountId: string, node: string): Promise<Subscriber[]>
  /** What an account is subscribed to, ordered by account and name. */
  subscriptionsOf(subscriberId: string): Promise<{ readonly accountId: string; readonly node: string }[]>
  /** With its subscriptions to others' nodes. */
  erase(accountId: string): Promise<void>
}

/** What a row takes beside its texts, so that many small items count too. */
const ROW_BYTES = 128

/** Bytes that an item counts against its account's quota. */
export function itemCost(item: PepItem): number {
  return Buffer.byteLength(item.payload) + Buffer.byteLength(item.id) + ROW_BYTES
}
