import type { HistogramMetric, Metrics } from '@sealpost/metrics'

const BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]

/** Measures how long a destroyed key was still on disk: from the order to the sync, for the first order of each sync. */
export class ShredLag {
  readonly #histogram: HistogramMetric
  readonly #synced: () => Promise<void>
  #round: Promise<void> | undefined

  /** `synced` gives one promise to all that share a sync. */
  constructor(metrics: Metrics, synced: () => Promise<void>) {
    this.#histogram = metrics.histogram(
      'shred_lag_seconds',
      'Time from the order to destroy a key to its overwriting on disk, the longest of each sync',
      BUCKETS_SECONDS,
    )
    this.#synced = synced
  }

  /** Keys were just shredded in memory. */
  shredded(): void {
    const round = this.#synced()
    if (round === this.#round) return
    this.#round = round
    void this.#measure(round, performance.now())
  }

  /** The keyring repeats a sync that failed, for as long as it takes; each try is a round of its own. */
  async #measure(first: Promise<void>, since: number): Promise<void> {
    for (let round = first; ; round = this.#synced()) {
      try {
        await round
        break
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'KEYRING_UNAVAILABLE') return
      }
    }
    this.#histogram.observe((performance.now() - since) / 1000)
  }
}
