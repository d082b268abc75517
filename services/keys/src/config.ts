/** Configuration of the key directory. */
import type { EnvReader } from '@sealpost/config'
import { readPublicOrigin, readServiceUrl } from '@sealpost/service'

export interface KeysConfig {
  /** Port of HKP, plain HTTP by custom; 0 takes a free one. */
  readonly hkpPort: number
  /** Origin of the links in mails, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
  /** Origin of the mail relay's HTTP listener when it runs in another process; undefined: it does not, or nobody said where. */
  readonly mailUrl: URL | undefined
}

export function readConfig(env: EnvReader): KeysConfig {
  const origin = readPublicOrigin(env)
  return {
    hkpPort: env.port('HKP_PORT', 11_371),
    publicOrigin: () => origin,
    mailUrl: readServiceUrl('MAIL_URL', env),
  }
}
