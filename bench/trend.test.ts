import { expect, test } from 'vitest'
import { trendOf, type Sample } from './trend.ts'

/** A saw, as memory is between two collections, whose teeth have 13 to 29 samples, and what `grow` adds. */
function saw(grow: number): Sample[] {
  let [tooth, length] = [0, 13]
  return Array.from({ length: 400 }, (_, index) => {
    if (tooth++ === length) [tooth, length] = [0, 13 + ((length * 7) % 17)]
    return { atSeconds: index * 5, value: 100 + tooth + grow * index * 5 }
  })
}

test('a saw that stays where it is does not grow; one that rises does', () => {
  const still = trendOf(saw(0))
  expect(Math.abs(still.perSecond)).toBeLessThan(still.noise)
  const rising = trendOf(saw(0.02))
  expect(rising.perSecond).toBeGreaterThan(rising.noise)
  expect(rising.perSecond).toBeCloseTo(0.02, 2)
  expect(rising.last - rising.first).toBeGreaterThan(25)
})

test('a straight line is its own slope, without noise', () => {
  const line = Array.from({ length: 20 }, (_, index) => ({ atSeconds: index, value: 3 * index }))
  const { perSecond, noise } = trendOf(line)
  expect(perSecond).toBeCloseTo(3)
  expect(noise).toBeCloseTo(0)
})

test('too few samples say nothing', () => {
  expect(() => trendOf([{ atSeconds: 0, value: 1 }])).toThrow('too few')
})
