/** Configuration of the API service: where links lead that it hands out, and where the other services are. */
import type { EnvReader } from '@sealpost/config'

export interface ApiConfig {
  /** Origin of the links in invites, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
  /** Origin of the relay's HTTP listener when it runs in another process; undefined: it does not, or nobody said where. */
  readonly relayUrl: URL | undefined
}

const HTTPS_PORT_DEFAULT = 443

/** Reads SEALPOST_DOMAIN (the first one names the host), HTTPS_PORT and RELAY_URL. */
export function readConfig(env: EnvReader): ApiConfig {
  const [host = 'localhost'] = env.list('SEALPOST_DOMAIN', ['localhost'])
  const port = env.port('HTTPS_PORT', 8443)
  const origin = port === HTTPS_PORT_DEFAULT ? `https://${host}` : `https://${host}:${String(port)}`
  return { publicOrigin: () => origin, relayUrl: readRelayUrl(env) }
}

function readRelayUrl(env: EnvReader): URL | undefined {
  const text = env.optional('RELAY_URL')
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '') return url
  env.problem('RELAY_URL must be like http://HOST:PORT')
  return undefined
}
