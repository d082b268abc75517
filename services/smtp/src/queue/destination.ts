/**
 * One destination and the jobs that are due for it. How many may be tried at once follows what it bears: one more for each round that succeeded, one
 * less for each that could not reach it. One that cannot be reached is left alone for a while, and then tried with a single mail.
 */
import type { Random } from '@sealpost/runtime'
import type { Reply } from './mail-record.ts'
import { deadFor } from './schedule.ts'

const AT_ONCE_FIRST = 5
const AT_ONCE_MAX = 20
/** Jobs that were taken are dropped from the array in batches. */
const COMPACT_FROM = 1_000
/** Destinations remembered for their failures, unless they are in use or left alone now. */
const REMEMBERED_MAX = 10_000

export class Destination<Job> {
  readonly name: string
  running = 0
  /** Why it is left alone. */
  reason: Reply | undefined
  #atOnce = AT_ONCE_FIRST
  #failures = 0
  #deadUntil = 0
  readonly #ready: Job[] = []
  #head = 0

  constructor(name: string) {
    this.name = name
  }

  /** Nothing is known of it and nothing waits for it. */
  get isForgettable(): boolean {
    return this.running === 0 && this.waiting === 0 && this.#failures === 0
  }

  get waiting(): number {
    return this.#ready.length - this.#head
  }

  /** Until when nobody tries it, in milliseconds since the epoch; in the past when it may be tried. */
  get deadUntil(): number {
    return this.#deadUntil
  }

  add(job: Job): void {
    this.#ready.push(job)
  }

  /** The next job, if another may be started. */
  take(): Job | undefined {
    if (this.running >= Math.floor(this.#atOnce) || this.waiting === 0) return undefined
    const job = this.#ready[this.#head]
    this.#head += 1
    if (this.#head > COMPACT_FROM && this.#head * 2 > this.#ready.length) {
      this.#ready.splice(0, this.#head)
      this.#head = 0
    }
    return job
  }

  /** Those that wait, when it is dead: they come back by their time. */
  takeAll(): Job[] {
    const all = this.#ready.slice(this.#head)
    this.#ready.length = 0
    this.#head = 0
    return all
  }

  succeeded(): void {
    if (this.#failures > 0) this.#atOnce = AT_ONCE_FIRST
    this.#failures = 0
    this.reason = undefined
    this.#atOnce = Math.min(this.#atOnce + 1 / this.#atOnce, AT_ONCE_MAX)
  }

  /** Somebody wants it tried now. */
  revive(): void {
    this.#deadUntil = 0
  }

  failed(now: number, reason: Reply | undefined, random: Random): void {
    this.reason = reason
    if (now < this.#deadUntil) return // One of those that began before the first failure.
    this.#failures += 1
    this.#atOnce = 1
    this.#deadUntil = now + deadFor(this.#failures, random)
  }
}

/** All that are known, by name. */
export class Destinations<Job> {
  readonly #known = new Map<string, Destination<Job>>()

  get size(): number {
    return this.#known.size
  }

  find(name: string): Destination<Job> | undefined {
    return this.#known.get(name)
  }

  /** `now`: in milliseconds since the epoch. */
  get(name: string, now: number): Destination<Job> {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (this.#known.size >= REMEMBERED_MAX)
      for (const each of this.#known.values())
        if (each.running === 0 && each.waiting === 0 && each.deadUntil <= now) this.#known.delete(each.name)
    const made = new Destination<Job>(name)
    this.#known.set(name, made)
    return made
  }

  /** One that nobody needs and nothing is known of. */
  tidy(destination: Destination<Job>): void {
    if (destination.isForgettable) this.#known.delete(destination.name)
  }
}
