/** Typed reading of environment variables: one table for each consumer, all problems reported at once (STYLE §5). */
export { ConfigError } from '@sealpost/errors'
export { defineConfig, findPort, listVariables } from './define-config.ts'
export type { Env, EnvReader, IntRange } from './env-reader.ts'
export { parseDuration } from './duration.ts'
export { type Networks, parseNetworks } from './networks.ts'
export { Secret } from './secret.ts'
export { isSpecialAddress } from './special-addresses.ts'
