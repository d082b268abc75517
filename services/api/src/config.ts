/** Configuration of the API service: where links lead that it hands out, and where the other services are. */
import type { EnvReader, Networks, Secret } from '@sealpost/config'
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
  /** Where users get help; undefined: nowhere that the server knows of. */
  readonly supportUrl: string | undefined
  /** With which the billing system signs its events; undefined: none are taken. */
  readonly billingSecret: Secret | undefined
}

const SECRET_BYTES_MIN = 24

/**
 * Reads SEALPOST_DOMAIN (the first one names the host), HTTPS_PORT, RELAY_URL, MAIL_URL, KEYS_URL, WEBHOOK_NETWORKS, SUPPORT_URL and
 * BILLING_WEBHOOK_SECRET.
 */
export function readConfig(env: EnvReader): ApiConfig {
  const origin = readPublicOrigin(env)
  return {
    publicOrigin: () => origin,
    relayUrl: readServiceUrl('RELAY_URL', env),
    mailUrl: readServiceUrl('MAIL_URL', env),
    keysUrl: readServiceUrl('KEYS_URL', env),
    webhookNetworks: env.networks('WEBHOOK_NETWORKS', []),
    supportUrl: readSupportUrl(env),
    billingSecret: env.optionalSecret('BILLING_WEBHOOK_SECRET', { bytesMin: SECRET_BYTES_MIN }),
  }
}

/** A link on pages: to a site, or to a mail address. */
function readSupportUrl(env: EnvReader): string | undefined {
  const text = env.optional('SUPPORT_URL')
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url !== null && ['https:', 'mailto:'].includes(url.protocol)) return url.href
  env.problem('SUPPORT_URL must be an https: or mailto: URL')
  return undefined
}
