/**
 * Merging verified certificates: the union of their components in canonical order, within the limits. Both sides were verified, so nothing in the new one
 * can displace anything valid in the old one but newer signatures by the same primary key.
 */
import { reject } from '../openpgp-error.ts'
import { certificateBytes } from './certificate.ts'
import type { Identity, Subkey, VerifiedCertificate } from './certificate.ts'
import type { CertificateLimits } from './limits.ts'
import { isHard, keptOf, newestFirst, partition } from './order.ts'
import { hashedSubpacket, signatureIdentity } from './signature.ts'
import type { Signature } from './signature.ts'
import { SubpacketType } from './subpacket.ts'
import { isRevocation } from './verifier.ts'

/**
 * What is to be kept of a certificate and of what came for it later; with nothing given before, of one alone. Throws OpenPgpError when they have different
 * primary keys, and when the result is too large even with one signature a component. A revoked certificate is never too large: its primary key and
 * revocations are kept.
 */
export function mergeCertificates(
  kept: VerifiedCertificate | undefined,
  incoming: VerifiedCertificate,
  limits: CertificateLimits,
): VerifiedCertificate {
  if (kept && !kept.primary.packet.body.equals(incoming.primary.packet.body)) throw reject.otherCertificate()
  return fit(kept ? [kept, incoming] : [incoming], limits, capIdentities)
}

/**
 * A certificate as it was sent, in canonical order and within the limits. Unlike in one that is kept, a user id may have revocations alone: its certification
 * may be in what it will be merged with. Throws as `mergeCertificates`.
 */
export function orderCertificate(
  incoming: VerifiedCertificate,
  limits: CertificateLimits,
): VerifiedCertificate {
  return fit([incoming], limits, (identities, max) => {
    const revoked = identities.filter(({ signatures }) => signatures.every(isRevocation))
    return [...capIdentities(identities, max), ...revoked.sort(byBody).slice(0, max)]
  })
}

function byBody({ packet: a }: Identity, { packet: b }: Identity): number {
  return a.body.compare(b.body)
}

type Cap = (identities: readonly Identity[], max: number) => Identity[]

function fit(
  sides: readonly VerifiedCertificate[],
  limits: CertificateLimits,
  cap: Cap,
): VerifiedCertificate {
  for (const signaturesMax of [limits.selfSignaturesMax, 1]) {
    const merged = unite(sides, { ...limits, selfSignaturesMax: signaturesMax }, cap)
    if (certificateBytes(merged) <= limits.certificateBytesMax) return merged
    const bare = withoutComponents(merged)
    const revoked = merged.signatures.some(isRevocation)
    if (signaturesMax === 1 && revoked && certificateBytes(bare) <= limits.certificateBytesMax) return bare
  }
  throw reject.certificateTooLarge()
}

/** A certificate with revocations that came alone and were verified under its primary key. */
export function withRevocations(
  certificate: VerifiedCertificate,
  revocations: readonly Signature[],
): VerifiedCertificate {
  return verifiedParts(certificate, { signatures: revocations, identities: [], subkeys: [] })
}

/** Some parts of a verified certificate, or further ones that were verified under its primary key, are a verified certificate too. */
export function verifiedParts(
  certificate: VerifiedCertificate,
  parts: Partial<Pick<VerifiedCertificate, 'signatures' | 'identities' | 'subkeys'>>,
): VerifiedCertificate {
  return { ...certificate, ...parts }
}

function withoutComponents(certificate: VerifiedCertificate): VerifiedCertificate {
  return verifiedParts(certificate, { identities: [], subkeys: [] })
}

function unite(
  sides: readonly VerifiedCertificate[],
  limits: CertificateLimits,
  cap: Cap,
): VerifiedCertificate {
  const [first] = sides
  if (first === undefined) throw reject.noCertificate()
  const max = keptOf(first.primary.algorithm, limits.selfSignaturesMax)
  const signatures = uniteSignatures(
    sides.flatMap((side) => side.signatures),
    max,
  )
  const identities = uniteComponents(
    sides.flatMap((side) => side.identities),
    ({ packet }) => `${String(packet.type)} ${packet.body.toString('latin1')}`,
    (identity, list) => ({ ...identity, signatures: uniteSignatures(list, max) }),
  )
  const subkeys = uniteComponents(
    sides.flatMap((side) => side.subkeys),
    ({ key }) => key.packet.body.toString('latin1'),
    (subkey, list) => ({ ...subkey, signatures: uniteSignatures(list, max) }),
  )
  return verifiedParts(first, {
    signatures,
    identities: cap(identities, limits.userIdsMax),
    subkeys: capSubkeys(subkeys, limits.subkeysMax),
  })
}

