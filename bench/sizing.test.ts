import { expect, test } from 'vitest'
import { sizeOf, type Used } from './sizing.ts'

const used: Used[] = [
  { name: 'xmpp', cores: 0.35, bytes: 600e6, isOne: true },
  { name: 'postgres', cores: 0.35, bytes: 400e6, isOne: false },
]

test('a small machine is its own limit, a large one that of the process that is one', () => {
  expect(sizeOf(1, used, 10_000)).toMatchObject({ factor: expect.closeTo(1) as number, limit: 'the machine' })
  expect(sizeOf(8, used, 10_000)).toMatchObject({ factor: expect.closeTo(2) as number, limit: 'xmpp' })
  expect(sizeOf(32, used, 10_000)).toMatchObject({ factor: expect.closeTo(2) as number, limit: 'xmpp' })
})

test('memory grows with sessions', () => {
  expect(sizeOf(8, used, 10_000).bytes).toBeCloseTo(1e9 + 10_000 * 55_000, -3)
})
