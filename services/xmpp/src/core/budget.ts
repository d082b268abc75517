/** How much of something one session may cause: a token bucket, full at the beginning. */

export interface BudgetRate {
  /** What may be taken at once. */
  readonly burst: number
  /** Regained in a second, up to `burst`. */
  readonly perSecond: number
}

export class Budget {
  readonly #rate: BudgetRate
  #left: number
  #atMs: number

  constructor(rate: BudgetRate, nowMs: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#atMs = nowMs
  }

  /** Takes `cost`; false, and nothing is taken, when there is not enough left. `nowMs` is monotonic. */
  take(nowMs: number, cost = 1): boolean {
    const regained = ((nowMs - this.#atMs) / 1000) * this.#rate.perSecond
    this.#left = Math.min(this.#rate.burst, this.#left + regained)
    this.#atMs = nowMs
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }
}
