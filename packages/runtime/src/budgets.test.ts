import { expect, test } from 'vitest'
import { Budgets } from './budgets.ts'
import { VirtualClock } from './virtual-clock.ts'

test('each key has a budget of its own, and is forgotten once it is full again', async () => {
  const clock = new VirtualClock()
  using budgets = new Budgets({ burst: 2, perSecond: 1 / 90 }, 10, clock)
  expect([budgets.take('a'), budgets.take('a'), budgets.take('a'), budgets.take('b')]).toEqual([
    true,
    true,
    false,
    true,
  ])
  budgets.giveBack('b')
  expect([budgets.allows('a'), budgets.allows('b'), budgets.allows('c'), budgets.size]).toEqual([
    false,
    true,
    true,
    2,
  ])
  await clock.advance(60_000)
  expect([budgets.size, budgets.allows('a')]).toEqual([1, false])
  await clock.advance(120_000)
  expect(budgets.size).toBe(0)
})

test('there are never more than the maximum: the one not used for longest goes', () => {
  using budgets = new Budgets({ burst: 1, perSecond: 1 }, 3, new VirtualClock())
  for (const key of ['a', 'b', 'c', 'a', 'd']) budgets.take(key)
  expect(budgets.size).toBe(3)
  expect(['a', 'b', 'c', 'd'].map((key) => budgets.allows(key))).toEqual([false, true, false, false])
})
