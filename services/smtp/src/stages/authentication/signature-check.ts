/**
 * RFC 6376 §6, RFC 8617 §5.2: the DKIM and ARC signatures of a mail while it comes in. mailauth judges them; the body goes past our own hash, which takes lines of any
 * length in a single pass.
 */
import { DkimVerifier } from 'mailauth/lib/dkim/dkim-verifier.js'
import type { BodyHasher } from 'mailauth/lib/dkim/dkim-verifier.js'
import type { arc, DKIMResult } from 'mailauth'
import type { HeaderField } from '@sealpost/mail'
import { BodyHash } from '../../signing/body-hash.ts'
import type { MailauthResolver } from './mailauth-resolver.ts'

/** RFC 6376 §8.4: more signatures cost without telling more; the first ones are the newest. */
const SIGNATURES_MAX = 10
/** Of a signature, and of From. */
const FIELD_BYTES_MAX = 8 * 1024
const FIELDS_MAX = 1_000
const LINES_MAX = 2_000
/** RFC 8617 §4.2.1 allows 50 sets; each costs two signatures and two questions. */
const ARC_SETS_MAX = 20
/** RFC 8301 §3.2. */
const RSA_BITS_MIN = 1024

/** Judging this header would cost out of proportion, and no honest sender writes such: a mail that has it is refused, so that nobody evades judgement. */
export function isTooComplex(fields: readonly HeaderField[]): boolean {
  return (
    fields.length > FIELDS_MAX ||
    fields.some(({ name, raw }) => name === 'from' && raw.length > FIELD_BYTES_MAX) ||
    fields.some(({ raw }) => raw.length > LINES_MAX && raw.toString('latin1').split('\n').length > LINES_MAX)
  )
}

export interface CheckedSignatures {
  readonly results: readonly DKIMResult[]
  readonly arc: Parameters<typeof arc>[0]
  /** Addresses of From, as written. */
  readonly headerFrom: readonly string[]
  readonly fromFields: number
}

export class SignatureCheck {
  readonly #verifier: HashingVerifier

  private constructor(verifier: HashingVerifier) {
    this.#verifier = verifier
  }

  static async begin(fields: readonly HeaderField[], resolver: MailauthResolver): Promise<SignatureCheck> {
    const verifier = new HashingVerifier({ resolver, minBitLength: RSA_BITS_MIN, strict: true })
    await verifier.emitHeaders(Buffer.concat([...judged(fields).map(({ raw }) => raw), Buffer.from('\r\n')]))
    return new SignatureCheck(verifier)
  }

  /** The body, in order. */
  write(chunk: Buffer): void {
    for (const hash of this.#verifier.bodyHashes.values()) hash.update(chunk)
  }

  async finish(): Promise<CheckedSignatures> {
    await this.#verifier.finish()
    const { results, arc, headerFrom, fromFields } = this.#verifier
    results.forEach(disownPartOfBody)
    return { results, arc, headerFrom, fromFields }
  }
}

/** What mailauth sees: no more signatures than are worth it, none that is longer than it needs to be. */
function judged(fields: readonly HeaderField[]): HeaderField[] {
  const tooManySets = fields.filter(({ name }) => name === 'arc-seal').length > ARC_SETS_MAX
  let signatures = 0
  return fields.filter(({ name, raw }) => {
    if (name.startsWith('arc-')) return !tooManySets && raw.length <= FIELD_BYTES_MAX
    if (name !== 'dkim-signature') return true
    signatures += 1
    return signatures <= SIGNATURES_MAX && raw.length <= FIELD_BYTES_MAX
  })
}

/** RFC 6376 §8.2: whoever adds to a body behind `l=` must not speak in the name of its signer. */
function disownPartOfBody({ status }: DKIMResult): void {
  if (status.result !== 'pass' || (status.underSized ?? 0) === 0) return
  status.result = 'policy'
  status.comment = 'body is not signed as a whole'
}

class HashingVerifier extends DkimVerifier {
  override addBodyHash(canonicalization: string, algorithm: string, bytesMax: number | ''): string {
    const key = `${canonicalization}:${algorithm}:${String(bytesMax)}`
    if (!this.bodyHashes.has(key))
      this.bodyHashes.set(key, new OwnHasher(canonicalization, algorithm, bytesMax))
    return key
  }
}

/** BodyHash as mailauth asks for it. */
class OwnHasher implements BodyHasher {
  readonly #hash: BodyHash
  readonly #bytesMax: number
  byteLength = 0

  constructor(canonicalization: string, algorithm: string, bytesMax: number | '') {
    this.#bytesMax = bytesMax === '' ? Infinity : bytesMax
    this.#hash = new BodyHash({
      canonicalization: canonicalization === 'relaxed' ? 'relaxed' : 'simple',
      algorithm: algorithm === 'sha1' ? 'sha1' : 'sha256',
      bytesMax: this.#bytesMax,
    })
  }

  get canonicalizedLength(): number {
    return this.#hash.canonicalBytes
  }

  get bodyHashedBytes(): number {
    return Math.min(this.#hash.canonicalBytes, this.#bytesMax)
  }

  update(chunk: Buffer): void {
    this.byteLength += chunk.length
    this.#hash.update(chunk)
  }

  digest(encoding: 'base64'): string {
    return this.#hash.digest().toString(encoding)
  }

  /** Where the first part begins is of use to BIMI only. */
  getMimeStructureStart(): undefined {
    return undefined
  }

  setContentType(): void {
    // For the same.
  }
}
