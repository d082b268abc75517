/** What a worker does with certificates, and the plain data that goes in and out. Runs in the worker; nothing here knows of threads. */
import {
  applyRevocations,
  CERTIFICATE_LIMITS,
  claimedIssuer,
  mergeCertificates,
  minimalForAddress,
  nothingDropped,
  OpenPgpError,
  readStored,
  readUpload,
  revocationsOnly,
  summarize,
  verifySignedText,
  withAddresses,
  withoutAddress,
  writeCertificate,
} from '@sealpost/openpgp'
import type { CertificateSummary, Dropped, VerifiedCertificate } from '@sealpost/openpgp'
import { keytextOf } from './form.ts'
import type { Form } from './form.ts'

export interface ReadTask {
  readonly kind: 'read'
  /** Armored or binary; or a form with one of these in its field `keytext`. */
  readonly upload: Uint8Array
  readonly form?: Form | undefined
  /** Seconds since 1970. */
  readonly now: number
}

export interface ReadResult {
  readonly certificates: readonly {
    readonly fingerprint: string
    readonly bytes: Uint8Array
    /** Of its valid user ids. */
    readonly addresses: readonly string[]
    /** Of all of them, also those that hold no more. */
    readonly named: readonly string[]
  }[]
  /** Key revocations that came alone, with whose they claim to be. */
  readonly revocations: readonly {
    readonly fingerprint?: string
    readonly keyId?: string
    readonly bytes: Uint8Array
  }[]
  readonly rejected: number
  /** Fingerprints of those rejected that have a key we can read. */
  readonly refused: readonly string[]
  readonly dropped: Dropped
}

export interface MergeTask {
  readonly kind: 'merge'
  readonly kept: Uint8Array | undefined
  /** A verified certificate as `read` gave it; nothing, to make `served` anew. */
  readonly incoming: Uint8Array | undefined
  /** A revocation that came alone. */
  readonly revocation: Uint8Array | undefined
  /** Published ones: `served` has their user ids and no others. */
  readonly addresses: readonly string[]
  /** Published ones that are not shown for now. */
  readonly suspended: readonly string[]
  /** An address whose user ids are to be forgotten at once. */
  readonly erase: string | undefined
  /** Whether user ids without a published address are to be forgotten. */
  readonly forget: boolean
  /** Whether nothing is to be left but the primary key and its revocations. */
  readonly bare: boolean
  readonly now: number
}

/** Several at once, each by itself. */
export interface MergeAllTask {
  readonly kind: 'merge-all'
  readonly tasks: readonly Omit<MergeTask, 'kind'>[]
}

export interface MergeResult {
  readonly kept: Uint8Array
  readonly served: Uint8Array
  /** For each of the addresses, what somebody gets who writes to it: one user id. Undefined where none of them is valid. */
  readonly minimal: readonly (Uint8Array | undefined)[]
  /** Of `served`; but expiry and use of the key as `kept` has them. */
  readonly listing: CertificateSummary
  /** Addresses in valid user ids of `kept` that are not published. */
  readonly unpublished: readonly string[]
  /** Addresses of `kept` without a valid user id: each was revoked, or has expired. */
  readonly revoked: readonly string[]
  /** Whether `kept` holds more identities than those of published addresses, suspended ones included. */
  readonly withholds: boolean
}

/** Reads certificates that come from another directory, each by itself and with a budget of its own, and makes what would be kept of each if it were new. */
export interface ImportTask {
  readonly kind: 'import'
  readonly uploads: readonly Uint8Array[]
  /** Seconds since 1970. */
  readonly now: number
}

export interface ImportedCertificate {
  /** Which of the uploads it was in. */
  readonly index: number
  readonly fingerprint: string
  /** Verified: to be merged with what is kept. */
  readonly bytes: Uint8Array
  readonly fresh: MergeResult
}

export interface ImportResult {
  readonly certificates: readonly ImportedCertificate[]
  /** Of uploads of which nothing was taken: why, as the code of an OpenPgpError, or `rejected` when nothing in it was signed. */
  readonly problems: Readonly<Record<string, number>>
  readonly dropped: Dropped
}

/** Encrypts to a verified certificate. */
export interface EncryptTask {
  readonly kind: 'encrypt'
  readonly certificate: Uint8Array
  readonly plain: Uint8Array
  /** Seconds since 1970. */
  readonly now: number
}

/** Looks for a signature by the primary key of a verified certificate. */
export interface VerifyTask {
  readonly kind: 'verify'
  readonly certificate: Uint8Array
  /** Text in a cleartext signature framework. */
  readonly message: Uint8Array
}

export type Task = ReadTask | MergeTask | MergeAllTask | ImportTask | EncryptTask | VerifyTask

