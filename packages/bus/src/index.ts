/** Events between services. They only invalidate: the truth is re-read from its owner (ARCHITECTURE, rule 7). */
// A star, since only that lets other packages add topics to the interface.
export * from './bus.ts'
export { createNatsBus, type NatsBusOptions } from './nats-bus.ts'
export { createPostgresBus } from './postgres-bus.ts'
export { createProcessBus } from './process-bus.ts'
