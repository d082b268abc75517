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
  /** The text exposition format. */
  render(): Promise<string>
  readonly contentType: string
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
  const watches = new Map<string, Set<{ readonly labels: Labels; readonly read: () => number }>>()
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
      const all = watches.get(name) ?? new Set()
      watches.set(name, all)
      const labelNames = Object.keys(labels)
      const collect = function (this: Gauge): void {
        for (const each of all) this.set(each.labels, each.read())
      }
      once(name, Gauge, () => new Gauge({ name, help, labelNames, registers: [registry], collect }))
      const watch = { labels, read }
      all.add(watch)
      return { [Symbol.dispose]: () => void all.delete(watch) }
    },
    render: () => registry.metrics(),
  }
}
