import { KeyringError } from './keyring-error.ts'

const RETRY_MS_FIRST = 100
const RETRY_MS_MAX = 5000

export interface WriteBackOptions {
  /** Writes these slots (rising, no slot twice) from memory and syncs the file. */
  readonly write: (slots: Uint32Array) => Promise<void>
  /** How long the first changed slot waits for others to share its sync. */
  readonly windowMs: number
  /** Called when writing begins to fail, and when it works again. */
  readonly onAvailable: (available: boolean, error?: unknown) => void
}

/**
 * Collects changed slots and writes them together: all changes of a few milliseconds share one sync. Memory is the truth, so a slot
 * may change while it is being written: it is then written again by the next round. A round that fails is repeated with backoff for
 * as long as it takes: the kernel may have dropped what it could not write, hence all its slots are written again.
 *
 * NOTE: the window runs on the event loop's own timer: it waits for hardware, not for protocol time.
 */
export class WriteBack {
  readonly #options: WriteBackOptions
  /** Changed since the last round began. */
  #dirty = new Set<number>()
  #next: PromiseWithResolvers<void> | undefined
  #current: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #stopped: KeyringError | undefined

  constructor(options: WriteBackOptions) {
    this.#options = options
  }

  /** True from the first failed round to the next that succeeds. */
  get failing(): boolean {
    return this.#failures > 0
  }

  mark(slot: number): void {
    this.#dirty.add(slot)
    if (this.#next === undefined) this.#next = deferred()
    if (this.#failures === 0) this.#schedule(this.#options.windowMs)
  }

  /** Resolves when everything marked so far is on disk; rejects when the round that would write it fails (it is retried all the same). */
  synced(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped)
    return this.#next?.promise ?? this.#current ?? Promise.resolve()
  }

  /** Writes nothing more, for good; waiters get `error`. */
  stop(error: KeyringError): void {
    this.#stopped ??= error
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#next?.reject(this.#stopped)
    this.#next = undefined
  }

  /** Writes what is left and stops. Throws KEYRING_UNAVAILABLE when that fails. */
  async close(): Promise<void> {
    await this.#current?.catch(() => undefined)
    try {
      if (this.#stopped === undefined && this.#dirty.size > 0) await this.#round()
    } finally {
      this.stop(new KeyringError('KEYRING_CLOSED'))
    }
  }

  #schedule(ms: number): void {
    if (this.#timer !== undefined || this.#current !== undefined || this.#stopped !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#round().catch(() => undefined)
    }, ms)
  }

  #round(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiters = this.#next ?? deferred()
    this.#next = undefined
    const slots = Uint32Array.from(this.#dirty).sort()
    this.#dirty = new Set()
    this.#current = waiters.promise
    this.#options.write(slots).then(
      () => this.#succeeded(waiters),
      (error: unknown) => this.#failed(slots, waiters, error),
    )
    return waiters.promise
  }

  #succeeded(waiters: PromiseWithResolvers<void>): void {
    this.#current = undefined
    const recovered = this.#failures > 0
    this.#failures = 0
    if (recovered) this.#options.onAvailable(true)
    waiters.resolve()
    if (this.#dirty.size > 0) this.#schedule(this.#options.windowMs)
  }

  #failed(slots: Uint32Array, waiters: PromiseWithResolvers<void>, error: unknown): void {
    this.#current = undefined
    for (const slot of slots) this.#dirty.add(slot)
    this.#next ??= deferred()
    const delay = Math.min(RETRY_MS_FIRST * 2 ** this.#failures, RETRY_MS_MAX)
    this.#failures += 1
    if (this.#failures === 1 && this.#stopped === undefined) this.#options.onAvailable(false, error)
    waiters.reject(
      error instanceof KeyringError ? error : new KeyringError('KEYRING_UNAVAILABLE', { cause: error }),
    )
    this.#schedule(delay)
  }
}

/** A promise that may be rejected with nobody listening. */
function deferred(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>()
  made.promise.catch(() => undefined)
  return made
}
