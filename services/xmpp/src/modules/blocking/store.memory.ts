/** Block lists in memory, for tests. */
import type { BlockedItem, BlockStore } from './store.ts'

export function memoryBlockStore(): BlockStore {
  const lists = new Map<string, Map<string, BlockedItem>>()
  return {
    load: async (accountId) => [...(lists.get(accountId)?.values() ?? [])].map(({ jid }) => jid),
    async add(accountId, items) {
      const list = lists.get(accountId) ?? new Map<string, BlockedItem>()
      lists.set(accountId, list)
      for (const item of items) if (!list.has(item.jid.toString())) list.set(item.jid.toString(), item)
    },
    async remove(accountId, jids) {
      for (const jid of jids) lists.get(accountId)?.delete(jid.toString())
    },
    holders: async (blockedAccountId) =>
      [...lists].flatMap(([accountId, list]) =>
        [...list.values()]
          .filter((item) => item.accountId === blockedAccountId)
          .map(({ jid }) => ({ accountId, jid })),
      ),
    async erase(accountId) {
      lists.delete(accountId)
    },
  }
}
