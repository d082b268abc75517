/** Answers about people who may not exist: they come when their time is up, not when the work for them is done. */
import type { Clock } from '@sealpost/runtime'

/**
 * Settles as `work` does, but not before `ms` from now. The timer starts with the work, so that what is seen of it does not depend on how
 * long it takes: on a name in a cache, or a query more or less.
 */
export async function evenly<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const [settled] = await Promise.allSettled([work, passed(clock, ms)])
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
}

/** The same, where a success tells by itself what it is about, and may come at once. */
export async function failEvenly<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const due = passed(clock, ms)
  try {
    return await work
  } catch (error) {
    await due
    throw error
  }
}

async function passed(clock: Clock, ms: number): Promise<void> {
  if (ms === 0) return // a timer would take a millisecond
  await new Promise<void>((resolve) => void clock.after(ms, resolve))
}
