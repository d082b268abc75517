/** Records the day on which an account was last used: at most one write a day for each, gathered into batches. */
import type { Clock } from '@sealpost/runtime'
import { dayOf } from './day.ts'

const FLUSH_MS = 5_000
const BATCH = 500
/** Accounts remembered as written today; beyond it they are forgotten and may be written a second time, which changes nothing. */
const REMEMBERED_MAX = 200_000

export class LastUse implements AsyncDisposable {
  readonly #clock: Clock
  readonly #write: (ids: readonly string[], day: string) => Promise<void>
  /** Runs while something is pending. */
  #timer: Disposable | undefined
  readonly #noted = new Set<string>()
  #pending = new Set<string>()
  #day = ''

  constructor(clock: Clock, write: (ids: readonly string[], day: string) => Promise<void>) {
    this.#clock = clock
    this.#write = write
  }

  /** Remembers that the account was used today; written at the next flush. */
  note(id: string): void {
    this.#turnDay()
    if (this.#noted.has(id)) return
    if (this.#noted.size >= REMEMBERED_MAX) this.#noted.clear()
    this.#noted.add(id)
    if (this.#pending.size < REMEMBERED_MAX) this.#pending.add(id)
    this.#timer ??= this.#clock.every(FLUSH_MS, () => this.flush())
  }

  /** Writes what is pending. What could not be written stays for the next time: a day is not worth an error to anyone. */
  async flush(): Promise<void> {
    this.#turnDay()
    const ids = [...this.#pending]
    for (let start = 0; start < ids.length; start += BATCH) {
      const batch = ids.slice(start, start + BATCH)
      try {
        await this.#write(batch, this.#day)
      } catch {
        return
      }
      for (const id of batch) this.#pending.delete(id)
    }
    if (this.#pending.size === 0) this.#rest()
  }

  #rest(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
    this.#rest()
  }

  /** Uses still pending at midnight are written with the new day: five seconds decide nothing. */
  #turnDay(): void {
    const today = dayOf(this.#clock.now())
    if (today === this.#day) return
    this.#day = today
    this.#noted.clear()
  }
}
