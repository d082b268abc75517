import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { Destination, Destinations } from './destination.ts'
import { deadFor, greylistPauseAfter, pauseAfter, RETRY_PAUSES } from './schedule.ts'
import { TimeHeap } from './time-heap.ts'

const MINUTE = 60_000

test.each([
  [1, 1],
  [2, 3],
  [3, 10],
  [4, 30],
  [5, 60],
  [6, 120],
  [7, 240],
  [8, 360],
  [99, 360],
])('after attempt %i a mail waits %i minutes, a tenth more or less', (attempts, minutes) => {
  const pause = (): number => pauseAfter(attempts, systemRandom, RETRY_PAUSES) / MINUTE / minutes
  const pauses = Array.from({ length: 100 }, pause)
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0.9)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1.1)
  expect(new Set(pauses).size).toBeGreaterThan(1)
})

test('whoever greylists sees us again after five minutes at the earliest, and five times at most', () => {
  expect(greylistPauseAfter(1, systemRandom)).toBeGreaterThan(4.9 * MINUTE)
  expect(greylistPauseAfter(5, systemRandom)).toBeGreaterThan(26 * MINUTE)
  expect(greylistPauseAfter(6, systemRandom)).toBeUndefined()
})

test('a dead destination is left alone for longer and longer, half an hour at most', () => {
  expect(deadFor(1, systemRandom) / MINUTE).toBeCloseTo(1, 0)
  expect(deadFor(3, systemRandom) / MINUTE).toBeGreaterThan(3.5)
  expect(deadFor(50, systemRandom) / MINUTE).toBeLessThanOrEqual(33)
})

test('the heap gives what is due, the earliest first', () => {
  const heap = new TimeHeap<number>()
  const times = [5, 3, 9, 1, 7, 3, 8, 2, 6, 4]
  for (const at of times) heap.add(at, at)
  const taken: number[] = []
  for (let item = heap.take(6); item !== undefined; item = heap.take(6)) taken.push(item)
  expect(taken).toEqual(times.filter((at) => at <= 6).toSorted((a, b) => a - b))
  expect(heap.next).toBe(7)
})

test('what a destination bears decides how many go to it; one that fails is left alone, then tried with one', () => {
  const clock = new VirtualClock()
  const destination = new Destination<number>('example.org')
  const take = (): number => {
    let count = 0
    for (let job = destination.take(); job !== undefined; job = destination.take(), count++)
      destination.running += 1
    return count
  }
  for (let job = 0; job < 5_000; job++) destination.add(job)
  expect(take()).toBe(5)
  for (let count = 0; count < 500; count++) destination.succeeded()
  expect(take()).toBe(15)
  destination.running = 0
  destination.failed(clock.now(), undefined, systemRandom)
  destination.failed(clock.now(), undefined, systemRandom)
  expect(destination.deadUntil - clock.now()).toBeLessThanOrEqual(1.1 * MINUTE)
  expect([take(), destination.takeAll().length, destination.waiting]).toEqual([1, 4_979, 0])
})

test('those that have failed once are not remembered for ever', () => {
  const destinations = new Destinations<string>()
  const failed = (name: string, now: number): Destination<string> => {
    const destination = destinations.get(name, now)
    destination.failed(now, undefined, systemRandom)
    destinations.tidy(destination)
    return destination
  }
  const busy = failed('busy.example', 0)
  busy.add('job')
  for (let each = 0; each < 10_000; each++) failed(`${String(each)}.example`, 0)
  expect(destinations.size).toBe(10_001) // Left alone for a minute, each.
  const dead = failed('dead.example', 10 * 60_000)
  expect(destinations.size).toBe(2)
  expect(destinations.find('busy.example')).toBe(busy)
  expect(destinations.get('dead.example', 0)).toBe(dead)
})
