/** Parts of a certificate for those who ask. What is left out is not theirs to see, or of no use to them. */
import { CertificatePacket } from '../packet-sequence.ts'
import type { Identity, Subkey, VerifiedCertificate } from './certificate.ts'
import { verifiedParts } from './merge.ts'
import { isHard, partition } from './order.ts'
import type { Signature } from './signature.ts'
import { activeSignature, isIdentityRevoked, revocationOf } from './state.ts'
import { addressOf, normalizeAddress, userIdText } from './user-id.ts'

/** The address of a user id; undefined for other identities and for user ids without exactly one. */
export function identityAddress({ packet }: Identity): string | undefined {
  const text = packet.type === CertificatePacket.userId ? userIdText(packet.body) : undefined
  return text === undefined ? undefined : addressOf(text)
}

/** With no identities but the user ids of these addresses: what may be published when their owner agreed to it, and only it. */
export function withAddresses(
  certificate: VerifiedCertificate,
  addresses: Iterable<string>,
): VerifiedCertificate {
  const wanted = new Set([...addresses].map(normalizeAddress))
  return verifiedParts(certificate, {
    identities: certificate.identities.filter((identity) => {
      const address = identityAddress(identity)
      return address !== undefined && wanted.has(address)
    }),
  })
}

/** Without the user ids of an address, whose owner is to be forgotten. */
export function withoutAddress(certificate: VerifiedCertificate, address: string): VerifiedCertificate {
  const unwanted = normalizeAddress(address)
  const identities = certificate.identities.filter((identity) => identityAddress(identity) !== unwanted)
  return verifiedParts(certificate, { identities })
}

/**
 * For one who writes to this address: the newest user id with it and what is in force now, without history. draft-koch-openpgp-webkey-service §3.1 wants
 * one user id, and some clients insist.
 */
export function minimalForAddress(
  certificate: VerifiedCertificate,
  address: string,
  now: number,
): VerifiedCertificate {
  const { identities } = withAddresses(certificate, [address])
  const newest = identities
    .filter(({ signatures }) => isUsable(signatures, now))
    .sort(
      (a, b) =>
        (activeSignature(b.signatures, now)?.created ?? 0) -
        (activeSignature(a.signatures, now)?.created ?? 0),
    )
  return cleanCertificate(verifiedParts(certificate, { identities: newest.slice(0, 1) }), now)
}

function isUsable(signatures: readonly Signature[], now: number): boolean {
  const active = activeSignature(signatures, now)
  return active !== undefined && !isIdentityRevoked(signatures, active, now)
}

/** Without what no longer says anything: superseded and expired signatures, revocations of what was certified anew, components without a valid signature. */
export function cleanCertificate(certificate: VerifiedCertificate, now: number): VerifiedCertificate {
  const identities = certificate.identities.map((each) => ({
    ...each,
    signatures: inForce(each.signatures, now),
  }))
  const subkeys = certificate.subkeys.map((each): Subkey => ({
    ...each,
    signatures: inForce(each.signatures, now),
  }))
  return verifiedParts(certificate, {
    signatures: inForce(certificate.signatures, now),
    identities: identities.filter(({ signatures }) => signatures.length > 0),
    subkeys: subkeys.filter(({ signatures }) => signatures.length > 0),
  })
}

/** The active self-signature, and one revocation when there is one that holds. */
function inForce(signatures: readonly Signature[], now: number): Signature[] {
  const active = activeSignature(signatures, now)
  const { revocations } = partition(signatures)
  const holds = revocationOf(signatures, active, now) !== undefined
  const first = revocations.find(isHard) ?? revocations[0]
  return [...(holds && first ? [first] : []), ...(active ? [active] : [])]
}

/** The primary key and its revocations: what everybody should know of a certificate that is no longer shown. Undefined when it is not revoked. */
export function revocationsOnly(certificate: VerifiedCertificate): VerifiedCertificate | undefined {
  const { revocations } = partition(certificate.signatures)
  return revocations.length === 0
    ? undefined
    : verifiedParts(certificate, { signatures: revocations, identities: [], subkeys: [] })
}
