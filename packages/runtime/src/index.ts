/** Time, randomness and the life of a process: the only sources of nondeterminism (STYLE §10). */
export { createClock, systemClock } from './clock.ts'
export type { Clock, MaybePromise } from './clock.ts'
export { systemRandom } from './random.ts'
export type { Random } from './random.ts'
export { runService } from './run-service.ts'
export { Supervisor } from './supervisor.ts'
export { VirtualClock } from './virtual-clock.ts'
