/** Configuration of the API service: where links lead that it hands out. */
import type { EnvReader } from '@sealpost/config'

export interface ApiConfig {
  /** Origin of the links in invites, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
}

const HTTPS_PORT_DEFAULT = 443

/** Reads SEALPOST_DOMAIN (the first one names the host) and HTTPS_PORT. */
export function readConfig(env: EnvReader): ApiConfig {
  const [host = 'localhost'] = env.list('SEALPOST_DOMAIN', ['localhost'])
  const port = env.port('HTTPS_PORT', 8443)
  const origin = port === HTTPS_PORT_DEFAULT ? `https://${host}` : `https://${host}:${String(port)}`
  return { publicOrigin: () => origin }
}
