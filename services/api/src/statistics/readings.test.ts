import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExposition } from './exposition.ts'
import { percentile } from './percentile.ts'
import { Readings } from './readings.ts'

const LOOKUPS = 'keys_lookups_total{kind="hkp",found="true"}'

test('lines of the format are read, anything else is left out', () => {
  const text = [
    '# HELP a_total What {it="is"} 1',
    'a_total 3',
    'b_total{x="1",y="two \\"words\\" \\\\ \\n"} 4.5 1700000000000',
    'c_bucket{le="+Inf"} 7',
    'd NaN',
    'e +Inf',
    'f{x="1} 2',
    'g',
    'h 1 2 3',
    '',
  ].join('\n')
  expect(parseExposition(text)).toEqual([
    { name: 'a_total', labels: {}, value: 3 },
    { name: 'b_total', labels: { x: '1', y: 'two "words" \\ \n' }, value: 4.5 },
    { name: 'c_bucket', labels: { le: '+Inf' }, value: 7 },
  ])
})

test('any text is read without harm (seeded)', () => {
  const line = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'a_total{x="1\\"} \n,=+-.9e'.split('')) }),
  )
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      for (const { name, value } of parseExposition(lines.join('\n')))
        expect(name !== '' && Number.isFinite(value)).toBe(true)
    }),
    { interruptAfterTimeLimit: 2_000 },
  )
})

const found = (value: number) => ({ name: 'keys.lookups.found', bucket: '', value })
const read = (readings: Readings, value: number) =>
  readings.take(parseExposition(`${LOOKUPS} ${String(value)}`))

test('a counter of a process that was there before says nothing the first time', () => {
  const readings = new Readings({ fresh: false })
  expect(read(readings, 100)).toEqual([])
  expect(read(readings, 103)).toEqual([found(3)])
})

test('a counter that stands lower began anew, also after the process was gone for a while', () => {
  const readings = new Readings({ fresh: true })
  expect(read(readings, 5)).toEqual([found(5)])
  expect(read(readings, 2)).toEqual([found(2)])
  expect(readings.take([])).toEqual([])
  expect(read(readings, 4)).toEqual([found(4)])
})

test('nothing is counted twice, and nothing is lost but what a new process counted beyond the old one unseen (seeded)', () => {
  const life = fc.array(fc.nat(1_000), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(life), (lives) => {
      const readings = new Readings({ fresh: true })
      let [sum, truth, unseen, last] = [0, 0, 0, 0]
      for (const gains of lives) {
        let value = 0
        for (const [index, gain] of gains.entries()) {
          value += gain
          truth += gain
          sum += read(readings, value)[0]?.value ?? 0
          if (index === 0 && value >= last) unseen += last
        }
        last = value
      }
      expect(sum).toBe(truth - unseen)
    }),
    { interruptAfterTimeLimit: 2_000 },
  )
})

test('a percentile lies within its bucket, and rises with its share (seeded)', () => {
  const buckets = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(50)), {
    minLength: 1,
    maxLength: 12,
  })
  const share = fc.double({ min: 0.001, max: 0.999, noNaN: true })
  fc.assert(
    fc.property(buckets, share, share, (steps, one, other) => {
      let [bound, count] = [0, 0]
      const all = steps.map(([width, more]) => ({ bound: (bound += width), count: (count += more) }))
      all.push({ bound: Infinity, count })
      const [low, high] = [percentile(all, Math.min(one, other)), percentile(all, Math.max(one, other))]
      if (count === 0) {
        expect([low, high]).toEqual([undefined, undefined])
        return
      }
      expect(low).toBeGreaterThanOrEqual(0)
      expect(high).toBeLessThanOrEqual(bound)
      expect(low).toBeLessThanOrEqual((high ?? 0) + 1e-9)
    }),
    { interruptAfterTimeLimit: 2_000 },
  )
})

test('what took longer than any bound is said to have taken the longest bound', () => {
  expect(
    percentile(
      [
        { bound: 1, count: 0 },
        { bound: Infinity, count: 9 },
      ],
      0.5,
    ),
  ).toBe(1)
  expect(percentile([], 0.5)).toBeUndefined()
})
