/** The roster's store in memory, for tests. */
import type { RosterItem, RosterStore } from './store.ts'

export function memoryRosterStore(): RosterStore {
  const rosters = new Map<string, { ver: number; items: Map<string, RosterItem> }>()

  return {
    load(accountId) {
      const roster = rosters.get(accountId)
      return Promise.resolve({ ver: roster?.ver ?? 0, items: new Map(roster?.items) })
    },
    change(accountId, { put, remove, visible }) {
      const roster = rosters.get(accountId) ?? { ver: 0, items: new Map<string, RosterItem>() }
      rosters.set(accountId, roster)
      if (put) roster.items.set(put.contact.toString(), put)
      if (remove) roster.items.delete(remove.toString())
      if (visible) roster.ver++
      return Promise.resolve(roster.ver)
    },
    adopt(accountId, owner, items) {
      const roster = rosters.get(accountId) ?? { ver: 0, items: new Map<string, RosterItem>() }
      rosters.set(accountId, roster)
      if (items.length > 0) roster.ver++
      for (const item of items) roster.items.set(item.contact.toString(), item)
      for (const { items: others } of rosters.values()) {
        const item = others.get(owner.toString())
        if (item && item.contactAccountId === undefined)
          others.set(owner.toString(), { ...item, contactAccountId: accountId })
      }
      return Promise.resolve()
    },
    holders(contactAccountId) {
      const found = [...rosters].flatMap(([accountId, { items }]) =>
        [...items.values()]
          .filter((item) => item.contactAccountId === contactAccountId)
          .map(({ contact }) => ({ accountId, contact })),
      )
      return Promise.resolve(found)
    },
    erase(accountId) {
      rosters.delete(accountId)
      return Promise.resolve()
    },
  }
}
