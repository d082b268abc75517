/** Prometheus metrics without per-user labels. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { OperationalError } from '@sealpost/errors'

/** Label values: words of ours with few different values, never an identity. */
export type Labels = Readonly<Record<string, string | number>>

export interface CounterMetric {
  inc(labels?: Labels, by?: number): void
}

export interface GaugeMetric {
  set(value: number, labels?: Labels): void
  inc(labels?: Labels, by?: number): void
  dec(labels?: Labels, by?: number): void
}

export interface HistogramMetric {
  observe(value: number, labels?: Labels): void
}

/** Asking twice for one name gives the same metric, so that several services can share a process. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): CounterMetric
  gauge(name: string, help: string, labels?: readonly string[]): GaugeMetric
  /** `buckets`: upper bounds, rising, in the base unit that the name ends with (`_seconds`, `_bytes`). */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ): HistogramMetric
  /** A gauge that is read when somebody asks for it, until the answer is disposed. */
  watched(name: string, help: string, labels: Labels, read: () => number): Disposable
  /** A counter that its owner keeps as a number, where counting itself must cost nothing; it is read when somebody asks. */
  tallied(name: string, help: string, labels: Labels, read: () => number): Disposable
  /** The text exposition format. */
  render(): Promise<string>
  readonly contentType: string
}

interface Watch {
  readonly labels: Labels
  readonly read: () => number
}

/** A registry of its own with the default metrics of the process (CPU, memory, event loop lag, garbage collection). */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const once = <M>(name: string, kind: new (...args: never[]) => M, make: () => M): M => {
    const known: unknown = registry.getSingleMetric(name)
    if (known === undefined) return make()
    if (known instanceof kind) return known
    throw new OperationalError('METRIC_KIND', `The metric ${name} exists with another kind`)
  }
  const watches = new Map<string, Set<Watch>>()
  const watch = (name: string, watched: Watch): { all: Set<Watch>; stop: Disposable } => {
    const all = watches.get(name) ?? new Set()
    watches.set(name, all)
    all.add(watched)
    return { all, stop: { [Symbol.dispose]: () => void all.delete(watched) } }
  }
  return {
    contentType: registry.contentType,
    counter(name, help, labelNames = []) {
      const options = { name, help, labelNames: [...labelNames], registers: [registry] }
      const metric = once(name, Counter, () => new Counter(options))
      return { inc: (labels = {}, by = 1) => metric.inc(labels, by) }
    },
    gauge(name, help, labelNames = []) {
      const options = { name, help, labelNames: [...labelNames], registers: [registry] }
      const metric = once(name, Gauge, () => new Gauge(options))
      return {
        set: (value, labels = {}) => metric.set(labels, value),
        inc: (labels = {}, by = 1) => metric.inc(labels, by),
        dec: (labels = {}, by = 1) => metric.dec(labels, by),
      }
    },
    histogram(name, help, buckets, labelNames = []) {
      const options = {
        name,
        help,
        labelNames: [...labelNames],
        buckets: [...buckets],
        registers: [registry],
      }
      const metric = once(name, Histogram, () => new Histogram(options))
      return { observe: (value, labels = {}) => metric.observe(labels, value) }
    },
    watched(name, help, labels, read) {
      const { all, stop } = watch(name, { labels, read })
      const collect = function (this: Gauge): void {
        for (const each of all) this.set(each.labels, each.read())
      }
      const options = { name, help, labelNames: Object.keys(labels), registers: [registry], collect }
      once(name, Gauge, () => new Gauge(options))
      return stop
    },
    tallied(name, help, labels, read) {
      const { all, stop } = watch(name, { labels, read })
      const collect = function (this: Counter): void {
        this.reset()
        for (const each of all) this.inc(each.labels, each.read())
      }
      const options = { name, help, labelNames: Object.keys(labels), registers: [registry], collect }
      once(name, Counter, () => new Counter(options))
      return stop
    },
    render: () => registry.metrics(),
  }
}
