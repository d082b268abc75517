import type { HistogramMetric, Metrics } from '@sealpost/metrics'

const BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]

/** Measures how long a destroyed key was still on disk: from the order to the sync, for the first order of each batch that is written together. */
export class ShredLag implements Disposable {
  readonly #histogram: HistogramMetric
  readonly #synced: () => Promise<number>
  readonly #watch: Disposable
  /** When the orders were given whose keys are still on disk; in order. */
  readonly #pending = new Set<{ readonly since: number }>()
  #round: Promise<number> | undefined

  /** `synced` gives one promise to all that are written together, with when they were on disk. `keyring`: whose, a word. */
  constructor(metrics: Metrics, keyring: string, synced: () => Promise<number>) {
    this.#watch = metrics.watched(
      'shred_oldest_pending_seconds',
      'For how long the oldest key that was ordered to be destroyed has been on disk since; 0: there is none',
      { keyring },
      () => this.oldestPendingSeconds,
    )
    this.#histogram = metrics.histogram(
      'shred_lag_seconds',
      'Time from the order to destroy a key to its overwriting on disk, the longest of each batch that is written together',
      BUCKETS_SECONDS,
    )
    this.#synced = synced
  }

  /** Of the keys that are destroyed in memory and not yet on disk. */
  get oldestPendingSeconds(): number {
    const [oldest] = this.#pending
    return oldest === undefined ? 0 : (performance.now() - oldest.since) / 1000
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
  }

  /** Keys were just shredded in memory. */
  shredded(): void {
    const round = this.#synced()
    if (round === this.#round) return
    this.#round = round
    void this.#measure(round)
  }

  /** The keyring repeats a sync that failed, for as long as it takes; each try is a round of its own. */
  async #measure(first: Promise<number>): Promise<void> {
    const order = { since: performance.now() }
    this.#pending.add(order)
    for (let round = first; ; round = this.#synced()) {
      try {
        const at = await round
        this.#pending.delete(order)
        return this.#histogram.observe(Math.max(0, at - order.since) / 1000)
      } catch (error) {
        // Closed, or fenced: whoever has the keyring now sees to it.
        if ((error as { code?: unknown }).code !== 'KEYRING_UNAVAILABLE')
          return void this.#pending.delete(order)
      }
    }
  }
}
