/** The histogram `shred_lag_seconds` of a server, as `/metrics` tells it, and what came to it between two readings. */

const BUCKET = /^shred_lag_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm

export class Lag {
  /** Counts up to each bound, in seconds; the last bound is infinite. */
  readonly #counts: ReadonlyMap<number, number>

  constructor(counts: ReadonlyMap<number, number>) {
    this.#counts = counts
  }

  /** Of those since `before`, or all. */
  count(before?: Lag): number {
    return this.#upTo(Infinity, before)
  }

  /** The share that took no longer than `seconds`, which must be one of the bounds; of none it is 0. */
  within(seconds: number, before?: Lag): number {
    if (!this.#counts.has(seconds)) throw new Error(`the histogram has no bound at ${seconds} s`)
    return this.#upTo(seconds, before) / Math.max(1, this.count(before))
  }

  /** In seconds, interpolated within a bucket as Prometheus does it. */
  quantile(share: number, before?: Lag): number {
    const wanted = share * this.count(before)
    let [lower, below] = [0, 0]
    for (const bound of this.#counts.keys()) {
      const count = this.#upTo(bound, before)
      if (count >= wanted && count > below)
        return bound === Infinity ? lower : lower + ((bound - lower) * (wanted - below)) / (count - below)
      ;[lower, below] = [bound, count]
    }
    return 0
  }

  #upTo(bound: number, before: Lag | undefined): number {
    const earlier = before === undefined ? 0 : (before.#counts.get(bound) ?? 0)
    return (this.#counts.get(bound) ?? 0) - earlier
  }
}

/** Of a text in the format of Prometheus; throws when the histogram is not in it. */
export function readLag(metrics = ''): Lag {
  const counts = [...metrics.matchAll(BUCKET)].map(
    ([, bound, count]) => [bound === '+Inf' ? Infinity : Number(bound), Number(count)] as const,
  )
  if (counts.length === 0) throw new Error('the server does not tell how long shredding takes')
  return new Lag(new Map(counts.toSorted(([one], [other]) => one - other)))
}

export function describeLag(before: Lag, after: Lag): string {
  const ms = (share: number): string => (after.quantile(share, before) * 1000).toFixed(1)
  return `${after.count(before)} batches, p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms`
}
