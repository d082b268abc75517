import { expect, test } from 'vitest'
import { createMetrics } from './index.ts'

test('counters, gauges and histograms are rendered, with the default metrics', async () => {
  const metrics = createMetrics()
  metrics.counter('stanzas_total', 'Stanzas', ['kind']).inc({ kind: 'message' }, 2)
  metrics.gauge('streams', 'Streams').set(5)
  metrics.gauge('streams', 'Streams').dec()
  metrics.histogram('wait_seconds', 'Wait', [0.1, 1]).observe(0.5)
  const text = await metrics.render()
  expect(text).toContain('stanzas_total{kind="message"} 2')
  expect(text).toContain('streams 4')
  expect(text).toContain('wait_seconds_bucket{le="1"} 1')
  expect(text).toContain('process_cpu_seconds_total')
})

test('one name is one metric of one kind; registries do not share', async () => {
  const metrics = createMetrics()
  metrics.counter('a_total', 'A').inc()
  metrics.counter('a_total', 'A').inc()
  expect(await metrics.render()).toContain('a_total 2')
  expect(() => metrics.gauge('a_total', 'A')).toThrow(/another kind/)
  expect(await createMetrics().render()).not.toContain('a_total')
})

test('a tallied counter is read when it is asked for, and is the sum of those who count', async () => {
  const metrics = createMetrics()
  const counts = { a: 3, b: 0 }
  for (const name of ['a', 'b'] as const)
    metrics.tallied('things_total', 'Things', { of: name }, () => counts[name])
  using _ = metrics.tallied('things_total', 'Things', { of: 'a' }, () => 10)
  expect(await metrics.render()).toContain(
    '# TYPE things_total counter\nthings_total{of="a"} 13\nthings_total{of="b"} 0',
  )
  counts.b = 7
  expect(await metrics.render()).toContain('things_total{of="a"} 13\nthings_total{of="b"} 7')
})

test('a watched gauge is read when it is asked for, of each who has one, until they are gone', async () => {
  const metrics = createMetrics()
  let age = 1
  const first = metrics.watched('age_seconds', 'Age', { of: 'a' }, () => age)
  const second = metrics.watched('age_seconds', 'Age', { of: 'b' }, () => 7)
  expect(await metrics.render()).toContain('age_seconds{of="a"} 1\nage_seconds{of="b"} 7')
  age = 2
  second[Symbol.dispose]()
  expect(await metrics.render()).toContain('age_seconds{of="a"} 2')
  first[Symbol.dispose]()
  age = 3
  expect(await metrics.render()).not.toContain('age_seconds{of="a"} 3')
})
