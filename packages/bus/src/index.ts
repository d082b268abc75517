/** Events between services. They only invalidate: the truth is re-read from its owner (ARCHITECTURE, rule 7). */
export type { Bus, BusOptions, MaybePromise, Topics } from './bus.ts'
export { createPostgresBus } from './postgres-bus.ts'
export { createProcessBus } from './process-bus.ts'
