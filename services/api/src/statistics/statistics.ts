/** Collects the metrics of all services each minute, and tells them by hour and by day. Sums over everybody, and nothing else. */
import type { Clock } from '@sealpost/runtime'
import { parseExposition } from './exposition.ts'
import { type Bucket, percentile } from './percentile.ts'
import { Readings, type Reading } from './readings.ts'
import { SERIES, SERIES_NAMES, type SeriesName } from './series.ts'
import type { MetricsSource } from './sources.ts'
import { beginOf, type StatisticsRow, type StatisticsStore, type Step } from './store.ts'

const COLLECT_MS = 60_000
const DAY_MS = 86_400_000
const KEPT_MS: Readonly<Record<Step, number>> = { hour: 31 * DAY_MS, day: 731 * DAY_MS }

export interface Point {
  /** When the hour or day (UTC) began: milliseconds since the epoch. */
  readonly at: number
  /** Of a level the mean, of a count the sum, of a duration the 95th percentile in seconds. */
  readonly value: number
  /** Of a level: the highest. */
  readonly max?: number
  /** Of a duration, in seconds. */
  readonly p50?: number
  readonly p99?: number
}

export interface Figure {
  readonly name: SeriesName
  /** Of a level: at the last collection. */
  readonly now: number | undefined
  /** Of the last 24 hours, as a point; undefined when nothing is known of them. */
  readonly lastDay: Omit<Point, 'at'> | undefined
}

export interface Overview {
  /** Of the last collection, milliseconds since the epoch; undefined: there was none yet. */
  readonly at: number | undefined
  /** Processes that did not tell their metrics then. */
  readonly away: readonly string[]
  readonly figures: readonly Figure[]
}

export interface StatisticsOptions {
  readonly store: StatisticsStore
  readonly sources: readonly MetricsSource[]
  /** Before each collection: brings metrics up to date that are costly to know. */
  readonly refresh: () => Promise<void>
  readonly clock: Clock
  /** Of a collection that came to nothing, or of a process that was away. */
  readonly onError: (error: unknown) => void
}

export class Statistics implements AsyncDisposable {
  readonly #options: StatisticsOptions
  readonly #stack = new DisposableStack()
  readonly #readings: ReadonlyMap<MetricsSource, Readings>
  #collecting: Promise<void> = Promise.resolve()
  #levels: ReadonlyMap<string, number> = new Map()
  #at: number | undefined
  #away: readonly string[] = []

  constructor(options: StatisticsOptions) {
    this.#options = options
    this.#readings = new Map(options.sources.map((source) => [source, new Readings(source)]))
    this.#stack.use(options.clock.every(COLLECT_MS, () => this.collect()))
  }

  /** Reads all sources once, one collection after the other. Never rejects. */
  collect(): Promise<void> {
    this.#collecting = this.#collecting.then(() => this.#collect()).catch(this.#options.onError)
    return this.#collecting
  }

  async #collect(): Promise<void> {
    const { store, sources, clock, refresh, onError } = this.#options
    await refresh().catch(onError)
    const read = await Promise.all(sources.map((source) => this.#take(source)))
    const now = clock.now()
    this.#away = sources.filter((_source, index) => read[index] === undefined).map(({ name }) => name)
    const readings = sumUp(read.flatMap((each) => each ?? []))
    this.#levels = new Map(
      readings.filter(({ name }) => SERIES[name].kind === 'level').map(({ name, value }) => [name, value]),
    )
    // Of a duration all buckets or none: a percentile needs those below it, empty ones as well.
    const happened = new Set(readings.filter(({ value }) => value !== 0).map(({ name }) => name))
    await store.add(
      now,
      readings.filter(({ name }) => happened.has(name) || SERIES[name].kind === 'level'),
    )
    this.#at = now
    await store.erase('hour', now - KEPT_MS.hour)
    await store.erase('day', now - KEPT_MS.day)
  }

  async #take(source: MetricsSource): Promise<Reading[] | undefined> {
    try {
      const samples = parseExposition(await source.read())
      return this.#readings.get(source)?.take(samples) ?? []
    } catch (error) {
      this.#options.onError(error)
      return undefined
    }
  }

  async overview(): Promise<Overview> {
    const until = this.#options.clock.now() + 1
    const from = beginOf('hour', until - DAY_MS)
    const rows = await this.#options.store.read({ step: 'hour', names: SERIES_NAMES, from, until })
    const byName = Map.groupBy(rows, ({ name }) => name)
    const figures = SERIES_NAMES.map((name) => ({
      name,
      now: this.#levels.get(name),
      lastDay: summarise(name, byName.get(name) ?? []),
    }))
    return { at: this.#at, away: this.#away, figures }
  }

  /** `from`, `until`: milliseconds since the epoch. Steps about which nothing is known are left out. */
  async series(name: SeriesName, query: { step: Step; from: number; until: number }): Promise<Point[]> {
    const rows = await this.#options.store.read({ ...query, names: [name] })
    return [...Map.groupBy(rows, ({ at }) => at)].flatMap(([at, ofStep]) => {
      const point = summarise(name, ofStep)
      return point === undefined ? [] : [{ at, ...point }]
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stack.dispose()
    await this.#collecting
  }
}

/** Of several processes: levels and counts add up. */
function sumUp(readings: readonly Reading[]): Reading[] {
  const sums = new Map<string, Reading>()
  for (const reading of readings) {
    const key = `${reading.name}\0${reading.bucket}`
    sums.set(key, { ...reading, value: reading.value + (sums.get(key)?.value ?? 0) })
  }
  return [...sums.values()]
}

function summarise(name: SeriesName, rows: readonly StatisticsRow[]): Omit<Point, 'at'> | undefined {
  if (rows.length === 0) return undefined
  const { kind } = SERIES[name]
  const sum = rows.reduce((total, row) => total + row.sum, 0)
  if (kind === 'count') return { value: sum }
  if (kind === 'duration') return percentiles(rows)
  const samples = rows.reduce((total, row) => total + row.samples, 0)
  return { value: sum / samples, max: rows.reduce((max, row) => Math.max(max, row.max), 0) }
}

function percentiles(rows: readonly StatisticsRow[]): Omit<Point, 'at'> | undefined {
  const buckets: Bucket[] = [...Map.groupBy(rows, ({ bucket }) => bucket)].map(([bucket, ofBucket]) => ({
    bound: bucket === '+Inf' ? Infinity : Number(bucket),
    count: ofBucket.reduce((total, { sum }) => total + sum, 0),
  }))
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(buckets, share))
  if (p50 === undefined || p95 === undefined || p99 === undefined) return undefined
  return { value: p95, p50, p99 }
}
