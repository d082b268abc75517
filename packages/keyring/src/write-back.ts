import { KeyringError } from './keyring-error.ts'

/** Of whose end nothing has been heard: a disk that stands still must not fill the memory. What changes beyond that waits for one to end. */
const UNDER_WAY_MAX = 1024
const RETRY_MS_FIRST = 100
const RETRY_MS_MAX = 5000

export interface WriteBackOptions {
  /** Writes these slots (rising, no slot twice) from memory and syncs the file; resolves with when it was on disk. Called again before it has resolved. */
  readonly write: (slots: Uint32Array) => Promise<number>
  /** How long the first who waits for a sync lets others share it. */
  readonly windowMs: number
  /** Called when writing begins to fail, and when it works again. */
  readonly onAvailable: (available: boolean, error?: unknown) => void
}

/**
 * Collects changed slots and writes them together. A round begins when one of them is wanted on disk: at once when the change is urgent, else a few milliseconds
 * after somebody has asked for it, so that others share its sync; until then nobody relies on it. Memory is the truth, so a slot
 * may change while it is being written: it is then written again by the next round. A round that fails is repeated with backoff for
 * as long as it takes: the kernel may have dropped what it could not write, hence all its slots are written again.
 *
 * A busy event loop looks at its timers late, and hears late that a round is over. So a change that comes when the window is over begins the round:
 * rounds overlap, and the disk makes one sync of those that come while it is at another. A round holds only if those before it do.
 *
 * NOTE: the window runs on the event loop's own timer: it waits for hardware, not for protocol time.
 */
export class WriteBack {
  readonly #options: WriteBackOptions
  /** Changed since the last round began. */
  #dirty = new Set<number>()
  #next: PromiseWithResolvers<number> | undefined
  /** Since when the next round is wanted; undefined: its changes may wait. */
  #wantedSince: number | undefined
  /** Rounds of whose end nothing has been heard. They settle in the order in which they began; the newest of them. */
  readonly #underWay = new Set<Promise<number>>()
  #newest: Promise<number> | undefined
  #timer: NodeJS.Timeout | undefined
  #isBeginning = false
  /** How long the next retry waits, from the first round that failed until one succeeds. */
  #retryMs: number | undefined
  #stopped: KeyringError | undefined

  constructor(options: WriteBackOptions) {
    this.#options = options
  }

  /** True from the first failed round to the next that succeeds. */
  get failing(): boolean {
    return this.#retryMs !== undefined
  }

  /** `isUrgent`: is written at once, unless writing fails. */
  mark(slot: number, isUrgent = false): void {
    this.#dirty.add(slot)
    this.#next ??= deferred()
    if (isUrgent) this.#wantedSince ??= performance.now()
    if (this.#wantedSince === undefined || this.failing || this.#stopped !== undefined) return
    if (isUrgent || performance.now() - this.#wantedSince >= this.#options.windowMs) this.#beginSoon()
  }

  /** Resolves when everything marked so far is on disk, with when that was; rejects when the round that would write it fails (it is retried all the same). */
  synced(): Promise<number> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped)
    if (this.#next === undefined) return this.#newest ?? Promise.resolve(performance.now())
    this.#wantedSince ??= performance.now()
    if (!this.failing) this.#schedule(this.#options.windowMs)
    return this.#next.promise
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
    do await Promise.allSettled(this.#underWay)
    while (this.#underWay.size > 0)
    try {
      if (this.#stopped === undefined && this.#dirty.size > 0) await this.#round()
    } finally {
      this.stop(new KeyringError('KEYRING_CLOSED'))
    }
  }

  /** When whoever changes slots is done with them. */
  #beginSoon(): void {
    if (this.#isBeginning) return
    this.#isBeginning = true
    queueMicrotask(() => {
      this.#isBeginning = false
      this.#begin()
    })
  }

  #schedule(ms: number): void {
    if (this.#timer !== undefined || this.#stopped !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#begin()
    }, ms)
  }

  /** Once writing fails nothing begins but the retry, when all rounds that were under way have ended. */
  #begin(): void {
    if (this.#next === undefined || this.#stopped !== undefined) return
    if (this.#underWay.size >= (this.failing ? 1 : UNDER_WAY_MAX)) return
    this.#round().catch(() => undefined)
  }

  #round(): Promise<number> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiters = this.#next ?? deferred()
    this.#next = undefined
    const slots = Uint32Array.from(this.#dirty).sort()
    this.#dirty = new Set()
    this.#wantedSince = undefined
    const before = this.#newest
    this.#underWay.add(waiters.promise)
    this.#newest = waiters.promise
    void this.#carryOut(slots, waiters, before)
    return waiters.promise
  }

  async #carryOut(
    slots: Uint32Array,
    waiters: PromiseWithResolvers<number>,
    before: Promise<number> | undefined,
  ): Promise<void> {
    const [own, earlier] = await Promise.allSettled([this.#options.write(slots), before])
    this.#underWay.delete(waiters.promise)
    if (this.#underWay.size === 0) this.#newest = undefined
    // The system tells one sync alone that something could not be written, which then holds for those that came meanwhile, too.
    if (own.status === 'rejected') this.#failed(slots, waiters, own.reason)
    else if (earlier.status === 'rejected') this.#failed(slots, waiters, earlier.reason)
    else this.#succeeded(waiters, own.value)
  }

  #succeeded(waiters: PromiseWithResolvers<number>, at: number): void {
    if (this.failing) this.#options.onAvailable(true)
    this.#retryMs = undefined
    waiters.resolve(at)
    if (this.#wantedSince !== undefined) this.#schedule(this.#options.windowMs)
  }

  #failed(slots: Uint32Array, waiters: PromiseWithResolvers<number>, error: unknown): void {
    for (const slot of slots) this.#dirty.add(slot)
    this.#next ??= deferred()
    if (!this.failing && this.#stopped === undefined) this.#options.onAvailable(false, error)
    this.#retryMs ??= RETRY_MS_FIRST
    waiters.reject(
      error instanceof KeyringError ? error : new KeyringError('KEYRING_UNAVAILABLE', { cause: error }),
    )
    if (this.#underWay.size === 0) this.#retryLater(this.#retryMs)
  }

  #retryLater(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#schedule(ms)
    this.#retryMs = Math.min(ms * 2, RETRY_MS_MAX)
  }
}

/** A promise that may be rejected with nobody listening. */
function deferred(): PromiseWithResolvers<number> {
  const made = Promise.withResolvers<number>()
  made.promise.catch(() => undefined)
  return made
}
