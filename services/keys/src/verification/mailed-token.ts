/** What stands in a link or a mail and proves that it was read: 256 random bits, of which the store has the hash. A nonce is one that has letters and digits alone. */
import { createHash } from 'node:crypto'
import type { Random } from '@sealpost/runtime'

const BYTES = 32
const FORM = /^(?:[\w-]{43}|[0-9a-f]{64})$/

export function newMailedToken(random: Random): string {
  return random.token(BYTES)
}

/** draft-koch-openpgp-webkey-service §4.3: 16 to 64 letters or digits. */
export function newNonce(random: Random): string {
  return random.bytes(BYTES).toString('hex')
}

export function isMailedToken(text: string): boolean {
  return FORM.test(text)
}

/** SHA-256: by what the store knows it. */
export function hashMailedToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