export function readTask({ upload, form, now }: ReadTask): ReadResult {
  const body = Buffer.from(upload.buffer, upload.byteOffset, upload.byteLength)
  const { certificates, revocations, rejected, refused, dropped } = readUpload(
    form === undefined ? body : keytextOf(body, form),
    now,
  )
  return {
    certificates: certificates.map((each) => {
      const summary = summarize(each, now)
      return {
        fingerprint: summary.fingerprint,
        bytes: writeCertificate(each),
        addresses: validAddresses(summary),
        named: allAddresses(summary),
      }
    }),
    revocations: revocations.map((each) => ({ ...claimedIssuer(each), bytes: each.packet.bytes })),
    rejected,
    refused: refused.map((each) => each.toString('hex').toUpperCase()),
    dropped,
  }
}

export function importTask({ uploads, now }: ImportTask): ImportResult {
  const certificates: ImportedCertificate[] = []
  const problems: Record<string, number> = {}
  const dropped: Dropped = nothingDropped()
  const refuse = (code: string, count = 1): void => void (problems[code] = (problems[code] ?? 0) + count)
  for (const [index, upload] of uploads.entries()) {
    try {
      const read = readTask({ kind: 'read', upload, now })
      for (const { fingerprint, bytes } of read.certificates) {
        const fresh = mergeTask({ ...NEW, incoming: bytes, now })
        if (fresh !== undefined) certificates.push({ index, fingerprint, bytes, fresh })
      }
      if (read.rejected > 0) refuse('rejected', read.rejected)
      for (const kind of Object.keys(dropped) as (keyof Dropped)[]) dropped[kind] += read.dropped[kind]
    } catch (error) {
      if (!(error instanceof OpenPgpError)) throw error
      refuse(error.code)
    }
  }
  return { certificates, problems, dropped }
}

/** One of which nothing is kept, and nothing published. */
const NEW: Omit<MergeTask, 'kind' | 'incoming' | 'now'> = {
  kept: undefined,
  revocation: undefined,
  addresses: [],
  suspended: [],
  erase: undefined,
  forget: false,
  bare: false,
}

/** Undefined when nothing is left, or when the revocation is not by this certificate's key. */
export function mergeTask(task: Omit<MergeTask, 'kind'>): MergeResult | undefined {
  const merged = mergeParts(task)
  if (merged === undefined) return undefined
  const { now, addresses, suspended } = task
  const ours = [...addresses, ...suspended]
  const [published, claimed] = [withAddresses(merged, addresses), withAddresses(merged, ours)]
  const left = task.forget ? claimed : merged
  const summary = summarize(left, now)
  const valid = validAddresses(summary)
  return {
    kept: writeCertificate(left),
    served: writeCertificate(published),
    minimal: addresses.map((address) => writeMinimal(published, address, now)),
    // Version 4 tells expiry and use of the key in its user ids, which are not all shown; that it expires is no secret.
    listing: { ...summary, userIds: summarize(published, now).userIds },
    unpublished: valid.filter((each) => !ours.includes(each)),
    revoked: allAddresses(summary).filter((each) => !valid.includes(each)),
    withholds: left.identities.length > claimed.identities.length,
  }
}

function mergeParts(task: Omit<MergeTask, 'kind'>): VerifiedCertificate | undefined {
  const { now } = task
  const kept = task.kept && readStored(Buffer.from(task.kept))
  const incoming = task.incoming && readStored(Buffer.from(task.incoming))
  let merged = incoming ? mergeCertificates(kept, incoming, CERTIFICATE_LIMITS) : kept
  if (merged && task.revocation) {
    const { revocations } = readUpload(Buffer.from(task.revocation), now)
    merged = applyRevocations(merged, revocations, now)
  }
  if (merged && task.erase !== undefined) merged = withoutAddress(merged, task.erase)
  return merged && task.bare ? revocationsOnly(merged) : merged
}

function validAddresses({ userIds }: CertificateSummary): string[] {
  return [...new Set(userIds.flatMap(({ valid, address }) => (valid ? (address ?? []) : [])))]
}

function allAddresses({ userIds }: CertificateSummary): string[] {
  return [...new Set(userIds.flatMap(({ address }) => address ?? []))]
}

/** The armored message; undefined when nothing can be encrypted to the certificate now. Loads what it needs when it is first asked. */
export async function encryptTask({ certificate, plain, now }: EncryptTask): Promise<string | undefined> {
  const { encryptTo } = await import('@sealpost/openpgp/encrypt')
  return encryptTo(certificate, plain, now * 1000)
}

/** The text, when the primary key has signed it. */
export function verifyTask({ certificate, message }: VerifyTask): string | undefined {
  return verifySignedText(readStored(Buffer.from(certificate)), Buffer.from(message))
}

function writeMinimal(
  certificate: VerifiedCertificate,
  address: string,
  now: number,
): Uint8Array | undefined {
  const minimal = minimalForAddress(certificate, address, now)
  return minimal.identities.length === 0 ? undefined : writeCertificate(minimal)
}
