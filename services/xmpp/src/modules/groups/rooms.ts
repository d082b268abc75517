/** The groups in memory: those that somebody is in, and a bounded number of others. There is one object for each. */
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import { Turns } from '../../core/module.ts'
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
  readonly #affiliatedMax: number
  readonly #turns = new Turns()
  /** Least recently used first. */
  readonly #rooms = new Map<string, { readonly room: Room; readonly weight: number }>()
  readonly #loading = new Map<string, Promise<Room | undefined>>()
  #weight = 0

  /** @param now monotonic */
  constructor(store: GroupStore, now: () => number, affiliatedMax = AFFILIATED_MAX) {
    this.store = store
    this.#now = now
    this.#affiliatedMax = affiliatedMax
  }

  /** Synchronous when it is in memory. */
  find(jid: Jid): MaybePromise<Room | undefined> {
    const key = jid.bare.toString()
    const found = this.#rooms.get(key)
    if (!found) return this.#loading.get(key) ?? this.#load(jid.bare, key)
    this.forget(found.room)
    return this.#keep(found.room) // it may have grown
  }

  /** The one that is there, or a new one. */
  make(jid: Jid, make: () => Room): Room {
    return this.#rooms.get(jid.bare.toString())?.room ?? this.#keep(make())
  }

  /** What adds to the groups of an account, one after the other, so that counting and adding is one step. */
  adding<T>(accountId: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.take(accountId, task)
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
    const weight = 1 + room.size
    this.#rooms.set(room.jidText, { room, weight })
    this.#weight += weight
    for (const { room: oldest } of this.#rooms.values()) {
      if (this.#weight <= this.#affiliatedMax) break
      if (oldest !== room && oldest.idle) this.forget(oldest)
    }
    return room
  }
}
