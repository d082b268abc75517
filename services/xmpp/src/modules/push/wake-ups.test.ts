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
