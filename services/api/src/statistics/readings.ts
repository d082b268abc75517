/** From the metrics of a service to what its series gained since the last time. */
import type { Sample } from './exposition.ts'
import { SERIES, SERIES_NAMES, type Series, type SeriesName } from './series.ts'

export interface Reading {
  readonly name: SeriesName
  /** Of a duration, the bucket's upper bound; else empty. */
  readonly bucket: string
  /** Of a level its value; else what came to it since the last time. */
  readonly value: number
}

/** Where the counters of one process stood. */
export class Readings {
  #before: ReadonlyMap<string, number> | undefined

  /** `fresh`: the process counts from zero since this one has been watching it. Otherwise what it counted before the first time is nobody's to tell. */
  constructor({ fresh }: { readonly fresh: boolean }) {
    this.#before = fresh ? new Map() : undefined
  }

  /** Counters that stand lower than before were started anew with their process. */
  take(samples: readonly Sample[]): Reading[] {
    const now = totals(samples)
    const before = this.#before
    this.#before = new Map([...(before ?? []), ...now].map(([key]) => [key, now.get(key) ?? 0]))
    const readings: Reading[] = []
    for (const [key, value] of now) {
      const [name, bucket] = split(key)
      if (SERIES[name].kind === 'level') readings.push({ name, bucket, value })
      else if (before !== undefined)
        readings.push({ name, bucket, value: gained(before.get(key) ?? 0, value) })
    }
    return readings
  }
}

const gained = (before: number, now: number): number => (now >= before ? now - before : now)

const SEPARATOR = '\0'

function split(key: string): [name: SeriesName, bucket: string] {
  const [name = '', bucket = ''] = key.split(SEPARATOR)
  return [name as SeriesName, bucket]
}

/** Sums by series and bucket. */
function totals(samples: readonly Sample[]): Map<string, number> {
  const byMetric = Map.groupBy(samples, ({ name }) => name)
  const sums = new Map<string, number>()
  for (const name of SERIES_NAMES) {
    const series: Series = SERIES[name]
    const metric = series.kind === 'duration' ? `${series.metric}_bucket` : series.metric
    for (const { labels, value } of byMetric.get(metric) ?? []) {
      if (!matches(series, labels)) continue
      const key = `${name}${SEPARATOR}${series.kind === 'duration' ? (labels['le'] ?? '') : ''}`
      sums.set(key, (sums.get(key) ?? 0) + value)
    }
  }
  return sums
}

function matches({ labels: wanted = {} }: Series, labels: Sample['labels']): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value)
}
