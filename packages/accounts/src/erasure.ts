/** The durable erasure ledger: whoever holds data of a terminated account is asked until it is gone. */
import type { Bus } from '@sealpost/bus'
import type { Clock } from '@sealpost/runtime'
import { dayOf } from './day.ts'
import type { AccountStore } from './store.ts'

/** Owners are those of DATA_OWNERS. */
export interface ErasureLedger {
  /** Ids of accounts whose data the owner still has to erase, oldest first, at most 500 at a time. */
  pending(owner: string): Promise<string[]>
  /** The owner has erased, durably, everything of the account. After the last owner the account itself is removed. */
  done(owner: string, accountId: string): Promise<void>
}

const PENDING_MAX = 500
const CHECK_MS = 60_000

export function createLedger(store: AccountStore, clock: Clock): ErasureLedger {
  return {
    pending: (owner) => store.erasuresPending(owner, PENDING_MAX),
    done: (owner, accountId) => store.erasureDone(owner, accountId, dayOf(clock.now())),
  }
}

export interface ErasureOptions {
  readonly ledger: ErasureLedger
  readonly owner: string
  /** Erases the owner's data of the account; must be repeatable, and durable when it resolves. */
  readonly erase: (accountId: string) => Promise<void>
  readonly clock: Clock
  readonly bus: Bus
  /** Told about a failed attempt; the account stays pending and is tried again within a minute. */
  readonly onError: (error: unknown) => void
}

/** Keeps an owner's erasures going: at once, whenever an account changes, and each minute, until disposed. */
export function runErasure(options: ErasureOptions): AsyncDisposable {
  return new ErasureRunner(options)
}

class ErasureRunner implements AsyncDisposable {
  readonly #options: ErasureOptions
  readonly #stack = new DisposableStack()
  #running: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(options: ErasureOptions) {
    this.#options = options
    this.#stack.use(options.bus.subscribe('account/changed', () => this.#wake()))
    this.#stack.use(options.bus.onReset(() => this.#wake()))
    this.#stack.use(options.clock.every(CHECK_MS, () => this.#wake()))
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#stack.dispose()
    await this.#running
  }

  #wake(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = this.#work().finally(() => {
      this.#running = undefined
      if (this.#again && !this.#stopped) {
        this.#again = false
        this.#wake()
      }
    })
  }

  async #work(): Promise<void> {
    const { ledger, owner, onError } = this.#options
    try {
      let progress = true
      while (progress && !this.#stopped) {
        const ids = await ledger.pending(owner)
        progress = false
        for (const id of ids) {
          if (this.#stopped) return
          progress = (await this.#eraseOne(id)) || progress
        }
        if (ids.length < PENDING_MAX) return
      }
    } catch (error) {
      onError(error)
    }
  }

  async #eraseOne(accountId: string): Promise<boolean> {
    const { ledger, owner, erase, onError } = this.#options
    try {
      await erase(accountId)
      await ledger.done(owner, accountId)
      return true
    } catch (error) {
      onError(error)
      return false
    }
  }
}
