/**
 * When a device is woken (XEP-0357 §7): once when the first message worth it waits in its queue and no session takes it, and not again before a session of that device
 * has been here. A session that is connected and has not acknowledged for a while counts as none. Each waits for a random time, so that whoever sees requests to a
 * push service cannot tell by the clock whose message caused which. What is known of devices is in memory: after a restart those that have something waiting are woken
 * once more.
 */
import { isConnectionError } from '@sealpost/db'
import type { Clock, Random } from '@sealpost/runtime'
import { Budgets } from '@sealpost/runtime'
import type { Session } from '../../core/module.ts'
import type { QueueKey } from '../../delivery/sealed-store/sealed-store.ts'

export interface WakeUpLimits {
  /** Between a message and the request that it causes: at least, and at most so much more. */
  readonly delayMs: number
  readonly spreadMs: number
  /** A connected session that was asked to acknowledge and has not for so long does not take what it gets. */
  readonly silentMs: number
  /** Before a device that is connected and silent is woken again. */
  readonly againMs: number
  /** Over what time the devices that have something waiting are woken after a restart. */
  readonly restartSpreadMs: number
  /** Before what a push service could not take is tried again, and how often. */
  readonly retryMs: number
  readonly triesMax: number
}

export const wakeUpLimits: WakeUpLimits = {
  delayMs: 500,
  spreadMs: 3_500,
  silentMs: 10_000,
  againMs: 60_000,
  restartSpreadMs: 60_000,
  retryMs: 60_000,
  triesMax: 5,
}

/** Devices of which it is known that they were woken or are to be. Beyond it the oldest are forgotten, which may be woken twice. */
const DEVICES_MAX = 200_000
/** How often one device is woken, whatever it does. */
const RATE = { burst: 10, perSecond: 1 / 60 }

/** `later`: somebody did not take it, and may the next time. */
export type WakeOutcome = 'done' | 'later'

export interface WakeUpsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly limits: WakeUpLimits
  readonly hasWaiting: (key: QueueKey) => boolean
  readonly takers: (key: QueueKey) => readonly Pick<Session, 'outbox'>[]
  /** Asks the push services of the devices that take from the queue. */
  readonly wake: (key: QueueKey) => Promise<WakeOutcome>
  readonly spawn: (task: Promise<unknown>) => void
}

/** With a timer it is to be looked at; without, it was woken. */
interface State {
  readonly timer: Disposable | undefined
  readonly tries: number
  /** Monotonic. */
  readonly wokenAt: number
}

export class WakeUps implements Disposable {
  readonly #options: WakeUpsOptions
  readonly #states = new Map<string, State>()
  readonly #budgets: Budgets
  #disposed = false

  constructor(options: WakeUpsOptions) {
    this.#options = options
    this.#budgets = new Budgets(RATE, DEVICES_MAX, options.clock)
  }

  /** A message worth waking for waits in the queue. */
  waiting(key: QueueKey): void {
    const state = this.#states.get(nameOf(key))
    if (state?.timer) return
    if (state && !this.#mayAgain(key, state)) return
    this.#lookLater(key, this.#delayMs(), 0)
  }

  /** After a restart, when nobody knows who was woken. */
  resume(key: QueueKey): void {
    const { restartSpreadMs, delayMs } = this.#options.limits
    if (!this.#states.has(nameOf(key)) && this.#options.hasWaiting(key))
      this.#lookLater(key, delayMs + this.#uniform(restartSpreadMs), 0)
  }

  /** A session takes from the queue, or somebody else is to be asked from now on: what was is over. */
  forget(key: QueueKey): void {
    const name = nameOf(key)
    this.#states.get(name)?.timer?.[Symbol.dispose]()
    this.#states.delete(name)
  }

  #mayAgain(key: QueueKey, { wokenAt }: State): boolean {
    const { takers, limits, clock } = this.#options
    return takers(key).length > 0 && clock.monotonic() - wokenAt >= limits.againMs
  }

  #lookLater(key: QueueKey, delayMs: number, tries: number): void {
    if (this.#disposed) return
    const name = nameOf(key)
    this.forget(key)
    const [oldest] = this.#states.size >= DEVICES_MAX ? this.#states : []
    if (oldest) {
      oldest[1].timer?.[Symbol.dispose]()
      this.#states.delete(oldest[0])
    }
    const timer = this.#options.clock.after(delayMs, () => this.#look(key, tries))
    this.#states.set(name, { timer, tries, wokenAt: 0 })
  }

  #look(key: QueueKey, tries: number): void {
    const { hasWaiting, takers, limits, clock, spawn } = this.#options
    const name = nameOf(key)
    if (!hasWaiting(key)) return void this.#states.delete(name)
    if (takers(key).some((session) => !this.#isSilent(session)))
      return this.#lookLater(key, limits.silentMs, tries)
    if (!this.#budgets.take(name)) return this.#lookLater(key, this.#budgets.waitMs(name), tries)
    const state = { timer: undefined, tries, wokenAt: clock.monotonic() }
    this.#states.set(name, state)
    spawn(this.#wake(key, state))
  }

  async #wake(key: QueueKey, state: State): Promise<void> {
    const { limits } = this.#options
    const outcome = await this.#ask(key, state)
    if (outcome === 'done' || this.#states.get(nameOf(key)) !== state) return
    if (state.tries + 1 < limits.triesMax) this.#lookLater(key, limits.retryMs, state.tries + 1)
    else this.#states.delete(nameOf(key)) // the next message begins anew
  }

  /** While Postgres is away nobody knows whom to ask. */
  async #ask(key: QueueKey, state: State): Promise<WakeOutcome> {
    try {
      return await this.#options.wake(key)
    } catch (error) {
      if (isConnectionError(error)) return 'later'
      if (this.#states.get(nameOf(key)) === state) this.#states.delete(nameOf(key)) // the next message begins anew
      throw error
    }
  }

  #isSilent({ outbox }: Pick<Session, 'outbox'>): boolean {
    const { clock, limits } = this.#options
    const since = outbox.silentSince()
    return since !== undefined && clock.monotonic() - since >= limits.silentMs
  }

  #delayMs(): number {
    const { delayMs, spreadMs } = this.#options.limits
    return delayMs + this.#uniform(spreadMs)
  }

  #uniform(maxMs: number): number {
    return (this.#options.random.bytes(4).readUInt32BE() / 2 ** 32) * maxMs
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    for (const { timer } of this.#states.values()) timer?.[Symbol.dispose]()
    this.#states.clear()
    this.#budgets[Symbol.dispose]()
  }
}

function nameOf({ account, device }: QueueKey): string {
  return `${account} ${device}`
}
