/** Rosters in a bounded cache; each roster changes one step at a time, and its owner hears of the steps in order. */
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import type { Roster, RosterChange, RosterItem, RosterStore } from './store.ts'
import { type AccountRef, Turns } from '../../core/module.ts'

/** Whose roster; `jid` only serves to find the owner's sessions and may be unknown when nobody is there. */
export interface RosterOwner {
  readonly id: string
  readonly jid: Jid | undefined
}

/** What a step makes of a roster: nothing, or one change. */
export interface Step<T> {
  readonly change: RosterChange | undefined
  readonly result: T
}

export interface RostersOptions {
  readonly store: RosterStore
  /** Items held in memory over all rosters. */
  readonly itemsCachedMax: number
  /** A change that the owner can see. */
  readonly onVisible: (owner: RosterOwner, change: RosterChange, ver: number) => void
}

interface MutableRoster extends Roster {
  ver: number
  readonly items: Map<string, RosterItem>
}

export class Rosters {
  readonly #options: RostersOptions
  /** Least recently used first. */
  readonly #cache = new Map<string, MutableRoster>()
  readonly #loading = new Map<string, Promise<MutableRoster>>()
  readonly #turns = new Turns()
  #itemsCached = 0

  constructor(options: RostersOptions) {
    this.#options = options
  }

  /** The roster as it is now; synchronous when cached. It changes in place: do not keep it. */
  get(accountId: string): MaybePromise<Roster> {
    return this.#get(accountId)
  }

  /** Runs `decide` on the roster when no other step of it is under way, and applies what it returns. */
  step<T>(owner: RosterOwner, decide: (roster: Roster) => Step<T>): Promise<T> {
    return this.#turns.take(owner.id, async () => {
      const roster = await this.#get(owner.id)
      const { change, result } = decide(roster)
      if (change) {
        roster.ver = await this.#options.store.change(owner.id, change)
        this.#apply(owner.id, roster, change)
        if (change.visible) this.#options.onVisible(owner, change, roster.ver)
      }
      return result
    })
  }

  /** Adds what `decide` returns to the roster of an account that nobody is signed in to. */
  adopt(owner: AccountRef, decide: (roster: Roster) => readonly RosterItem[]): Promise<void> {
    return this.#turns.take(owner.id, async () => {
      await this.#options.store.adopt(owner.id, owner.jid, decide(await this.#get(owner.id)))
      this.#drop(owner.id)
    })
  }

  /** Forgets a roster and deletes its rows. */
  erase(accountId: string): Promise<void> {
    return this.#turns.take(accountId, async () => {
      await this.#options.store.erase(accountId)
      this.#drop(accountId)
    })
  }

  #apply(accountId: string, roster: MutableRoster, { put, remove }: RosterChange): void {
    // Taken out and put back, so that it is counted with its new size, and is there even if it was evicted meanwhile.
    this.#drop(accountId)
    if (put) roster.items.set(put.contact.toString(), put)
    if (remove) roster.items.delete(remove.toString())
    this.#keep(accountId, roster)
  }

  #get(accountId: string): MaybePromise<MutableRoster> {
    const cached = this.#cache.get(accountId)
    if (!cached) return this.#loading.get(accountId) ?? this.#load(accountId)
    this.#cache.delete(accountId)
    this.#cache.set(accountId, cached)
    return cached
  }

  #load(accountId: string): Promise<MutableRoster> {
    const loading = this.#options.store
      .load(accountId)
      .then(({ ver, items }) => {
        // A step may have put a newer one there.
        const roster = this.#cache.get(accountId) ?? { ver, items: new Map(items) }
        if (!this.#cache.has(accountId)) this.#keep(accountId, roster)
        return roster
      })
      .finally(() => this.#loading.delete(accountId))
    this.#loading.set(accountId, loading)
    return loading
  }

  #keep(accountId: string, roster: MutableRoster): void {
    this.#cache.set(accountId, roster)
    this.#itemsCached += cost(roster)
    for (const oldest of this.#cache.keys()) {
      if (this.#itemsCached <= this.#options.itemsCachedMax || oldest === accountId) return
      this.#drop(oldest)
    }
  }

  #drop(accountId: string): void {
    const roster = this.#cache.get(accountId)
    if (!roster) return
    this.#cache.delete(accountId)
    this.#itemsCached -= cost(roster)
  }
}

/** An empty roster takes memory too. */
function cost(roster: Roster): number {
  return roster.items.size + 1
}
