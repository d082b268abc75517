/** The keys by which a certificate is found. */
import type { CertificateSummary } from '@sealpost/openpgp'

export interface Component {
  readonly fingerprint: string
  readonly keyId: string
  /** 0: the primary key; 1: a subkey that has signed it; 2: another one, which anybody could have adopted. */
  readonly rank: 0 | 1 | 2
}

export function componentsOf(listing: CertificateSummary): Component[] {
  const { fingerprint, keyId, subkeys } = listing
  const others = subkeys
    .filter((each) => each.fingerprint !== fingerprint)
    .map((each): Component => ({
      fingerprint: each.fingerprint,
      keyId: each.keyId,
      rank: each.crossSigned ? 1 : 2,
    }))
  return [{ fingerprint, keyId, rank: 0 }, ...others]
}
