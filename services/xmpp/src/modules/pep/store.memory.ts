/** Personal eventing's store in memory, for tests. */
import { itemCost, type NodeConfig, type PepItem, type PepStore } from './store.ts'

interface StoredNode {
  config: NodeConfig
  /** From old to new. */
  items: readonly PepItem[]
}

export function memoryPepStore(): PepStore {
  const accounts = new Map<string, Map<string, StoredNode>>()
  const nodesOf = (accountId: string) => accounts.get(accountId) ?? new Map<string, StoredNode>()
  const usage = (nodes: ReadonlyMap<string, StoredNode>) =>
    [...nodes.values()].flatMap(({ items }) => items).reduce((bytes, item) => bytes + itemCost(item), 0)

  return {
    async node(accountId, node) {
      const stored = nodesOf(accountId).get(node)
      return stored && { node, config: stored.config }
    },
    async nodes(accountId) {
      const nodes = [...nodesOf(accountId)].map(([node, { config }]) => ({ node, config }))
      return nodes.toSorted((a, b) => Buffer.compare(Buffer.from(a.node), Buffer.from(b.node)))
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
        nodes.flatMap((node) => {
          const stored = nodesOf(accountId).get(node)
          const item = stored?.items.at(-1)
          if (!item || stored?.config.sendLast !== 'on_sub_and_presence') return []
          return [{ accountId, node, config: stored.config, item }]
        }),
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
      return nodesOf(accountId).delete(node)
    },
    async erase(accountId) {
      accounts.delete(accountId)
    },
  }
}
