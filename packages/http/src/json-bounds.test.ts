import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isWithin } from './json-bounds.ts'

const BOUNDS = { depthMax: 3, valuesMax: 8 }
const within = (text: string, bounds = BOUNDS): boolean => isWithin(Buffer.from(text), bounds)

test.each([
  ['{"a":[[1]]}', true],
  ['{"a":[[[1]]]}', false],
  ['[1,2,3,4,5,6,7,8]', true],
  ['[1,2,3,4,5,6,7,8,9]', false],
  ['[{},{},{},{}]', true],
  ['[{},{},{},{},{}]', false],
  ['{"[[[[[[,,,,,,,,,,":"{{{{\\"[[[[[[,,,,,,,,,\\\\"}', true],
  ['{"\\\\":[[[1]]]}', false],
  ['"[[[[', true],
  ['', true],
])('%s: %s', (text, expected) => {
  expect(within(text)).toBe(expected)
})

test('whatever stands in strings is not counted', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      expect(within(JSON.stringify({ [name]: [value] }), { depthMax: 2, valuesMax: 2 })).toBe(true)
      expect(within(JSON.stringify({ [name]: [value] }), { depthMax: 1, valuesMax: 2 })).toBe(false)
    }),
  )
})

test('what escapes over and over is read in linear time', () => {
  const started = performance.now()
  expect(within(`"${'\\"'.repeat(1_000_000)}"`)).toBe(true)
  expect(within(`"${'\\'.repeat(2_000_000)}"`)).toBe(true)
  expect(performance.now() - started).toBeLessThan(5_000)
})
