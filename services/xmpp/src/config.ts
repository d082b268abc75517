/** The only reader of the environment in this service (README has the table). */
import { join } from 'node:path'
import type { EnvReader } from '@sealpost/config'
import { readPublicOrigin, readServiceUrl, readSupportUrl } from '@sealpost/service'
import { readTurnConfig } from '@sealpost/turn'

/** Reads this service's variables; `dataDir` is where the keyring lives unless KEYRING_DIR says otherwise. */
export function readConfig(env: EnvReader) {
  const origin = readPublicOrigin(env)
  const dataDir = env.str('SEALPOST_DATA_DIR', './data')
  return {
    port: env.port('XMPP_PORT', 5222),
    tlsPort: env.port('XMPP_TLS_PORT', 5223),
    unlimitedNetworks: env.networks('XMPP_UNLIMITED_NETWORKS', ['127.0.0.0/8', '::1/128']),
    e2eePolicy: env.oneOf('E2EE_POLICY', ['required', 'optional', 'off'], 'required'),
    storageMode: env.oneOf('STORAGE_MODE', ['sealed', 'none'], 'sealed'),
    messageTtlMs: env.durationMs('MESSAGE_TTL', '14d', { min: 1_000 }),
    /** Origin of the API's HTTP listener when it runs in another process. */
    apiUrl: readServiceUrl('API_URL', env),
    resumeTimeoutMs: env.durationMs('SM_RESUME_TIMEOUT', '10m'),
    turn: readTurnConfig(env),
    contacts: { publicOrigin: () => origin, supportUrl: readSupportUrl(env) },
    keyringDir: join(env.str('KEYRING_DIR', join(dataDir, 'keyring')), 'xmpp'),
  } as const
}

export type XmppConfig = ReturnType<typeof readConfig>
