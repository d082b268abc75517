/** Block lists in a bounded cache; each changes one step at a time. */
import { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import { Turns } from '../../core/module.ts'
import type { BlockedItem, BlockStore } from './store.ts'

/** By JID. */
export type BlockList = ReadonlyMap<string, Jid>

/** XEP-0191 §6: from the most to the least specific. */
export function matches(list: BlockList, jid: Jid): boolean {
  if (list.size === 0) return false
  const { local, domain, resource } = jid
  if (list.has(jid.toString()) || list.has(domain)) return true
  if (local !== '' && list.has(jid.bare.toString())) return true
  return resource !== '' && list.has(new Jid('', domain, resource).toString())
}

const NOTHING: BlockList = new Map()

export class BlockLists {
  readonly #store: BlockStore
  readonly #listsMax: number
  /** The oldest first; not by use, since each message looks up two. */
  readonly #cache = new Map<string, BlockList>()
  readonly #loading = new Map<string, Promise<BlockList>>()
  readonly #turns = new Turns()

  /** @param listsMax lists held in memory, most of them empty */
  constructor(store: BlockStore, listsMax: number) {
    this.#store = store
    this.#listsMax = listsMax
  }

  /** Whether it is known to be empty, as nearly all are. */
  isEmpty(accountId: string): boolean {
    return this.#cache.get(accountId)?.size === 0
  }

  /** As it is now; synchronous when cached. */
  of(accountId: string): MaybePromise<BlockList> {
    return this.#cache.get(accountId) ?? this.#loading.get(accountId) ?? this.#load(accountId)
  }

  /** Answers with those that were not blocked before; undefined, and nothing is changed, when there would be more than `max`. */
  add(accountId: string, items: readonly BlockedItem[], max: number): Promise<BlockedItem[] | undefined> {
    return this.#turns.take(accountId, async () => {
      const list = await this.of(accountId)
      const fresh = items.filter(({ jid }) => !list.has(jid.toString()))
      if (list.size + fresh.length > max) return undefined
      if (fresh.length === 0) return []
      await this.#store.add(accountId, fresh)
      this.#keep(accountId, new Map([...list, ...fresh.map(({ jid }) => [jid.toString(), jid] as const)]))
      return fresh
    })
  }

  /** Answers with those that were blocked before. Undefined: all. */
  remove(accountId: string, jids?: readonly Jid[]): Promise<Jid[]> {
    return this.#turns.take(accountId, async () => {
      const list = await this.of(accountId)
      const gone = [...(jids ?? list.values())].filter((jid) => list.has(jid.toString()))
      if (gone.length === 0) return []
      await this.#store.remove(accountId, gone)
      const left = new Map(list)
      for (const jid of gone) left.delete(jid.toString())
      this.#keep(accountId, left)
      return gone
    })
  }

  erase(accountId: string): Promise<void> {
    return this.#turns.take(accountId, async () => {
      await this.#store.erase(accountId)
      this.#cache.delete(accountId)
    })
  }

  #load(accountId: string): Promise<BlockList> {
    const loading = this.#store
      .load(accountId)
      .then((jids) => {
        const loaded = jids.length === 0 ? NOTHING : new Map(jids.map((jid) => [jid.toString(), jid]))
        // A step may have put a newer one there.
        return this.#cache.get(accountId) ?? this.#keep(accountId, loaded)
      })
      .finally(() => this.#loading.delete(accountId))
    this.#loading.set(accountId, loading)
    return loading
  }

  #keep(accountId: string, list: BlockList): BlockList {
    this.#cache.delete(accountId)
    this.#cache.set(accountId, list)
    const [oldest] = this.#cache.keys()
    if (oldest !== undefined && this.#cache.size > this.#listsMax) this.#cache.delete(oldest)
    return list
  }
}
