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

test('what was used is charged, into debt if need be, and says how long that takes', () => {
  const budget = new Budget({ burst: 10, perSecond: 5 }, 0)
  budget.charge(0, 30)
  expect([budget.waitMs(0, 0), budget.waitMs(3_000, 0), budget.waitMs(4_000, 0)]).toEqual([4_000, 1_000, 0])
  expect([budget.take(4_000), budget.waitMs(4_000), budget.take(4_200)]).toEqual([false, 200, true])
})

test('what is given back is not more than the burst', () => {
  const budget = new Budget({ burst: 2, perSecond: 1 }, 0)
  budget.take(0)
  budget.giveBack()
  budget.giveBack()
  expect([budget.take(0), budget.take(0), budget.take(0)]).toEqual([true, true, false])
})
