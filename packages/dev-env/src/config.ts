/** Configuration of the all-in-one: the union of what its parts read. */
import { readConfig as readApiConfig } from '@sealpost/api-service/config'
import type { EnvReader } from '@sealpost/config'
import { readConfig as readKeysConfig } from '@sealpost/keys-service/config'
import { fromProcessEnv, readPlatformConfig } from '@sealpost/service'
import { readConfig as readSmtpConfig } from '@sealpost/smtp-service/config'
import { readConfig as readXmppConfig } from '@sealpost/xmpp-service/config'
import { readBackupConfig } from './backup/config.ts'

export type NetworkConfig = ReturnType<typeof readNetworkConfig>

/** Ports of 0 take free ones. */
export function readNetworkConfig(env: EnvReader) {
  return {
    platform: readPlatformConfig(env),
    /** Plain; on the loopback address whatever SEALPOST_BIND says. */
    httpPort: env.port('HTTP_PORT', 8080),
    httpsPort: env.port('HTTPS_PORT', 8443),
    backup: readBackupConfig(env),
    api: readApiConfig(env),
    keys: readKeysConfig(env),
    smtp: readSmtpConfig(env),
    xmpp: readXmppConfig(env),
  }
}

/** From the environment of this process. Throws ConfigError. */
export function readConfig(): NetworkConfig {
  return fromProcessEnv(readNetworkConfig)
}
