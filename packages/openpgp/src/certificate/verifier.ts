/** RFC 9580 §5.2.4, RFC 9980 §5.2, §6: whether a signature is by a key, by means of node:crypto alone; and whether it is one that we believe. */
import { constants, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { hashName, isWeakHash, PublicKeyAlgorithm, saltBytes } from './algorithm.ts'
import { padLeft } from './fields.ts'
import { keyCurve } from './key.ts'
import type { Key } from './key.ts'
import { publicKeysOf } from './public-key.ts'
import { SignatureType } from './signature.ts'
import type { Signature } from './signature.ts'
import { splitMaterial } from './signature-material.ts'
import { signedBytes, subjectBytes } from './signed-data.ts'
import type { SubjectDigests } from './signed-data.ts'
import { hashCost, verifyCost } from './work.ts'
import type { Work } from './work.ts'

/**
 * SHA-1 and RIPEMD-160 are believed in signatures that say they are older than this, the day from which GnuPG ignores them in certifications, a year
 * before the first chosen-prefix collision was shown (decision 0008).
 */
export const WEAK_HASH_CUTOFF = Date.UTC(2019, 0, 19) / 1000

const REVOCATIONS: ReadonlySet<number> = new Set([
  SignatureType.keyRevocation,
  SignatureType.subkeyRevocation,
  SignatureType.certificationRevocation,
])

export function isRevocation({ type }: Signature): boolean {
  return REVOCATIONS.has(type)
}

/** Digests that are shorter are not signed by EdDSA and what RFC 9980 adds. RFC 9580 §5.2.3.3.3 to §5.2.3.3.5 */
const DIGEST_BYTES_MIN = 32
const ED448_DIGEST_BYTES_MIN = 64

/** `wrong` was cheap to find out, `forged` was not. */
export type Verdict = 'right' | 'wrong' | 'forged' | 'too-costly'

/** Verifies with one key. Makes what node:crypto needs of it when it is first used. */
export class Verifier {
  readonly key: Key
  readonly #cost: number
  #keys: readonly KeyObject[] | 'unusable' | undefined

  constructor(key: Key) {
    this.key = key
    this.#cost = verifyCost(key)
  }

  /** Whether this Node can verify with such a key. */
  isUsable(): boolean {
    this.#keys ??= publicKeysOf(this.key) ?? 'unusable'
    return this.#keys !== 'unusable'
  }

  /** Whether `signature` over the subject is by this key, and one that we believe. */
  verify(signature: Signature, subject: SubjectDigests, work: Work): Verdict {
    if (!this.#isAcceptable(signature)) return 'wrong'
    const bytes = signature.version === 6 ? subjectBytes(subject.subject) : 0
    if (!work.take(hashCost(signature.hashAlgorithm, bytes + signature.hashedBytes.length)))
      return 'too-costly'
    const digest = subject.digest(signature)
    if (digest.readUInt16BE(0) !== signature.digestPrefix) return 'wrong'
    const material = splitMaterial(signature)
    if (material === undefined || !this.isUsable()) return 'wrong'
    if (!work.take(this.#cost)) return 'too-costly'
    return this.#check(signature, material, digest, subject) ? 'right' : 'forged'
  }

  #isAcceptable({ version, keyAlgorithm, hashAlgorithm, salt, created, type }: Signature): boolean {
    const { key } = this
    if ((version === 6) !== (key.version === 6) || !sameAlgorithm(keyAlgorithm, key.algorithm)) return false
    if (hashName(hashAlgorithm) === undefined) return false
    if (version === 6) return !isWeakHash(hashAlgorithm) && salt.length === saltBytes(hashAlgorithm)
    return !isWeakHash(hashAlgorithm) || REVOCATIONS.has(type) || (created ?? Infinity) < WEAK_HASH_CUTOFF
  }

  #check(
    signature: Signature,
    material: readonly Buffer[],
    digest: Buffer,
    subject: SubjectDigests,
  ): boolean {
    const keys = Array.isArray(this.#keys) ? (this.#keys as readonly KeyObject[]) : []
    const [first] = keys
    if (first === undefined) return false
    try {
      const { algorithm } = this.key
      if (algorithm === PublicKeyAlgorithm.rsa || algorithm === PublicKeyAlgorithm.rsaSignOnly)
        return this.#checkRsa(first, signature, material, subject)
      if (algorithm === PublicKeyAlgorithm.dsa || algorithm === PublicKeyAlgorithm.ecdsa)
        return this.#checkDsa(first, signature, material, subject)
      const bytesMin = algorithm === PublicKeyAlgorithm.ed448 ? ED448_DIGEST_BYTES_MIN : DIGEST_BYTES_MIN
      if (digest.length < bytesMin) return false
      if (algorithm === PublicKeyAlgorithm.eddsaLegacy) return this.#checkEddsaLegacy(first, material, digest)
      return keys.every((key, index) => verify(null, digest, key, material[index] ?? Buffer.alloc(0)))
    } catch {
      return false // node:crypto refuses numbers that no signature can have.
    }
  }

  #checkRsa(
    key: KeyObject,
    signature: Signature,
    [number]: readonly Buffer[],
    subject: SubjectDigests,
  ): boolean {
    const bytes = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
    const padded = number && padLeft(number, bytes)
    if (!padded) return false
    const padding = constants.RSA_PKCS1_PADDING
    return verify(
      hashName(signature.hashAlgorithm),
      signedBytes(subject.subject, signature),
      { key, padding },
      padded,
    )
  }

  #checkDsa(
    key: KeyObject,
    signature: Signature,
    [r, s]: readonly Buffer[],
    subject: SubjectDigests,
  ): boolean {
    const bits = keyCurve(this.key)?.bits ?? key.asymmetricKeyDetails?.divisorLength ?? 0
    const bytes = Math.ceil(bits / 8)
    const [first, second] = [r && padLeft(r, bytes), s && padLeft(s, bytes)]
    if (!first || !second) return false
    const data = signedBytes(subject.subject, signature)
    const encoded = Buffer.concat([first, second])
    return verify(hashName(signature.hashAlgorithm), data, { key, dsaEncoding: 'ieee-p1363' }, encoded)
  }

  /** RFC 9580 §5.2.3.3.3: both halves as numbers. */
  #checkEddsaLegacy(key: KeyObject, [r, s]: readonly Buffer[], digest: Buffer): boolean {
    const bytes = keyCurve(this.key)?.name === 'ed448' ? 57 : 32
    const [first, second] = [r && padLeft(r, bytes), s && padLeft(s, bytes)]
    return first && second ? verify(null, digest, key, Buffer.concat([first, second])) : false
  }
}

function sameAlgorithm(ofSignature: number, ofKey: number): boolean {
  if (ofSignature === ofKey) return true
  const rsa: readonly number[] = [PublicKeyAlgorithm.rsa, PublicKeyAlgorithm.rsaSignOnly]
  return rsa.includes(ofSignature) && rsa.includes(ofKey)
}
