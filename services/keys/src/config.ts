/** Configuration of the key directory. */
import type { EnvReader } from '@sealpost/config'

export interface KeysConfig {
  /** Port of HKP, plain HTTP by custom; 0 takes a free one. */
  readonly hkpPort: number
}

export function readConfig(env: EnvReader): KeysConfig {
  return { hkpPort: env.port('HKP_PORT', 11_371) }
}