/** In canonical order, each once, as many as are kept. */
function uniteSignatures(signatures: readonly Signature[], max: number): Signature[] {
  const { revocations, selfSignatures } = partition(signatures)
  return [...firstOfEach(revocations, max), ...firstOfEach(selfSignatures, max)]
}

function firstOfEach(signatures: readonly Signature[], max: number): Signature[] {
  const byIdentity = new Map<string, Signature>()
  for (const signature of signatures) {
    const identity = signatureIdentity(signature)
    if (byIdentity.size < max && !byIdentity.has(identity)) byIdentity.set(identity, signature)
  }
  return [...byIdentity.values()]
}

interface Component {
  readonly signatures: readonly Signature[]
}

function uniteComponents<C extends Component>(
  components: readonly C[],
  nameOf: (component: C) => string,
  withSignatures: (component: C, signatures: readonly Signature[]) => C,
): C[] {
  const byName = new Map<string, C[]>()
  for (const component of components) {
    const name = nameOf(component)
    byName.set(name, [...(byName.get(name) ?? []), component])
  }
  return [...byName.values()].flatMap((same) => {
    const [first] = same
    return first === undefined
      ? []
      : [
          withSignatures(
            first,
            same.flatMap(({ signatures }) => signatures),
          ),
        ]
  })
}

const newestOf = ({ signatures }: Component): number =>
  signatures.reduce((newest, { created = 0 }) => Math.max(newest, created), 0)

const oldestOf = ({ signatures }: Component): number =>
  signatures.reduce((oldest, { created = 0 }) => Math.min(oldest, created), Infinity)

/** A user id without any certification says nothing. Of too many, those that were certified last stay; the primary one comes first. */
function capIdentities(identities: readonly Identity[], max: number): Identity[] {
  return identities
    .filter(({ signatures }) => signatures.some((each) => !isRevocation(each)))
    .sort((a, b) => newestOf(b) - newestOf(a) || a.packet.body.compare(b.packet.body))
    .slice(0, max)
    .sort(
      (a, b) =>
        a.packet.type - b.packet.type ||
        Number(isWithdrawn(a)) - Number(isWithdrawn(b)) ||
        Number(isPrimary(b)) - Number(isPrimary(a)) ||
        oldestOf(a) - oldestOf(b) ||
        a.packet.body.compare(b.packet.body),
    )
}

/** RFC 9580 §5.2.3.27, by the newest certification. */
export function isPrimary({ signatures }: Identity): boolean {
  const newest = partition(signatures).selfSignatures[0]
  return newest !== undefined && hashedSubpacket(newest, SubpacketType.primaryUserId)?.[0] === 1
}

function isWithdrawn({ signatures }: Identity): boolean {
  const newest = [...signatures].sort(newestFirst)[0]
  return newest !== undefined && isRevocation(newest)
}

/** Revoked subkeys have places of their own, those with hard revocations and the oldest of them first: new subkeys push out none. */
function capSubkeys(subkeys: readonly Subkey[], max: number): Subkey[] {
  const hardness = ({ signatures }: Subkey): number => {
    const { revocations } = partition(signatures)
    return revocations.some(isHard) ? 2 : Math.min(revocations.length, 1)
  }
  const revoked = subkeys
    .filter((each) => hardness(each) > 0)
    .sort((a, b) => hardness(b) - hardness(a) || oldestOf(a) - oldestOf(b) || byBirth(a, b))
  const inUse = subkeys
    .filter((each) => hardness(each) === 0)
    .sort((a, b) => newestOf(b) - newestOf(a) || byBirth(a, b))
  return [...inUse.slice(0, max), ...revoked.slice(0, max)].sort(byBirth)
}

function byBirth({ key: a }: Subkey, { key: b }: Subkey): number {
  return a.created - b.created || a.fingerprint.compare(b.fingerprint)
}
