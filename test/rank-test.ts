/** Tells two sets of times from each other by their ranks alone: no time that stands out decides. */

/** How far from equal two sets of times may be: in standard deviations of the rank sum. By chance once in 30,000 comparisons. */
export const Z_MAX = 4.2

/** Mann and Whitney: how many standard deviations the rank sum of `one` is from what chance makes of two equal sets. */
export function rankDistance(one: readonly number[], other: readonly number[]): number {
  const ranked = [...one.map((time) => ({ time, own: true })), ...other.map((time) => ({ time, own: false }))]
  ranked.sort((left, right) => left.time - right.time)
  const sum = ranked.reduce((total, { own }, index) => total + (own ? index + 1 : 0), 0)
  const [n, m] = [one.length, other.length]
  const mean = (n * (n + m + 1)) / 2
  return (sum - mean) / Math.sqrt((n * m * (n + m + 1)) / 12)
}

/** In an order that is no order. */
export function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)
}

export function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0
}
