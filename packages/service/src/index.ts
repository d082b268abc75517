/** What every service stands on: the platform it is given, and the main function around it. */
export {
  fromProcessEnv,
  originOf,
  parseSupportUrl,
  readPlatformConfig,
  readPublicOrigin,
  readServiceUrl,
  readSupportUrl,
  SUPPORT_URL_MAX,
} from './config.ts'
export type { PlatformConfig } from './config.ts'
export { explainStart } from './explain-start.ts'
export { giveLogins } from './give-logins.ts'
export { SCHEMA_OWNERS, migrateAll } from './migrate-all.ts'
export { pendingMigrations, type PendingMigrations } from './pending-migrations.ts'
export { createPlatform } from './platform.ts'
export type { Platform } from './platform.ts'
export { runMain } from './run-main.ts'
export type { RunningService } from './run-main.ts'
export { watchTls } from './watch-tls.ts'
export type { TlsSource } from './watch-tls.ts'
