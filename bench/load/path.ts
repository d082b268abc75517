/** One kind of request in a load of many: so many a second, whatever becomes of them, and how long each took. */
import { createHistogram } from 'node:perf_hooks'

export interface PathReport {
  readonly name: string
  /** All that were sent, and all that came to their end. */
  readonly sent: number
  readonly done: number
  /** Turned away. */
  readonly refused: number
  /** Of those since the last `forget`, from when each was due. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Histograms count whole microseconds. */
const MICROSECONDS = 1_000
/** Of the timer that sends. */
const TICK_MS = 1

export class Path {
  readonly #name: string
  readonly #times = createHistogram()
  #sent = 0
  #done = 0
  #refused = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Sent, and not at its end yet. */
  get open(): number {
    return this.#sent - this.#done - this.#refused
  }

  /** Calls `send` so many times a second, each with the moment that it was due, until disposed. */
  start(perSecond: number, send: (dueAt: number) => void): Disposable {
    const began = performance.now()
    let count = 0
    const timer = setInterval(() => {
      const now = performance.now()
      for (let due = began; (due = began + (count * 1_000) / perSecond) <= now; count++) {
        this.expect()
        send(due)
      }
    }, TICK_MS)
    return { [Symbol.dispose]: () => clearInterval(timer) }
  }

  /** One more is sent. */
  expect(): void {
    this.#sent++
  }

  took(ms: number): void {
    this.#done++
    this.#times.record(Math.max(1, Math.round(ms * MICROSECONDS)))
  }

  refused(): void {
    this.#refused++
  }

  /** Times so far count no more. */
  forget(): void {
    this.#times.reset()
  }

  report(): PathReport {
    const times = this.#times
    return {
      name: this.#name,
      sent: this.#sent,
      done: this.#done,
      refused: this.#refused,
      p50Ms: times.percentile(50) / MICROSECONDS,
      p99Ms: times.percentile(99) / MICROSECONDS,
      maxMs: times.max / MICROSECONDS,
    }
  }
}
