/** draft-ietf-openpgp-hkp §7.1.1: what the index says of a certificate. Fingerprints in lower case, times in UTC (RFC 3339 §5.6). */
import type { CertificateSummary, KeySummary } from '@sealpost/openpgp'

/** §8: complete. User ids are shown when the owner of their address said so, and not otherwise. */
const COMPLETE_CONFIDENCE = 120
/** Algorithms whose keys have a size of their own: RSA, Elgamal, DSA. RFC 9580 §9.1 */
const SIZED_ALGORITHMS: ReadonlySet<number> = new Set([1, 2, 3, 16, 17, 20])

interface KeyObject {
  readonly version: number
  readonly fingerprint: string
  readonly creation: string
  readonly expiration?: string
  readonly algorithm: { readonly code: number; readonly name: string; readonly bitLength?: number }
  readonly isRevoked: boolean
}

export interface CertificateObject extends KeyObject {
  readonly userIDs: readonly {
    readonly uidString: string
    readonly confidence: number
    readonly isRevoked: boolean
  }[]
  readonly subkeys: readonly KeyObject[]
}

export function indexObject(listing: CertificateSummary): CertificateObject {
  return {
    ...keyObject(listing),
    userIDs: listing.userIds.map(({ text, revoked }) => ({
      uidString: text,
      confidence: COMPLETE_CONFIDENCE,
      isRevoked: revoked,
    })),
    subkeys: listing.subkeys.map(keyObject),
  }
}

function keyObject({ version, fingerprint, created, expires, algorithm, revoked }: KeySummary): KeyObject {
  const { code, name, bits } = algorithm
  return {
    version,
    fingerprint: fingerprint.toLowerCase(),
    creation: timestamp(created),
    ...(expires === undefined ? {} : { expiration: timestamp(expires) }),
    algorithm: {
      code,
      name,
      ...(SIZED_ALGORITHMS.has(code) && bits !== undefined ? { bitLength: bits } : {}),
    },
    isRevoked: revoked !== undefined,
  }
}

function timestamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}
