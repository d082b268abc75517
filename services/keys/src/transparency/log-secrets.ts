/** The secret keys of the transparency log: a file in the data directory, made once. Whoever loses it has lost the log; whoever has it can forge one. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import { openSecretFile } from '@sealpost/runtime'
import type { Random } from '@sealpost/runtime'
import { VrfSecretKey } from '@sealpost/tlog'

/** Its name in the data directory. Processes on different machines need the same file each. */
export const LOG_SECRETS_FILE = 'transparency.key'

const SEED_BYTES = 32
/** Two seeds in base64url. */
const SECRETS = /^[\w-]{43} [\w-]{43}$/
/** RFC 8410 §7: what stands before the seed of an Ed25519 key in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface LogSecrets {
  /** Ed25519. */
  readonly signing: KeyObject
  readonly signingPublicKey: Buffer
  readonly vrf: VrfSecretKey
}

/** Reads the secrets, or makes them. Throws SECRET_FILE_OPEN, or KEYS_LOG_SECRETS when the file holds something else. */
export async function openLogSecrets(dataDir: string, random: Pick<Random, 'token'>): Promise<LogSecrets> {
  const make = (): string => `${random.token(SEED_BYTES)} ${random.token(SEED_BYTES)}`
  const text = await openSecretFile(join(dataDir, LOG_SECRETS_FILE), random, make)
  if (!SECRETS.test(text))
    throw new OperationalError(
      'KEYS_LOG_SECRETS',
      `The file ${LOG_SECRETS_FILE} of the data directory is damaged`,
    )
  const [signingSeed = '', vrfSeed = ''] = text.split(' ')
  const key = Buffer.concat([PKCS8_HEAD, Buffer.from(signingSeed, 'base64url')])
  const signing = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(signing).export({ format: 'jwk' })
  return {
    signing,
    signingPublicKey: Buffer.from(x, 'base64url'),
    vrf: new VrfSecretKey(Buffer.from(vrfSeed, 'base64url')),
  }
}
