/** Groups in memory, for tests. */
import type { Affiliated, GroupStore, StoredRoom } from './store.ts'

export function memoryGroupStore(): GroupStore {
  const rooms = new Map<string, StoredRoom>()
  const byJid = (a: { toString(): string }, b: { toString(): string }) =>
    Buffer.compare(Buffer.from(a.toString()), Buffer.from(b.toString()))
  const change = (id: string, with_: (room: StoredRoom) => Partial<StoredRoom>) => {
    const room = rooms.get(id)
    if (room) rooms.set(id, { ...room, ...with_(room) })
  }
  return {
    load: async (jid) => [...rooms.values()].find((room) => room.jid.equals(jid)),
    async create(room) {
      if ([...rooms.values()].some(({ jid }) => jid.equals(room.jid))) return false
      rooms.set(room.id, room)
      return true
    },
    configure: async (id, config) => change(id, () => ({ config })),
    affiliate: async (id, changed, gone = []) =>
      change(id, ({ affiliated }) => {
        const touched = new Set([...changed.map(({ jid }) => jid), ...gone].map(String))
        const rest = affiliated.filter(({ jid }) => !touched.has(jid.toString()))
        const all: Affiliated[] = [...rest, ...changed]
        return { affiliated: all.toSorted((a, b) => byJid(a.jid, b.jid)) }
      }),
    async destroy(id) {
      rooms.delete(id)
    },
    membershipsOf: async (accountId) =>
      [...rooms.values()]
        .flatMap(({ jid, config, affiliated }) =>
          affiliated
            .filter((each) => each.accountId === accountId)
            .map(({ affiliation, nick, entered }) => ({
              room: jid,
              name: config.name,
              affiliation,
              nick,
              entered,
            })),
        )
        .toSorted((a, b) => byJid(a.room, b.room)),
  }
}
