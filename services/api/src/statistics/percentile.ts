/** Percentiles from buckets that each hold what took no longer than their bound (cumulative, as histograms are exposed). */

export interface Bucket {
  /** Upper bound in seconds; Infinity for the last. */
  readonly bound: number
  /** How many took that long at most. */
  readonly count: number
}

/**
 * `share`: 0 < share < 1. Within a bucket things are taken to be spread evenly; what is beyond the last finite bound is said to be at that
 * bound. Undefined when nothing was measured.
 */
export function percentile(buckets: readonly Bucket[], share: number): number | undefined {
  const rising = buckets.toSorted((a, b) => a.bound - b.bound)
  const total = rising.at(-1)?.count ?? 0
  if (total <= 0) return undefined
  const rank = share * total
  let [below, lower] = [0, 0]
  for (const { bound, count } of rising) {
    if (count >= rank) {
      if (!Number.isFinite(bound)) return lower
      return count === below ? bound : lower + (bound - lower) * ((rank - below) / (count - below))
    }
    below = count
    lower = bound
  }
  return lower
}
