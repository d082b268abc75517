/** RFC 5802 §3: what a server keeps instead of a password, and the functions of both sides over it. */
import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { digest, DIGESTS, hmac, type ScramHash } from './hmac.ts'
import { isPreparable, preparePassword } from './saslprep.ts'

/** Enough to check a proof and to prove the server, not enough to sign in. RFC 5802 §3. Keys are as long as the hash: 32 or 20 bytes. */
export interface ScramVerifier {
  readonly hash: ScramHash
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Iterations of every verifier that we make (RFC 7677 §4 asks for 4,096 or more); decoys must show the same. */
export const SCRAM_ITERATIONS = 10_000
/** Bytes of salt in every verifier that we make; decoys must show the same. */
export const SCRAM_SALT_BYTES = 16

const pbkdf2Async = promisify(pbkdf2)

/** Bytewise exclusive or of two buffers of the same length. */
export function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)))
}

/** Hi(Normalize(password), salt, i), off the main thread. RFC 5802 §2.2. Throws as `preparePassword` does. */
export async function saltPassword(
  password: string,
  hash: ScramHash,
  options: { salt: Buffer; iterations: number },
): Promise<Buffer> {
  const { name, bytes } = DIGESTS[hash]
  return await pbkdf2Async(preparePassword(password), options.salt, options.iterations, bytes, name)
}

/** The verifier of a password. RFC 5802 §3. Runs off the main thread. Throws SaslError when the password cannot be prepared. */
export async function deriveVerifier(
  password: string,
  hash: ScramHash,
  options: { salt: Buffer; iterations: number },
): Promise<ScramVerifier> {
  return verifierOfSalted(await saltPassword(password, hash, options), hash, options)
}

/** The verifier of SaltedPassword, which a client may compute for us. RFC 5802 §3 */
export function verifierOfSalted(
  salted: Buffer,
  hash: ScramHash,
  options: { salt: Buffer; iterations: number },
): ScramVerifier {
  return {
    hash,
    salt: options.salt,
    iterations: options.iterations,
    storedKey: digest(hash, hmac(hash, salted, 'Client Key')),
    serverKey: hmac(hash, salted, 'Server Key'),
  }
}

/** Whether a password sent in the clear is the one of the verifier. Takes the same time whichever byte differs. Never throws. */
export async function verifyPassword(password: string, verifier: ScramVerifier): Promise<boolean> {
  const { hash, salt, iterations } = verifier
  // A password that cannot be prepared costs the same work as any other wrong one.
  const usable = isPreparable(password)
  const candidate = await deriveVerifier(usable ? password : 'unusable', hash, { salt, iterations })
  return timingSafeEqual(candidate.storedKey, verifier.storedKey) && usable
}

/**
 * What to answer for a name that nobody has: the same salt each time it is asked for, and keys that no password leads to, so that an exchange with
 * it runs as any other and ends in `not-authorized`. `secret` (32 bytes) must be the same in every process and survive restarts; `username` must be in
 * canonical form, or its spellings could be told apart by their salts.
 */
export function decoyVerifier(secret: Buffer, username: string, hash: ScramHash): ScramVerifier {
  const derive = (purpose: string): Buffer => hmac('SHA-256', secret, `${purpose}\0${hash}\0${username}`)
  const { bytes } = DIGESTS[hash]
  return {
    hash,
    salt: derive('salt').subarray(0, SCRAM_SALT_BYTES),
    iterations: SCRAM_ITERATIONS,
    storedKey: derive('stored key').subarray(0, bytes),
    serverKey: derive('server key').subarray(0, bytes),
  }
}
