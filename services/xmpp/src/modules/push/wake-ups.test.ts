import { DbError } from '@sealpost/db'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { expect, onTestFinished, test } from 'vitest'
import { WakeUps, wakeUpLimits } from './wake-ups.ts'

const DEVICES = 400
const { delayMs, spreadMs } = wakeUpLimits

test('the clock does not tell whose message woke whom: each request waits for a random time, and more messages make no more of them', async () => {
  const clock = new VirtualClock()
  const start = clock.monotonic()
  const woken: number[] = []
  const wakeUps = new WakeUps({
    clock,
    random: systemRandom,
    limits: wakeUpLimits,
    hasWaiting: () => true,
    takers: () => [],
    wake: () => {
      woken.push(clock.monotonic() - start)
      return Promise.resolve('done')
    },
    spawn: (task) => void task,
  })
  onTestFinished(() => wakeUps[Symbol.dispose]())
  const keys = Array.from({ length: DEVICES }, () => ({
    account: systemRandom.uuid(),
    device: systemRandom.uuid(),
  }))
  for (const key of keys) for (let message = 0; message < 3; message++) wakeUps.waiting(key)
  await clock.advance(delayMs - 1)
  expect(woken).toEqual([])
  await clock.advance(spreadMs + 2)
  expect(woken.length).toBe(DEVICES)
  // Of an even spread: a quarter in each quarter, within what chance does once in a million runs.
  for (let quarter = 0; quarter < 4; quarter++) {
    const from = delayMs + (quarter * spreadMs) / 4
    const count = woken.filter((at) => at >= from && at < from + spreadMs / 4).length
    expect(Math.abs(count - DEVICES / 4)).toBeLessThan(45)
  }
  for (const key of keys) wakeUps.waiting(key)
  await clock.advance(60_000)
  expect(woken.length).toBe(DEVICES)
})

test('a device is woken all the same when Postgres was away at that moment, or something else went wrong', async () => {
  const clock = new VirtualClock()
  const failures: Error[] = [new DbError('ENOENT', 'away'), new Error('a bug')]
  const thrown: unknown[] = []
  let woken = 0
  using wakeUps = new WakeUps({
    clock,
    random: systemRandom,
    limits: wakeUpLimits,
    hasWaiting: () => true,
    takers: () => [],
    wake: async () => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      woken += 1
      return Promise.resolve('done')
    },
    spawn: (task) => void task.catch((error: unknown) => thrown.push(error)),
  })
  const key = { account: systemRandom.uuid(), device: systemRandom.uuid() }
  wakeUps.waiting(key)
  await clock.advance(delayMs + spreadMs)
  expect([failures.length, thrown]).toEqual([1, []])
  await clock.advance(wakeUpLimits.retryMs)
  expect([failures.length, thrown.length, woken]).toEqual([0, 1, 0])
  wakeUps.waiting(key)
  await clock.advance(delayMs + spreadMs)
  expect(woken).toBe(1)
})
