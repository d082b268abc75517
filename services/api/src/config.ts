/** Configuration of the API service: where links lead that it hands out, and where the other services are. */
import type { EnvReader, Networks } from '@sealpost/config'
import { readPublicOrigin, readServiceUrl } from '@sealpost/service'

export interface ApiConfig {
  /** Origin of the links in invites, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
  /** Origin of the relay's HTTP listener when it runs in another process; undefined: it does not, or nobody said where. */
  readonly relayUrl: URL | undefined
  /** The same of the mail relay. */
  readonly mailUrl: URL | undefined
  /** The same of the key directory. */
  readonly keysUrl: URL | undefined
  /** Addresses that are not public, and to which webhooks may be sent all the same. */
  readonly webhookNetworks: Networks
}

/** Reads SEALPOST_DOMAIN (the first one names the host), HTTPS_PORT, RELAY_URL, MAIL_URL, KEYS_URL and WEBHOOK_NETWORKS. */
export function readConfig(env: EnvReader): ApiConfig {
  const origin = readPublicOrigin(env)
  return {
    publicOrigin: () => origin,
    relayUrl: readServiceUrl('RELAY_URL', env),
    mailUrl: readServiceUrl('MAIL_URL', env),
    keysUrl: readServiceUrl('KEYS_URL', env),
    webhookNetworks: env.networks('WEBHOOK_NETWORKS', []),
  }
}
