/** Jobs by the time when something is to be decided about them: one timer, for the earliest. */
import type { Clock } from '@sealpost/runtime'
import type { Job } from './job.ts'
import { TimeHeap } from './time-heap.ts'

export class Timetable implements Disposable {
  readonly #clock: Clock
  readonly #wake: (job: Job) => void
  readonly #due = new TimeHeap<Job>()
  #timer: { readonly at: number; readonly timer: Disposable } | undefined
  #closed = false

  constructor(clock: Clock, wake: (job: Job) => void) {
    this.#clock = clock
    this.#wake = wake
  }

  /** What was planned for the job before counts no longer. `dueAt`: in milliseconds since the epoch. */
  add(dueAt: number, job: Job): void {
    job.dueAt = dueAt
    this.#due.add(dueAt, job)
    this.#arm()
  }

  /** Nobody is woken any more. */
  [Symbol.dispose](): void {
    this.#closed = true
    this.#timer?.timer[Symbol.dispose]()
  }

  #arm(): void {
    const { next } = this.#due
    if (next === undefined || this.#closed) return
    if (this.#timer !== undefined && this.#timer.at <= next) return
    this.#timer?.timer[Symbol.dispose]()
    const timer = this.#clock.after(Math.max(next - this.#clock.now(), 0), () => {
      this.#timer = undefined
      this.#wakeDue()
      this.#arm()
    })
    this.#timer = { at: next, timer }
  }

  #wakeDue(): void {
    const now = this.#clock.now()
    for (let job = this.#due.take(now); job !== undefined; job = this.#due.take(now)) {
      if (job.dueAt > now) continue // Planned anew meanwhile.
      job.dueAt = Number.POSITIVE_INFINITY
      this.#wake(job)
    }
  }
}
