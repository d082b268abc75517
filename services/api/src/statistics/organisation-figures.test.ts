import { expect, test } from 'vitest'
import { coarsen, FLOOR } from './organisation-figures.ts'

const OFFSETS = Array.from({ length: FLOOR }, (_, index) => index)

test('nothing is told below the floor, and never more than there is', () => {
  for (let count = 0; count < 200; count += 1)
    for (const offset of OFFSETS) {
      const told = coarsen(count, offset)
      if (count < FLOOR) expect(told).toBeUndefined()
      if (told === undefined) continue
      expect(told % FLOOR).toBe(0)
      expect(told).toBeLessThanOrEqual(count)
      expect(count - told).toBeLessThan(2 * FLOOR)
    }
})

test('a whole less a part never tells of fewer than the floor, and the same difference comes of none and of nine', () => {
  for (let part = 20; part < 60; part += 1) {
    const differences = (rest: number) =>
      new Set(
        OFFSETS.flatMap((one) =>
          OFFSETS.map((other) => (coarsen(part + rest, one) ?? 0) - (coarsen(part, other) ?? 0)),
        ),
      )
    for (let rest = 0; rest < FLOOR; rest += 1) {
      for (const difference of differences(rest)) expect(Math.abs(difference) % FLOOR).toBe(0)
      expect(differences(rest)).toContain(0)
    }
  }
})

test('of a known count, one account more changes what is told at one of ten places, which nobody knows', () => {
  const changes = OFFSETS.filter((offset) => coarsen(40, offset) !== coarsen(41, offset))
  expect(changes).toHaveLength(1)
})
