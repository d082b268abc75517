import { expect, test } from 'vitest'
import { Supervisor, VirtualClock, createClock, systemRandom } from './index.ts'

test('VirtualClock fires in the order of due times and only when moved', async () => {
  const clock = new VirtualClock(1_000)
  const fired: string[] = []
  clock.after(20, () => fired.push(`b@${String(clock.now())}`))
  clock.after(10, () => {
    fired.push(`a@${String(clock.now())}`)
    clock.after(5, () => fired.push(`nested@${String(clock.now())}`))
  })
  const cancelled = clock.after(12, () => fired.push('never'))
  cancelled[Symbol.dispose]()
  await clock.advance(9)
  expect(fired).toEqual([])
  await clock.advance(100)
  expect(fired).toEqual(['a@1010', 'nested@1015', 'b@1020'])
  expect(clock.now()).toBe(1_109)
  expect(clock.monotonic()).toBe(109)
})

test('VirtualClock.every leaves out turns while the task runs, and advance throws what it threw', async () => {
  const clock = new VirtualClock()
  const gate = Promise.withResolvers<undefined>()
  let turns = 0
  const slow = clock.every(10, async () => {
    turns += 1
    await gate.promise
  })
  await clock.advance(50)
  expect(turns).toBe(1)
  gate.resolve(undefined)
  await clock.advance(10)
  expect(turns).toBe(2)
  slow[Symbol.dispose]()
  clock.every(10, () => Promise.reject(new Error('task failed')))
  await expect(clock.advance(10)).rejects.toThrow('task failed')
})

test('the system clock does not overlap a periodic task, reports what it throws, and stops on disposal', async () => {
  const errors: unknown[] = []
  const clock = createClock({ onError: (error) => errors.push(error) })
  const third = Promise.withResolvers<undefined>()
  let running = 0
  let turns = 0
  const timer = clock.every(2, async () => {
    running += 1
    expect(running).toBe(1)
    await new Promise((resolve) => void clock.after(5, () => resolve(undefined)))
    running -= 1
    turns += 1
    if (turns === 3) third.resolve(undefined)
    throw new Error(`turn ${String(turns)}`)
  })
  await third.promise
  timer[Symbol.dispose]()
  await new Promise((resolve) => void clock.after(20, () => resolve(undefined)))
  expect(turns).toBe(3)
  expect(errors).toHaveLength(3)
})

test('the system clock can wait longer than a Node timer, and cancels', async () => {
  const clock = createClock({ onError: () => undefined })
  let fired = false
  const far = clock.after(30 * 24 * 3_600_000, () => {
    fired = true
  })
  await new Promise((resolve) => void clock.after(20, () => resolve(undefined)))
  expect(fired).toBe(false)
  far[Symbol.dispose]()
})

test('Supervisor reports rejections and waits until idle', async () => {
  const errors: unknown[] = []
  const supervisor = new Supervisor((error) => errors.push(error))
  supervisor.spawn(Promise.reject(new Error('lost')))
  supervisor.spawn(Promise.resolve())
  expect(supervisor.size).toBe(2)
  await supervisor.idle()
  expect(supervisor.size).toBe(0)
  expect(errors).toHaveLength(1)
})

test('random tokens have the length asked for and are URL-safe', () => {
  expect(systemRandom.token()).toMatch(/^[\w-]{32}$/)
  expect(systemRandom.token(16)).toMatch(/^[\w-]{22}$/)
  expect(systemRandom.bytes(5)).toHaveLength(5)
  expect(systemRandom.uuid()).toMatch(/^[0-9a-f-]{14}4[0-9a-f-]{21}$/)
})
