/** The groups in memory: those that somebody is in, and a bounded number of others. There is one object for each. */
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import { refuse } from './refusals.ts'
import { Room } from './room.ts'
import type { GroupStore } from './store.ts'

/** Groups that one account can own by making them. */
const OWNED_MAX = 50
/** Affiliations of all groups in memory that nobody is in, about. */
const AFFILIATED_MAX = 200_000

export class Rooms {
  readonly store: GroupStore
  readonly #now: () => number
  /** Least recently used first. */
  readonly #rooms = new Map<string, { readonly room: Room; readonly weight: number }>()
  readonly #loading = new Map<string, Promise<Room | undefined>>()
  #weight = 0

  /** @param now monotonic */
  constructor(store: GroupStore, now: () => number) {
    this.store = store
    this.#now = now
  }

  /** Synchronous when it is in memory. */
  find(jid: Jid): MaybePromise<Room | undefined> {
    const key = jid.bare.toString()
    const found = this.#rooms.get(key)
    if (!found) return this.#loading.get(key) ?? this.#load(jid.bare, key)
    this.#rooms.delete(key)
    this.#rooms.set(key, found)
    return found.room
  }

  /** The one that is there, or a new one. */
  make(jid: Jid, make: () => Room): Room {
    return this.#rooms.get(jid.bare.toString())?.room ?? this.#keep(make())
  }

  /** Throws when the account owns as many as it may. */
  async checkOwned(accountId: string): Promise<void> {
    const memberships = await this.store.membershipsOf(accountId)
    const owned = memberships.filter(({ affiliation }) => affiliation === 'owner')
    if (owned.length >= OWNED_MAX) throw refuse.tooManyOwned()
  }

  forget(room: Room): void {
    const found = this.#rooms.get(room.jidText)
    if (found?.room !== room) return
    this.#rooms.delete(room.jidText)
    this.#weight -= found.weight
  }

  #load(jid: Jid, key: string): Promise<Room | undefined> {
    const loading = this.store
      .load(jid)
      .then((stored) => stored && this.make(jid, () => new Room(stored, false, this.#now())))
      .finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
    return loading
  }

  #keep(room: Room): Room {
    const weight = 1 + room.affiliated.length
    this.#rooms.set(room.jidText, { room, weight })
    this.#weight += weight
    for (const { room: oldest } of this.#rooms.values()) {
      if (this.#weight <= AFFILIATED_MAX) break
      if (oldest !== room && oldest.idle) this.forget(oldest)
    }
    return room
  }
}
