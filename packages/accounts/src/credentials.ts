/** SCRAM credentials of an account (RFC 5802 §3, RFC 7677): one verifier for each hash the server offers. */
import type { Random } from '@sealpost/runtime'
import {
  deriveVerifier,
  SaslError,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  type ScramHash,
  type ScramVerifier,
} from '@sealpost/sasl'
import { AccountError } from './account.ts'

/** The hashes for which every account has a verifier, and the sizes of their keys in bytes. */
export const SCRAM_KEY_BYTES = { 'SHA-256': 32, 'SHA-1': 20 } as const satisfies Record<ScramHash, number>

const HASHES = Object.keys(SCRAM_KEY_BYTES) as ScramHash[]

/** Derives the verifiers of a password, both hashes in parallel on the thread pool. Throws PASSWORD_UNACCEPTABLE. */
export async function deriveVerifiers(password: string, random: Random): Promise<ScramVerifier[]> {
  try {
    return await Promise.all(
      HASHES.map((hash) =>
        deriveVerifier(password, hash, {
          salt: random.bytes(SCRAM_SALT_BYTES),
          iterations: SCRAM_ITERATIONS,
        }),
      ),
    )
  } catch (error) {
    if (error instanceof SaslError) throw new AccountError('PASSWORD_UNACCEPTABLE', { cause: error })
    throw error
  }
}

/** Of a foreign verifier: as weak as RFC 5802 §5.1 allows at least, and no more work than our own. */
const FOREIGN_ITERATIONS_MIN = 4096
const FOREIGN_SALT_BYTES_MAX = 64

/** Whether a verifier that another server made can be kept to check passwords with. */
export function isForeignVerifier({ hash, salt, iterations, storedKey, serverKey }: ScramVerifier): boolean {
  return (
    Number.isInteger(iterations) &&
    iterations >= FOREIGN_ITERATIONS_MIN &&
    iterations <= SCRAM_ITERATIONS &&
    salt.length > 0 &&
    salt.length <= FOREIGN_SALT_BYTES_MAX &&
    storedKey.length === SCRAM_KEY_BYTES[hash] &&
    serverKey.length === SCRAM_KEY_BYTES[hash]
  )
}

/**
 * Refuses verifiers made elsewhere that the server could not offer like its own. NOTE: the iteration count must be the server's: one
 * that differs would tell the accounts apart from the decoys of unknown names.
 */
export function checkVerifiers(verifiers: readonly ScramVerifier[]): void {
  const sound = verifiers.every(
    ({ hash, salt, iterations, storedKey, serverKey }) =>
      iterations === SCRAM_ITERATIONS &&
      salt.length === SCRAM_SALT_BYTES &&
      storedKey.length === SCRAM_KEY_BYTES[hash] &&
      serverKey.length === SCRAM_KEY_BYTES[hash],
  )
  const complete =
    verifiers.length === HASHES.length && HASHES.every((h) => verifiers.some((v) => v.hash === h))
  if (!sound || !complete) throw new AccountError('VERIFIERS_INCOMPLETE')
}
