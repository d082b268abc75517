/** Whether a figure that goes up and down grows: its slope, and how large a slope chance alone would show. */

export interface Sample {
  readonly atSeconds: number
  readonly value: number
}

export interface Trend {
  readonly perSecond: number
  /** A slope above this is no chance, with 99 % of certainty. */
  readonly noise: number
  /** Means of the first and the last tenth. */
  readonly first: number
  readonly last: number
}

/** Neighbouring samples resemble each other (garbage is collected now and then), means of tenths hardly do. */
const BLOCKS = 10
/** Student's t for eight degrees of freedom: one value in a hundred is above it. */
const T_99 = 2.896

/** Least squares over the means of ten equal parts. Throws when there are fewer than two samples for each. */
export function trendOf(samples: readonly Sample[]): Trend {
  if (samples.length < 2 * BLOCKS) throw new Error(`${samples.length} samples are too few`)
  const means = Array.from({ length: BLOCKS }, (_, block) => meanOf(samples, block))
  const [time, value] = [mean(means.map(({ atSeconds }) => atSeconds)), mean(means.map((each) => each.value))]
  const spread = sum(means.map(({ atSeconds }) => (atSeconds - time) ** 2))
  const perSecond = sum(means.map((each) => (each.atSeconds - time) * (each.value - value))) / spread
  const rest = means.map((each) => each.value - value - perSecond * (each.atSeconds - time))
  const error = Math.sqrt(sum(rest.map((each) => each ** 2)) / (BLOCKS - 2) / spread)
  const [first, last] = [means[0]?.value ?? 0, means.at(-1)?.value ?? 0]
  return { perSecond, noise: T_99 * error, first, last }
}

function meanOf(samples: readonly Sample[], block: number): Sample {
  const edge = (number: number): number => Math.floor((samples.length * number) / BLOCKS)
  const own = samples.slice(edge(block), edge(block + 1))
  return {
    atSeconds: mean(own.map(({ atSeconds }) => atSeconds)),
    value: mean(own.map(({ value }) => value)),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length
