/** AES-256-GCM as it lies in our tables: nonce, ciphertext, tag. `context`, if there is one, is authenticated beside it. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from '@sealpost/runtime'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

export function seal(key: Buffer, plain: Buffer, random: Pick<Random, 'bytes'>, context = ''): Buffer {
  const nonce = random.bytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Throws when it was changed, or sealed under another key or context. */
export function unseal(key: Buffer, sealed: Buffer, context = ''): Buffer {
  const options = { authTagLength: TAG_BYTES }
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), options)
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}
