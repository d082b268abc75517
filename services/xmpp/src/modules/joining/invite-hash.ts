import { createHash } from 'node:crypto'

/** By what a token is known; as the accounts know theirs. */
export function hashInvite(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
