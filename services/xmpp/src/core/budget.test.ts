import { expect, test } from 'vitest'
import { Budget } from './budget.ts'

test('a budget allows a burst, then its rate, and does not save up more than the burst', () => {
  const budget = new Budget({ burst: 3, perSecond: 2 }, 0)
  const taken = (now: number) => budget.take(now)
  expect([taken(0), taken(0), taken(0), taken(0)]).toEqual([true, true, true, false])
  expect([taken(499), taken(500), taken(500)]).toEqual([false, true, false])
  expect([taken(100_000), taken(100_000), taken(100_000), taken(100_000)]).toEqual([true, true, true, false])
})

test('what costs more than is left is refused and takes nothing', () => {
  const budget = new Budget({ burst: 10, perSecond: 1 }, 0)
  expect([budget.take(0, 11), budget.take(0, 8), budget.take(0, 3), budget.take(0, 2)]).toEqual([
    false,
    true,
    false,
    true,
  ])
})
