export type MaybePromise<T> = T | Promise<T>

/** The one source of time. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when the system's time is set. */
  now(): number
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
  /** Runs `task` once, `ms` from now; disposing cancels. Any length: beyond the 24.8 days of a Node timer too. */
  after(ms: number, task: () => void): Disposable
  /** Runs `task` each `ms`, the first time after `ms`. A turn that comes while the task still runs is left out. */
  every(ms: number, task: () => MaybePromise<void>): Disposable
  /** Runs `task` once, behind the I/O that is ready now: one turn of the event loop, and no time. */
  turn(task: () => void): void
}

/** The longest delay of a Node timer; above it the timer would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** The system's clock. `onError` gets what a periodic task throws; the task keeps its turns. */
export function createClock(options: { onError: (error: unknown) => void }): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after,
    turn: (task) => void setImmediate(task),
    every(ms, task) {
      let running = false
      const turn = async (): Promise<void> => {
        if (running) return
        running = true
        try {
          await task()
        } catch (error) {
          options.onError(error)
        } finally {
          running = false
        }
      }
      const timer = setInterval(() => void turn(), Math.min(ms, TIMER_MS_MAX))
      timer.unref()
      return { [Symbol.dispose]: () => clearInterval(timer) }
    },
  }
}

/** The system's clock for scripts and tests: a periodic task that throws ends the process. */
export const systemClock: Clock = createClock({
  onError: (error) => {
    queueMicrotask(() => {
      throw error
    })
  },
})

function after(ms: number, task: () => void): Disposable {
  let timer: NodeJS.Timeout
  const arm = (rest: number): void => {
    if (rest > TIMER_MS_MAX) timer = setTimeout(() => arm(rest - TIMER_MS_MAX), TIMER_MS_MAX)
    else timer = setTimeout(task, Math.max(0, rest))
  }
  arm(ms)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
