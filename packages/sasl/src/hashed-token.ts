/** draft-schmaus-kitten-sasl-ht: HT-SHA-256-*, one message each way to prove possession of a token that the server gave out earlier. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { SaslError } from './sasl-error.ts'

/** The mechanisms and the channel binding each needs, strongest first. -UNIQ is left out: TLS 1.3 has no tls-unique. */
export const HASHED_TOKEN_MECHANISMS: readonly { readonly name: string; readonly binding?: string }[] = [
  { name: 'HT-SHA-256-EXPR', binding: 'tls-exporter' },
  { name: 'HT-SHA-256-ENDP', binding: 'tls-server-end-point' },
  { name: 'HT-SHA-256-NONE' },
]

/** Who proves possession: the client first, then the server. draft-schmaus-kitten-sasl-ht §3 */
export type HashedTokenRole = 'Initiator' | 'Responder'

/** What a client says: its name, and what only the owner of the token can compute. */
export interface HashedTokenMessage {
  readonly username: string
  readonly proof: Buffer
}

const PROOF_BYTES = 32
/** Longest username, in bytes of UTF-8: room for a whole bare JID. */
const USERNAME_BYTES_MAX = 2047

/** initiator-message: `authcid NUL proof`. draft-schmaus-kitten-sasl-ht §3. Throws SaslError `malformed-request`. */
export function readHashedToken(message: Buffer): HashedTokenMessage {
  const end = message.indexOf(0)
  const name = message.subarray(0, Math.max(end, 0))
  if (end < 1 || end > USERNAME_BYTES_MAX || message.length - end - 1 !== PROOF_BYTES || !isUtf8(name))
    throw new SaslError('malformed-request')
  return { username: name.toString('utf8'), proof: message.subarray(end + 1) }
}

/** HMAC(token, role || channel binding data); `binding` is empty for -NONE. */
export function hashedTokenProof(token: string, role: HashedTokenRole, binding: Buffer): Buffer {
  return createHmac('sha256', token).update(role).update(binding).digest()
}

/** Whether `proof` is the client's over this token; takes the same time whichever byte differs. */
export function isHashedTokenProof(proof: Buffer, token: string, binding: Buffer): boolean {
  const expected = hashedTokenProof(token, 'Initiator', binding)
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}

/** The client's message, for tests and administration. */
export function writeHashedToken(username: string, token: string, binding: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${username}\0`), hashedTokenProof(token, 'Initiator', binding)])
}
