import { OperationalError } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import type { SeededRandom } from './seeded-random.ts'

/** How calls to a database fare at the moment. */
export interface Weather {
  /** Milliseconds that a call takes at most. */
  delayMs: number
  /** Calls fail; half of them have had their effect all the same. */
  away: boolean
}

export const FAULT = 'DB_UNAVAILABLE'

/** The same object behind a network: each method that returns a promise takes its time, or fails. */
export function faulty<T extends object>(
  target: T,
  methods: readonly (keyof T)[],
  { clock, random, weather }: { clock: Clock; random: SeededRandom; weather: Weather },
): T {
  const wrap = (method: (...args: unknown[]) => Promise<unknown>) => {
    return async (...args: unknown[]): Promise<unknown> => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const before = random.chance(0.5)
      const call = before ? method.apply(target, args) : undefined
      clock.after(random.fraction() * weather.delayMs, resolve)
      await promise
      if (weather.away) throw new OperationalError(FAULT, 'away')
      return call ?? method.apply(target, args)
    }
  }
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value as (...args: unknown[]) => Promise<unknown>
      return methods.includes(name as keyof T) ? wrap(method) : method.bind(target)
    },
  })
}
