/** What stands in a link or a mail and proves that it was read: 256 random bits, of which the store has the hash. */
import { createHash } from 'node:crypto'
import type { Random } from '@sealpost/runtime'

const BYTES = 32
const FORM = /^[\w-]{43}$/

export function newMailedToken(random: Random): string {
  return random.token(BYTES)
}

export function isMailedToken(text: string): boolean {
  return FORM.test(text)
}

/** SHA-256: by what the store knows it. */
export function hashMailedToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
