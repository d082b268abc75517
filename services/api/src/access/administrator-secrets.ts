/**
 * What the database alone must not give away: secrets of one-time passwords, sealed, and recovery codes, as HMAC. The key lies in a file of the data
 * directory, beside the database and outside its backups; without it administrators sign in with passkeys, or enrol anew from the host.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'

const KEY_FILE = 'administrators.key'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

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
    seal(plaintext, context) {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, sealing, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    },

    open(sealed, context) {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
      const decipher = createDecipheriv(CIPHER, sealing, sealed.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-TAG_BYTES))
      try {
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
      } catch {
        return undefined
      }
    },

    hash: (code) => createHmac('sha256', hashing).update(code).digest(),
  }
}
