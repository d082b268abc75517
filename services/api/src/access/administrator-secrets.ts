/**
 * What the database alone must not give away: secrets of one-time passwords, sealed, and recovery codes, as HMAC. The key lies in a file of the data
 * directory, beside the database; backups hold both, encrypted (docs/backups.md). Without it administrators sign in with passkeys, or enrol anew from the host.
 */
import { createHmac, hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'
import { seal, unseal } from '../sealed.ts'

const KEY_FILE = 'administrators.key'
const KEY_BYTES = 32

export interface AdministratorSecrets {
  /** AES-256-GCM; `context` says what it is for and whose it is, and nothing else opens it. */
  seal(plaintext: Buffer, context: string): Buffer
  /** Undefined: changed, or sealed for something else. */
  open(sealed: Buffer, context: string): Buffer | undefined
  /** HMAC-SHA-256. */
  hash(code: string): Buffer
}

export async function openAdministratorSecrets(
  dataDir: string,
  random: Random,
): Promise<AdministratorSecrets> {
  const secret = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(KEY_BYTES))
  return createAdministratorSecrets(secret, random)
}

export function createAdministratorSecrets(secret: string, random: Random): AdministratorSecrets {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES))
  const [sealing, hashing] = [derive('sealpost totp'), derive('sealpost recovery code')]
  return {
    seal: (plaintext, context) => seal(sealing, plaintext, random, context),

    open(sealed, context) {
      try {
        return unseal(sealing, sealed, context)
      } catch {
        return undefined
      }
    },

    hash: (code) => createHmac('sha256', hashing).update(code).digest(),
  }
}
