/**
 * Verification of a certificate before anything of it is believed, kept or merged. A signature stays when it is by the primary key, over the component
 * that it stands behind, and of a kind that belongs there; everything else goes. RFC 9580 §5.2.1, §5.2.4, §10.1
 *
 * Left out on purpose: certifications by others (anybody can add any number of them to anybody's key), and designated revokers (RFC 9580 §5.2.3.23),
 * which cannot be checked without their keys.
 */
import { CertificatePacket } from '../packet-sequence.ts'
import type { Certificate, Identity, Subkey, VerifiedCertificate } from './certificate.ts'
import type { Dropped } from './dropped.ts'
import { readFlags } from './key-flags.ts'
import type { Key } from './key.ts'
import { CLOCK_SKEW_SECONDS } from './limits.ts'
import type { CertificateLimits } from './limits.ts'
import { keptOf, partition } from './order.ts'
import {
  embeddedSignatures,
  isLocal,
  mayBeBy,
  signatureIdentity,
  SignatureType,
  withoutStrangers,
} from './signature.ts'
import type { Signature } from './signature.ts'
import { bareUserIdSubject, keySubject, SubjectDigests, userIdSubject } from './signed-data.ts'
import { isRevocation, Verifier } from './verifier.ts'
import type { Work } from './work.ts'

export interface VerifyOptions {
  /** Seconds since 1970. */
  readonly now: number
  readonly limits: CertificateLimits
  /** Shared by everything in one upload. */
  readonly work: Work
  readonly dropped: Dropped
}

const CERTIFICATIONS = [0x10, 0x11, 0x12, SignatureType.positiveCertification]

/** Undefined when nothing in it is by its primary key, so that there is nothing to keep. */
export function verifyCertificate(
  certificate: Certificate,
  options: VerifyOptions,
): VerifiedCertificate | undefined {
  const primary = new Verifier(certificate.primary)
  if (!primary.isUsable()) return undefined
  const check = new Check(primary, options)
  const signatures = check.direct(certificate.signatures)
  // Subkeys and their revocations first: there are fewer of them in a flooded certificate.
  const subkeys = certificate.subkeys
    .filter(isSigned)
    .map((each) => check.subkey(each))
    .filter(isSigned)
  const identities = certificate.identities
    .filter(isSigned)
    .map((each) => check.identity(each))
    .filter(isSigned)
  if (signatures.length + subkeys.length + identities.length === 0) return undefined
  return { primary: certificate.primary, signatures, identities, subkeys } as unknown as VerifiedCertificate
}

function isSigned({ signatures }: Identity | Subkey): boolean {
  return signatures.length > 0
}

/** The key revocations among signatures that came alone and are by this key. */
export function verifyRevocations(
  primary: Key,
  signatures: readonly Signature[],
  options: VerifyOptions,
): Signature[] {
  const verifier = new Verifier(primary)
  if (!verifier.isUsable()) return []
  return new Check(verifier, options).direct(
    signatures.filter(({ type }) => type === SignatureType.keyRevocation),
  )
}

/** Looks at one signature over its component: what is to be kept of it, or the verdict against it. */
type Examine = (signature: Signature) => Signature | 'wrong' | 'forged' | 'too-costly'

class Check {
  readonly #primary: Verifier
  readonly #options: VerifyOptions

  constructor(primary: Verifier, options: VerifyOptions) {
    this.#primary = primary
    this.#options = options
  }

  direct(signatures: readonly Signature[]): Signature[] {
    const types = [SignatureType.directKey, SignatureType.keyRevocation]
    return this.#select(signatures, types, this.#plain(keySubject(this.#primary.key)))
  }

