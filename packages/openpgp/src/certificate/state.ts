/** What the verified signatures of a component say about it at a time: the one in force, revocation, expiry. RFC 9580 §5.2.3.10, §5.2.3.13, §5.2.3.31 */
import type { Certificate, Subkey } from './certificate.ts'
import { readFlags } from './key-flags.ts'
import { isHard, newestFirst, partition } from './order.ts'
import { embeddedSignatures, hashedSeconds, isUnderstood, SignatureType } from './signature.ts'
import type { Signature } from './signature.ts'
import { SubpacketType } from './subpacket.ts'
import { publicKeysOf } from './public-key.ts'

export type Revocation = 'hard' | 'soft'

/** Whether a signature holds at a time. RFC 9580 §5.2.3.11, §5.2.3.18 */
function isInForce(signature: Signature, now: number): boolean {
  const { created = Infinity } = signature
  const seconds = hashedSeconds(signature, SubpacketType.signatureExpiration) ?? 0
  return isUnderstood(signature) && created <= now && (seconds === 0 || now < created + seconds)
}

/** The newest self-signature that holds: it alone decides. */
export function activeSignature(signatures: readonly Signature[], now: number): Signature | undefined {
  return partition(signatures).selfSignatures.find((each) => isInForce(each, now))
}

/**
 * A hard revocation is for ever and needs no date. A soft one holds until a later self-signature takes it back. A revocation that has something in it that
 * we do not understand is believed all the same: that is the safe side.
 */
export function revocationOf(
  signatures: readonly Signature[],
  active: Signature | undefined,
  now: number,
): Revocation | undefined {
  const { revocations } = partition(signatures)
  if (revocations.some(isHard)) return 'hard'
  const since = active?.created ?? 0
  const holds = revocations.some(({ created = 0 }) => created <= now && created >= since)
  return holds ? 'soft' : undefined
}

/** The same for a user id, where there is no key that could be in other hands: every revocation can be taken back. */
export function isIdentityRevoked(
  signatures: readonly Signature[],
  active: Signature | undefined,
  now: number,
): boolean {
  const since = active?.created ?? 0
  return partition(signatures).revocations.some(({ created = 0 }) => created <= now && created >= since)
}

/** Second from which a key is no longer valid, by the self-signature that decides. RFC 9580 §5.2.3.13 */
export function keyExpiry(created: number, active: Signature | undefined): number | undefined {
  const seconds = (active && hashedSeconds(active, SubpacketType.keyExpiration)) ?? 0
  return seconds === 0 ? undefined : created + seconds
}

/** The self-signature that says for how long the primary key is valid, and for what. Version 6 has it in direct-key signatures (RFC 9580 §10.1.1). */
export function decisiveSignature(
  { primary, signatures, identities }: Certificate,
  now: number,
): Signature | undefined {
  const direct = activeSignature(signatures, now)
  if (primary.version === 6 && direct) return direct
  const ofIdentities = identities.flatMap((identity) => {
    const active = activeSignature(identity.signatures, now)
    return active === undefined || isIdentityRevoked(identity.signatures, active, now) ? [] : [active]
  })
  return [...(direct ? [direct] : []), ...ofIdentities].sort(newestFirst)[0]
}

/** Whether the subkey has signed the primary key in turn, so that it is certain that both have one owner. verify.ts has verified it. */
export function isCrossSigned({ key, signatures }: Subkey): boolean {
  if (publicKeysOf(key) === undefined) return false
  return signatures.some(
    (binding) =>
      readFlags(binding)?.sign !== false &&
      embeddedSignatures(binding).some(({ type }) => type === SignatureType.primaryKeyBinding),
  )
}
