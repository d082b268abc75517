/** The system's clock, which can be put forward: what falls due in the time left out happens at once. */
import { type Clock, createClock } from '@sealpost/runtime'

interface Timer {
  readonly due: number
  readonly real: Disposable
  readonly fire: () => void
}

export interface SkippableClock extends Clock {
  skip(ms: number): void
}

export function createSkippableClock(): SkippableClock {
  const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
  const system = createClock({ onError })
  const timers = new Set<Timer>()
  let skipped = 0
  const monotonic = () => system.monotonic() + skipped
  return {
    now: () => system.now() + skipped,
    monotonic,
    turn: (task) => system.turn(task),
    every: (ms, task) => system.every(ms, task),
    after(ms, task) {
      const fire = () => {
        timers.delete(timer)
        task()
      }
      const timer: Timer = { due: monotonic() + ms, real: system.after(ms, fire), fire }
      timers.add(timer)
      return {
        [Symbol.dispose]: () => {
          timers.delete(timer)
          timer.real[Symbol.dispose]()
        },
      }
    },
    skip(ms) {
      skipped += ms
      const due = [...timers].filter((timer) => timer.due <= monotonic())
      for (const timer of due.sort((one, other) => one.due - other.due)) {
        if (!timers.has(timer)) continue
        timer.real[Symbol.dispose]()
        timer.fire()
      }
    },
  }
}
