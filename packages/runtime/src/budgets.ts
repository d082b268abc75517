/** A budget for each of many that are told apart by a key: bounded, and forgotten once it is full again. */
import { Budget, type BudgetRate } from './budget.ts'
import type { Clock } from './clock.ts'

const SWEEP_MS = 60_000

export class Budgets implements Disposable {
  readonly #rate: BudgetRate
  readonly #max: number
  readonly #clock: Clock
  readonly #sweeping: Disposable
  /** Least recently used first. */
  readonly #budgets = new Map<string, Budget>()

  /** @param max keys remembered; beyond it the one that has not been used for longest is forgotten */
  constructor(rate: BudgetRate, max: number, clock: Clock) {
    this.#rate = rate
    this.#max = max
    this.#clock = clock
    this.#sweeping = clock.every(SWEEP_MS, () => this.#sweep())
  }

  get size(): number {
    return this.#budgets.size
  }

  /** False, and nothing is taken, when nothing is left. */
  take(key: string): boolean {
    const budget = this.#budgets.get(key) ?? this.#make()
    this.#budgets.delete(key)
    this.#budgets.set(key, budget)
    return budget.take(this.#clock.monotonic())
  }

  /** Whether `take` would succeed. */
  allows(key: string): boolean {
    return this.#budgets.get(key)?.allows(this.#clock.monotonic()) ?? true
  }

  /** How long until `take` succeeds. */
  waitMs(key: string): number {
    return this.#budgets.get(key)?.waitMs(this.#clock.monotonic()) ?? 0
  }

  giveBack(key: string): void {
    this.#budgets.get(key)?.giveBack()
  }

  /** What was taken is forgotten. */
  clear(): void {
    this.#budgets.clear()
  }

  #make(): Budget {
    const [oldest] = this.#budgets.keys()
    if (oldest !== undefined && this.#budgets.size >= this.#max) this.#budgets.delete(oldest)
    return new Budget(this.#rate, this.#clock.monotonic())
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    for (const [key, budget] of this.#budgets) if (budget.isFull(now)) this.#budgets.delete(key)
  }

  [Symbol.dispose](): void {
    this.#sweeping[Symbol.dispose]()
    this.#budgets.clear()
  }
}
