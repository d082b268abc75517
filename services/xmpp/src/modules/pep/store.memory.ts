/** Personal eventing's store in memory, for tests. */
import {
  itemCost,
  type LastItem,
  type NodeConfig,
  type PepItem,
  type PepStore,
  type Subscriber,
  type SubscriptionLimits,
} from './store.ts'

interface StoredNode {
  config: NodeConfig
  /** From old to new. */
  items: readonly PepItem[]
}

interface StoredSubscription {
  readonly accountId: string
  readonly node: string
  readonly subscriber: Subscriber
}

export function memoryPepStore(): PepStore {
  const accounts = new Map<string, Map<string, StoredNode>>()
  const subscriptions = new Subscriptions((accountId, node) => nodesOf(accountId).has(node))
  const nodesOf = (accountId: string) => accounts.get(accountId) ?? new Map<string, StoredNode>()

  return {
    async node(accountId, node) {
      const stored = nodesOf(accountId).get(node)
      return stored && { node, config: stored.config }
    },
    async nodes(accountId) {
      const nodes = [...nodesOf(accountId)].map(([node, { config }]) => ({ node, config }))
      return byBytes(nodes, ({ node }) => node)
    },
    async usage(accountId) {
      const nodes = nodesOf(accountId)
      return { nodes: nodes.size, bytes: usage(nodes) }
    },
    async saveNode(accountId, { node, config }) {
      const nodes = nodesOf(accountId)
      accounts.set(accountId, nodes)
      nodes.set(node, { config, items: (nodes.get(node)?.items ?? []).slice(-config.maxItems) })
    },
    async put(accountId, { node, config }, item, bytesMax) {
      const nodes = new Map(nodesOf(accountId))
      const stored = nodes.get(node) ?? { config, items: [] }
      const others = stored.items.filter(({ id }) => id !== item.id)
      nodes.set(node, { config: stored.config, items: [...others, item].slice(-config.maxItems) })
      if (usage(nodes) > bytesMax) return false
      accounts.set(accountId, nodes)
      return true
    },
    async items(accountId, node, query) {
      const items = nodesOf(accountId).get(node)?.items ?? []
      return 'max' in query ? items.slice(-query.max) : items.filter(({ id }) => query.ids.includes(id))
    },
    async itemIds(accountId, node) {
      return (nodesOf(accountId).get(node)?.items ?? []).map(({ id }) => id)
    },
    async lastItems(accountIds, nodes) {
      return accountIds.flatMap((accountId) =>
        nodes.flatMap((node) => announced(nodesOf(accountId).get(node), { accountId, node })),
      )
    },
    async retract(accountId, node, id) {
      const stored = nodesOf(accountId).get(node)
      if (!stored?.items.some((item) => item.id === id)) return false
      stored.items = stored.items.filter((item) => item.id !== id)
      return true
    },
    async purge(accountId, node) {
      const stored = nodesOf(accountId).get(node)
      if (stored) stored.items = []
    },
    async deleteNode(accountId, node) {
      subscriptions.remove((each) => each.accountId === accountId && each.node === node)
      return nodesOf(accountId).delete(node)
    },
    subscribe: (...given) => subscriptions.subscribe(...given),
    unsubscribe: (...given) => subscriptions.unsubscribe(...given),
    subscribers: (...given) => subscriptions.subscribers(...given),
    subscriptionsOf: (...given) => subscriptions.subscriptionsOf(...given),
    async erase(accountId) {
      accounts.delete(accountId)
      subscriptions.remove((each) => each.accountId === accountId || each.subscriber.accountId === accountId)
    },
  }
}

function usage(nodes: ReadonlyMap<string, StoredNode>): number {
  return [...nodes.values()].flatMap(({ items }) => items).reduce((bytes, item) => bytes + itemCost(item), 0)
}

/** Its newest item, if that is sent to those who come. */
function announced(stored: StoredNode | undefined, name: { accountId: string; node: string }): LastItem[] {
  const item = stored?.items.at(-1)
  if (!item || stored?.config.sendLast !== 'on_sub_and_presence') return []
  return [{ ...name, config: stored.config, item }]
}

type SubscriptionStore = Pick<PepStore, 'subscribe' | 'unsubscribe' | 'subscribers' | 'subscriptionsOf'>

class Subscriptions implements SubscriptionStore {
  readonly #hasNode: (accountId: string, node: string) => boolean
  #all: readonly StoredSubscription[] = []

  constructor(hasNode: (accountId: string, node: string) => boolean) {
    this.#hasNode = hasNode
  }

  async subscribe(
    accountId: string,
    node: string,
    subscriber: Subscriber,
    { subscribersMax, subscriptionsMax }: SubscriptionLimits,
  ): ReturnType<PepStore['subscribe']> {
    if (!this.#hasNode(accountId, node)) return 'no-node'
    const toAccount = this.#all.filter((each) => each.accountId === accountId)
    const ofOne = this.#all.filter((each) => each.subscriber.accountId === subscriber.accountId)
    if (ofOne.some((each) => each.accountId === accountId && each.node === node)) return 'subscribed'
    if (toAccount.length >= subscribersMax || ofOne.length >= subscriptionsMax) return 'full'
    this.#all = [...this.#all, { accountId, node, subscriber }]
    return 'subscribed'
  }

  async unsubscribe(accountId: string, node: string, subscriberId: string): Promise<boolean> {
    return this.remove(
      (each) =>
        each.accountId === accountId && each.node === node && each.subscriber.accountId === subscriberId,
    )
  }

  async subscribers(accountId: string, node: string): Promise<Subscriber[]> {
    const found = this.#all.filter((each) => each.accountId === accountId && each.node === node)
    return byBytes(
      found.map(({ subscriber }) => subscriber),
      ({ jid }) => jid.toString(),
    )
  }

  async subscriptionsOf(subscriberId: string): ReturnType<PepStore['subscriptionsOf']> {
    const found = this.#all.filter(({ subscriber }) => subscriber.accountId === subscriberId)
    return byBytes(
      found.map(({ accountId, node }) => ({ accountId, node })),
      ({ accountId, node }) => accountId + node,
    )
  }

  /** Whether there were any. */
  remove(matches: (each: StoredSubscription) => boolean): boolean {
    const left = this.#all.filter((each) => !matches(each))
    const found = left.length < this.#all.length
    this.#all = left
    return found
  }
}

function byBytes<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items.toSorted((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))))
}
