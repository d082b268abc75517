/** All of Sealpost in one process, and the embedded Postgres: the body of `npm start` and the fixture of the tests. */
export { startEmbeddedPostgres } from './postgres/embedded-postgres.ts'
export type { EmbeddedPostgres, EmbeddedPostgresOptions } from './postgres/embedded-postgres.ts'
export { readConfig, readNetworkConfig } from './config.ts'
export type { NetworkConfig } from './config.ts'
export { Network } from './network.ts'
export type { Address } from './network.ts'
export { migrateAll } from './migrations.ts'
export { ensureCertificate } from './local-ca/local-ca.ts'
