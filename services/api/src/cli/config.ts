/** Where `ctl` finds the server of this machine. */
import { join } from 'node:path'
import type { EnvReader } from '@sealpost/config'

export interface CtlConfig {
  readonly dataDir: string
  /** Directories of the keyrings, given the data directory in use. */
  readonly keyringsOf: (dataDir: string) => readonly string[]
}

/** Reads SEALPOST_DATA_DIR and KEYRING_DIR. */
export function readCtlConfig(env: EnvReader): CtlConfig {
  const keyringDir = env.optional('KEYRING_DIR')
  return {
    dataDir: env.str('SEALPOST_DATA_DIR', './data'),
    keyringsOf: (dataDir) =>
      ['xmpp', 'smtp'].map((owner) => join(keyringDir ?? join(dataDir, 'keyring'), owner)),
  }
}
