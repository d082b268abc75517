/** One group while somebody has to do with it: who belongs to it, and who is in it now. What is done to it is done one after the other. */
import { createHmac } from 'node:crypto'
import type { Jid } from '@sealpost/jid'
import { Budget, type MaybePromise } from '@sealpost/runtime'
import type { Element } from '@sealpost/stanza'
import type { AccountRef, Session } from '../../core/module.ts'
import { keyOf, likenessOf } from './nickname.ts'
import type { Affiliated, RoomConfig, StoredRoom } from './store.ts'

/** Presence stanzas that what happens in one group may cause: in large ones each arrival is told to all. */
const BROADCASTS = { burst: 300_000, perSecond: 50_000 }
/** Of SHA-256; as text, 24 characters. */
const OCCUPANT_ID_BYTES = 18

/** An account that is in the group with one nickname, whatever its sessions (XEP-0045 §7.2.8). */
export interface Occupant {
  readonly key: string
  nick: string
  /** What each session shows; the first is what others see. */
  readonly sessions: Map<Session, readonly Element[]>
}

export class Room {
  readonly id: string
  readonly jid: Jid
  readonly jidText: string
  readonly occupantKey: Buffer
  readonly broadcasts: Budget
  config: RoomConfig
  /** It was just made and nobody but its owner may know of it (XEP-0045 §10.1.1). Not stored yet. */
  locked: boolean
  destroyed = false
  /** By account JID. */
  readonly occupants = new Map<string, Occupant>()
  readonly #affiliated = new Map<string, Affiliated>()
  readonly #occupantIds = new Map<string, string>()
  #participants: readonly Affiliated[] | undefined
  #domains: readonly string[] | undefined
  #last: Promise<void> | undefined

  constructor(stored: StoredRoom, locked: boolean, nowMs: number) {
    this.id = stored.id
    this.jid = stored.jid
    this.jidText = stored.jid.toString()
    this.occupantKey = stored.occupantKey
    this.config = stored.config
    this.locked = locked
    this.broadcasts = new Budget(BROADCASTS, nowMs)
    this.change(stored.affiliated)
  }

  /** Nobody is in it and nothing is under way. */
  get idle(): boolean {
    return this.occupants.size === 0 && this.#last === undefined
  }

  /** How many belong to it or are banned. */
  get size(): number {
    return this.#affiliated.size
  }

  get affiliated(): readonly Affiliated[] {
    return [...this.#affiliated.values()]
  }

  /** Those that messages go to: they belong to it and have entered once. */
  get participants(): readonly Affiliated[] {
    return (this.#participants ??= this.affiliated.filter(
      ({ entered, affiliation }) => entered && affiliation !== 'outcast',
    ))
  }

  /** The domain whose accounts make groups here. */
  get home(): string {
    return this.jid.domain.slice(this.jid.domain.indexOf('.') + 1)
  }

  /** Domains that the policy for a message to all must ask. */
  get domains(): readonly string[] {
    return (this.#domains ??= [...new Set([this.home, ...this.participants.map(({ jid }) => jid.domain)])])
  }

  stored(): StoredRoom {
    const { id, jid, config, occupantKey, affiliated } = this
    return { id, jid, config, occupantKey, affiliated }
  }

  affiliatedAs(jid: Jid): Affiliated | undefined {
    return this.#affiliated.get(jid.bare.toString())
  }

  /** What this very account is in it: another one that had its name counts for nothing. */
  of({ id, jid }: Pick<AccountRef, 'id' | 'jid'>): Affiliated | undefined {
    const found = this.#affiliated.get(jid.toString())
    return found?.accountId === id ? found : undefined
  }

  /** As stored. */
  change(changed: readonly Affiliated[], gone: readonly Jid[] = []): void {
    for (const jid of gone) this.#affiliated.delete(jid.toString())
    for (const each of changed) this.#affiliated.set(each.jid.toString(), each)
    this.#participants = undefined
    this.#domains = undefined
  }

  /** Whether the nickname is, or reads as, that of somebody else who belongs to it: their nickname, or their address. The one that is kept for a member is never. */
  isTaken(nick: string, { jid: by, nick: kept }: Affiliated): boolean {
    if (nick === kept) return false
    const others = this.affiliated.filter(({ jid }) => !jid.equals(by))
    const isLike = likenessOf(nick)
    if (others.some(({ nick: held }) => held !== undefined && isLike(held))) return true
    if (keyOf(nick) === keyOf(by.local)) return false
    return others.some(({ jid }) => isLike(jid.local) || isLike(jid.toString()))
  }

  /** Who of those who belong to it has this nickname, here or away. */
  byNick(nick: string): Affiliated | undefined {
    return this.affiliated.find((each) => each.nick === nick && each.affiliation !== 'outcast')
  }

  occupantOf(jid: Jid): Occupant | undefined {
    return this.occupants.get(jid.bare.toString())
  }

  /** Sessions that are in it. */
  sessions(): Session[] {
    return [...this.occupants.values()].flatMap(({ sessions }) => [...sessions.keys()])
  }

  /** XEP-0421 §4 */
  occupantId(accountId: string): string {
    let id = this.#occupantIds.get(accountId)
    if (id === undefined) {
      const mac = createHmac('sha256', this.occupantKey).update(accountId).digest()
      id = mac.subarray(0, OCCUPANT_ID_BYTES).toString('base64url')
      this.#occupantIds.set(accountId, id)
    }
    return id
  }

  /** Runs `task` when everything before it is over; at once, if nothing is under way. */
  sequence<T>(task: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#last) return this.#track(this.#last.then(task))
    const result = task()
    return result instanceof Promise ? this.#track(result) : result
  }

  #track<T>(result: Promise<T>): Promise<T> {
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#last = settled
    void this.#forget(settled)
    return result
  }

  async #forget(settled: Promise<void>): Promise<void> {
    await settled
    if (this.#last === settled) this.#last = undefined
  }
}
