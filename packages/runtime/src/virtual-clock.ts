import { setImmediate as macrotask } from 'node:timers/promises'
import type { Clock, MaybePromise } from './clock.ts'

interface Timer {
  due: number
  readonly order: number
  readonly fire: () => void
}

/** A clock for tests that moves only when told. Timers fire in the order of their due times, each with the I/O loop turned once. */
export class VirtualClock implements Clock {
  readonly #start: number
  readonly #timers = new Set<Timer>()
  readonly #errors: unknown[] = []
  #now: number
  #order = 0

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#start = startMs
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#start
  }

  after(ms: number, task: () => void): Disposable {
    const timer = this.#add(ms, () => {
      this.#timers.delete(timer)
      task()
    })
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) }
  }

  every(ms: number, task: () => MaybePromise<void>): Disposable {
    let running = false
    const turn = async (): Promise<void> => {
      if (running) return
      running = true
      try {
        await task()
      } catch (error) {
        this.#errors.push(error)
      } finally {
        running = false
      }
    }
    const timer = this.#add(Math.max(1, ms), () => {
      timer.due += Math.max(1, ms)
      void turn()
    })
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) }
  }

  /** At this instant, behind what is due already. */
  turn(task: () => void): void {
    this.after(0, task)
  }

  /** Lets what is under way settle, then moves time by `ms`, firing what falls due on the way; throws what a task threw. */
  async advance(ms: number): Promise<void> {
    await macrotask()
    const target = this.#now + ms
    for (let timer = this.#next(target); timer !== undefined; timer = this.#next(target)) {
      this.#now = Math.max(this.#now, timer.due)
      timer.fire()
      await macrotask()
      this.#throwFirst()
    }
    this.#now = target
    await macrotask()
    this.#throwFirst()
  }

  /** As after a time in which nobody ran: time moves by `ms` at once, and whatever fell due in it, however often, is fired once. */
  async leap(ms: number): Promise<void> {
    await macrotask()
    this.#now += ms
    const due = [...this.#timers].filter((timer) => timer.due <= this.#now)
    for (const timer of due.toSorted((a, b) => a.due - b.due || a.order - b.order)) {
      timer.due = this.#now
      timer.fire()
      await macrotask()
      this.#throwFirst()
    }
  }

  #add(ms: number, fire: () => void): Timer {
    const timer: Timer = { due: this.#now + Math.max(0, ms), order: (this.#order += 1), fire }
    this.#timers.add(timer)
    return timer
  }

  #next(target: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due > target) continue
      if (next === undefined || timer.due < next.due || (timer.due === next.due && timer.order < next.order))
        next = timer
    }
    return next
  }

  #throwFirst(): void {
    const [error] = this.#errors.splice(0)
    // oxlint-disable-next-line typescript/only-throw-error -- passes on whatever the task threw
    if (error !== undefined) throw error
  }
}
