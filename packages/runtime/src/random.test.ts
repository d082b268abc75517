import { expect, test } from 'vitest'
import { systemRandom } from './random.ts'

test.each([1, 18, 64, 65, 5000])('%i bytes are as many as asked for, and a token says them', (count) => {
  const bytes = systemRandom.bytes(count)
  expect(bytes.length).toBe(count)
  expect(bytes.buffer.byteLength).toBe(count) // nothing else can be read through it
  expect(Buffer.from(systemRandom.token(count), 'base64url').length).toBe(count)
})

test('nothing comes twice, and what was given out is not touched again', () => {
  const drawn = Array.from({ length: 2_000 }, () => systemRandom.bytes(16))
  const texts = drawn.map((bytes) => bytes.toString('hex'))
  const tokens = Array.from({ length: 2_000 }, () =>
    Buffer.from(systemRandom.token(16), 'base64url').toString('hex'),
  )
  expect(new Set([...texts, ...tokens]).size).toBe(4_000)
  expect(drawn.map((bytes) => bytes.toString('hex'))).toEqual(texts)
})

test('every bit is as often set as not', () => {
  const counts = Array<number>(64).fill(0)
  const draws = 20_000
  for (let draw = 0; draw < draws; draw++) {
    const bits = systemRandom.bytes(8).readBigUInt64BE()
    for (let bit = 0; bit < 64; bit++) counts[bit]! += Number((bits >> BigInt(bit)) & 1n)
  }
  // Eight standard deviations: a sound generator fails once in 10^13 runs.
  for (const count of counts) expect(Math.abs(count - draws / 2)).toBeLessThan(8 * Math.sqrt(draws / 4))
})
