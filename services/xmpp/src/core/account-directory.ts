/**
 * The accounts as the relay sees them: a bounded cache over packages/accounts, so that routing a message reads no
 * table. An entry is dropped when the bus says that the account changed, and all are when events may have been missed.
 */
import type { Account, Accounts, AccountState } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'

/** An existing local account. One object per account while it is cached: do not keep it across awaits of minutes. */
export interface AccountRef {
  readonly id: string
  /** Bare JID. */
  readonly jid: Jid
  readonly state: AccountState
}

export interface AccountDirectory {
  /** The account of a JID (its resource is ignored); synchronous when cached. Terminated accounts do not exist. */
  find(jid: Jid): MaybePromise<AccountRef | undefined>
}

const CACHED_ACCOUNTS_MAX = 200_000

export class CachedAccountDirectory implements AccountDirectory, Disposable {
  readonly #accounts: Accounts
  readonly #cache = new Map<string, AccountRef>()
  readonly #keysById = new Map<string, string>()
  readonly #subscriptions: Disposable[]
  #generation = 0

  constructor(accounts: Accounts, bus: Bus) {
    this.#accounts = accounts
    this.#subscriptions = [
      bus.subscribe('account/changed', ({ accountId }) => this.#forget(accountId)),
      bus.onReset(() => this.#forgetAll()),
    ]
  }

  find(jid: Jid): MaybePromise<AccountRef | undefined> {
    const key = jid.bare.toString()
    const cached = this.#cache.get(key)
    return cached ?? this.#load(jid.bare, key)
  }

  async #load(jid: Jid, key: string): Promise<AccountRef | undefined> {
    const generation = this.#generation
    const account = await this.#accounts.find(jid)
    if (!account || account.state === 'terminated') return undefined
    // An event that arrived while we read may be about this row: do not keep what could be stale.
    return generation === this.#generation ? this.#keep(key, account) : account
  }

  #keep(key: string, account: Account): AccountRef {
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

  #forgetAll(): void {
    this.#generation++
    this.#cache.clear()
    this.#keysById.clear()
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]()
  }
}
