/** How much presence one session may cause: a token bucket, full at the beginning. */

export interface BudgetRate {
  /** Presence stanzas that may come at once. */
  readonly burst: number
  /** Stanzas regained in a second. */
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

  /** Takes one; false when there is none left. */
  take(nowMs: number): boolean {
    const regained = ((nowMs - this.#atMs) / 1000) * this.#rate.perSecond
    this.#left = Math.min(this.#rate.burst, this.#left + regained)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
