/** What every service stands on: the platform it is given, and the main function around it. */
export { fromProcessEnv, readPlatformConfig } from './config.ts'
export type { PlatformConfig } from './config.ts'
export { createPlatform } from './platform.ts'
export type { Platform } from './platform.ts'
export { runMain } from './run-main.ts'
export type { RunningService } from './run-main.ts'
export { watchTls } from './watch-tls.ts'
export type { TlsSource } from './watch-tls.ts'