  identity({ packet, signatures }: Identity): Identity {
    const { key } = this.#primary
    const types = [...CERTIFICATIONS, SignatureType.certificationRevocation]
    const usual = this.#plain(userIdSubject(key, packet))
    const old = this.#plain(bareUserIdSubject(key, packet))
    const isUserId = packet.type === CertificatePacket.userId
    const examine: Examine = (signature) =>
      signature.version === 3 && isUserId ? old(signature) : usual(signature)
    return { packet, signatures: this.#select(signatures, types, examine) }
  }

  subkey({ key, signatures }: Subkey): Subkey {
    const primary = this.#primary
    // RFC 9580 §10.1.1: of the same version as the primary key, and another key.
    const impossible = key.version !== primary.key.version || key.fingerprint.equals(primary.key.fingerprint)
    const types = impossible ? [] : [SignatureType.subkeyBinding, SignatureType.subkeyRevocation]
    const subject = new SubjectDigests([...keySubject(primary.key), ...keySubject(key)])
    const own = new Verifier(key)
    const examine: Examine = (signature) => {
      const verdict = primary.verify(signature, subject, this.#options.work)
      if (verdict !== 'right') return verdict
      return isRevocation(signature)
        ? withoutStrangers(signature, primary.key)
        : this.#crossSigned(signature, own, subject)
    }
    return { key, signatures: this.#select(signatures, types, examine) }
  }

  #plain(subject: readonly Buffer[]): Examine {
    const digests = new SubjectDigests(subject)
    const primary = this.#primary
    return (signature) => {
      const verdict = primary.verify(signature, digests, this.#options.work)
      return verdict === 'right' ? withoutStrangers(signature, primary.key) : verdict
    }
  }

  /**
   * RFC 9580 §5.2.1.8, §10.1.1: a subkey that signs must have signed the primary key in turn, or anybody could adopt it. With an algorithm that nobody
   * here can verify, that a signature is there must do: whoever uses the subkey will check it.
   */
  #crossSigned(binding: Signature, subkey: Verifier, subject: SubjectDigests): ReturnType<Examine> {
    const { key: primary } = this.#primary
    const flags = readFlags(binding)
    const candidates = embeddedSignatures(binding).filter(
      ({ type }) => type === SignatureType.primaryKeyBinding,
    )
    if (flags !== undefined && !flags.sign) return withoutStrangers(binding, primary)
    const [first] = candidates
    if (first === undefined) return flags?.sign === true ? 'wrong' : withoutStrangers(binding, primary)
    if (!subkey.isUsable()) return withoutStrangers(binding, primary, first)
    for (const embedded of candidates.slice(0, this.#options.limits.selfSignaturesMax)) {
      const verdict = subkey.verify(embedded, subject, this.#options.work)
      if (verdict === 'too-costly') return verdict
      if (verdict === 'right')
        return withoutStrangers(binding, primary, withoutStrangers(embedded, subkey.key))
    }
    return 'forged'
  }

  /** Of the signatures behind a component those that are right, in canonical order, as many as are kept. */
  #select(signatures: readonly Signature[], types: readonly number[], examine: Examine): Signature[] {
    const candidates = signatures.filter((each) => this.#isCandidate(each, types))
    if (candidates.length === 0) return []
    const { revocations, selfSignatures } = partition(candidates)
    const rounds = new Rounds(this.#primary.key.algorithm, this.#options, examine)
    return [...rounds.run(revocations), ...rounds.run(selfSignatures)]
  }

  #isCandidate(signature: Signature, types: readonly number[]): boolean {
    const { dropped, now } = this.#options
    const { key } = this.#primary
    const { created, type } = signature
    if (!mayBeBy(signature, key)) {
      dropped.thirdParty += 1
      return false
    }
    const early = created === undefined || created < key.created
    const late = !isRevocation(signature) && (created ?? 0) > now + CLOCK_SKEW_SECONDS
    if (early || late || !types.includes(type)) {
      dropped.invalid += 1
      return false
    }
    if (!isLocal(signature)) return true
    dropped.surplus += 1
    return false
  }
}

/** Tries the signatures of one component one after the other, until enough are right or too many are forged. */
class Rounds {
  readonly #kept: number
  readonly #options: VerifyOptions
  readonly #examine: Examine
  #failures = 0

  constructor(algorithm: number, options: VerifyOptions, examine: Examine) {
    this.#kept = keptOf(algorithm, options.limits.selfSignaturesMax)
    this.#options = options
    this.#examine = examine
  }

  run(signatures: readonly Signature[]): Signature[] {
    const { dropped, limits } = this.#options
    const right = new Map<string, Signature>()
    for (const [index, signature] of signatures.entries()) {
      const identity = signatureIdentity(signature)
      if (right.has(identity)) continue
      if (right.size === this.#kept) {
        dropped.surplus += signatures.length - index
        break
      }
      const found = this.#failures > limits.failuresMax ? 'too-costly' : this.#examine(signature)
      if (found === 'too-costly') {
        dropped.unchecked += signatures.length - index
        break
      }
      if (found === 'wrong' || found === 'forged') {
        dropped.invalid += 1
        if (found === 'forged') this.#failures += 1
      } else right.set(identity, found)
    }
    return [...right.values()]
  }
}
