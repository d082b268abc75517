/** How much of something somebody may cause: a token bucket, full at the beginning. */

export interface BudgetRate {
  /** What may be taken at once. */
  readonly burst: number
  /** Regained in a second, up to `burst`. */
  readonly perSecond: number
}

/** All times are monotonic. */
export class Budget {
  readonly #rate: BudgetRate
  #left: number
  #atMs: number

  constructor(rate: BudgetRate, nowMs: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#atMs = nowMs
  }

  /** Takes `cost`; false, and nothing is taken, when there is not enough left. */
  take(nowMs: number, cost = 1): boolean {
    if (!this.allows(nowMs, cost)) return false
    this.#left -= cost
    return true
  }

  /** Whether `take` would succeed. */
  allows(nowMs: number, cost = 1): boolean {
    this.#regain(nowMs)
    return this.#left >= cost
  }

  /** Takes what has been used already, and goes into debt for it. */
  charge(nowMs: number, cost: number): void {
    this.#regain(nowMs)
    this.#left -= cost
  }

  giveBack(cost = 1): void {
    this.#left = Math.min(this.#rate.burst, this.#left + cost)
  }

  /** How long until there is `wanted`. */
  waitMs(nowMs: number, wanted = 1): number {
    this.#regain(nowMs)
    return Math.max(0, ((wanted - this.#left) / this.#rate.perSecond) * 1000)
  }

  isFull(nowMs: number): boolean {
    this.#regain(nowMs)
    return this.#left >= this.#rate.burst
  }

  #regain(nowMs: number): void {
    const regained = ((nowMs - this.#atMs) / 1000) * this.#rate.perSecond
    this.#left = Math.min(this.#rate.burst, this.#left + regained)
    this.#atMs = nowMs
  }
}
