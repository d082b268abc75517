/**
 * The accounts as the relay sees them: a bounded cache over packages/accounts, so that routing a message reads no
 * table. An entry is dropped when the bus says that the account changed, and all are when events may have been missed.
 * That a name is nobody's is remembered too, until there are new accounts.
 */
import { createHmac } from 'node:crypto'
import type { Account, Accounts, AccountState } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Jid } from '@sealpost/jid'
import type { MaybePromise, Random } from '@sealpost/runtime'
import { chain } from './chain.ts'

/** An existing local account. One object per account while it is cached: do not keep it across awaits of minutes. */
export interface AccountRef {
  readonly id: string
  /** Bare JID. */
  readonly jid: Jid
  readonly state: AccountState
  /** How often everything was signed out; see Credential. */
  readonly signOuts: number
}

export interface AccountDirectory {
  /** The account of a JID (its resource is ignored); synchronous when cached. Terminated accounts do not exist. */
  find(jid: Jid): MaybePromise<AccountRef | undefined>
  /** As `find`, but from the database each time: for answers that must not tell by their time who is in the cache. */
  read(jid: Jid): Promise<AccountRef | undefined>
  /**
   * As `find`, but never empty-handed: in place of an account that does not exist or is suspended comes one that has nothing and lets nobody see
   * anything. So a stranger's request takes the same way whatever the name, and the same answer comes of it.
   */
  findOrDecoy(jid: Jid): MaybePromise<AccountRef>
}

const CACHED_ACCOUNTS_MAX = 200_000
/** Names that nobody has: anybody can ask for as many as they like, so these are few and short. */
const ABSENT_NAMES_MAX = 20_000
const ABSENT_NAME_CHARS_MAX = 128
const DECOY_KEY_BYTES = 32

export class CachedAccountDirectory implements AccountDirectory, Disposable {
  readonly #accounts: Accounts
  readonly #cache = new Map<string, AccountRef>()
  readonly #keysById = new Map<string, string>()
  /** The oldest first. */
  readonly #absent = new Set<string>()
  readonly #decoyKey: Buffer
  readonly #subscriptions: Disposable[]
  #generation = 0

  constructor(accounts: Accounts, bus: Bus, random: Random) {
    this.#accounts = accounts
    this.#decoyKey = random.bytes(DECOY_KEY_BYTES)
    this.#subscriptions = [
      bus.subscribe('account/created', () => this.#forgetAbsent()),
      bus.subscribe('account/changed', ({ accountId }) => this.#forget(accountId)),
      bus.onReset(() => this.#forgetAll()),
    ]
  }

  find(jid: Jid): MaybePromise<AccountRef | undefined> {
    const key = jid.bare.toString()
    const cached = this.#cache.get(key)
    if (cached) return cached
    return this.#absent.has(key) ? undefined : this.#load(jid.bare, key)
  }

  read(jid: Jid): Promise<AccountRef | undefined> {
    return this.#load(jid.bare, jid.bare.toString())
  }

  findOrDecoy(jid: Jid): MaybePromise<AccountRef> {
    return chain(this.find(jid), (account) => (account?.state === 'active' ? account : this.#decoy(jid.bare)))
  }

  /** The same each time, so that what is kept in memory of an account is kept of this one, too. */
  #decoy(jid: Jid): AccountRef {
    const hex = createHmac('sha256', this.#decoyKey).update(jid.toString()).digest('hex')
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
    return { id, jid, state: 'active', signOuts: 0 }
  }

  async #load(jid: Jid, key: string): Promise<AccountRef | undefined> {
    const generation = this.#generation
    const account = await this.#accounts.find(jid)
    // An event that arrived while we read may be about this row: do not keep what could be stale.
    const current = generation === this.#generation
    if (account && account.state !== 'terminated') return current ? this.#keep(key, account) : account
    if (current) this.#keepAbsent(key)
    return undefined
  }

  #keepAbsent(key: string): void {
    if (key.length > ABSENT_NAME_CHARS_MAX) return
    const [oldest] = this.#absent
    if (oldest !== undefined && this.#absent.size >= ABSENT_NAMES_MAX) this.#absent.delete(oldest)
    this.#absent.add(key)
  }

  #keep(key: string, account: Account): AccountRef {
    const cached = this.#cache.get(key)
    if (cached) return cached
    if (this.#cache.size >= CACHED_ACCOUNTS_MAX) this.#evictOldest()
    this.#cache.set(key, account)
    this.#keysById.set(account.id, key)
    return account
  }

  #evictOldest(): void {
    for (const [key, account] of this.#cache) {
      this.#cache.delete(key)
      this.#keysById.delete(account.id)
      return
    }
  }

  #forget(accountId: string): void {
    this.#generation++
    const key = this.#keysById.get(accountId)
    if (key === undefined) return
    this.#cache.delete(key)
    this.#keysById.delete(accountId)
  }

  #forgetAbsent(): void {
    this.#generation++
    this.#absent.clear()
  }

  #forgetAll(): void {
    this.#forgetAbsent()
    this.#cache.clear()
    this.#keysById.clear()
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]()
  }
}
