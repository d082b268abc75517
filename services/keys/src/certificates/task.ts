/** What a worker does with certificates, and the plain data that goes in and out. Runs in the worker; nothing here knows of threads. */
import {
  applyRevocations,
  CERTIFICATE_LIMITS,
  claimedIssuer,
  mergeCertificates,
  readStored,
  readUpload,
  revocationsOnly,
  summarize,
  withAddresses,
  writeCertificate,
} from '@sealpost/openpgp'
import type { CertificateSummary, Dropped } from '@sealpost/openpgp'

export interface ReadTask {
  readonly kind: 'read'
  /** Armored or binary; or a form with one of these in its field `keytext`. */
  readonly upload: Uint8Array
  readonly form?: boolean
  /** Seconds since 1970. */
  readonly now: number
}

export interface ReadResult {
  readonly certificates: readonly { readonly fingerprint: string; readonly bytes: Uint8Array }[]
  /** Key revocations that came alone, with whose they claim to be. */
  readonly revocations: readonly {
    readonly fingerprint?: string
    readonly keyId?: string
    readonly bytes: Uint8Array
  }[]
  readonly rejected: number
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
  /** Whether user ids without a published address are to be forgotten. */
  readonly forget: boolean
  /** Whether nothing is to be left but the primary key and its revocations. */
  readonly bare: boolean
  readonly now: number
}

export interface MergeResult {
  readonly kept: Uint8Array
  readonly served: Uint8Array
  /** Of `served`; but expiry and use of the key as `kept` has them. */
  readonly listing: CertificateSummary
  /** Addresses in valid user ids of `kept` that are not published. */
  readonly unpublished: readonly string[]
  /** Whether `kept` holds more identities than `served`. */
  readonly withholds: boolean
}

export type Task = ReadTask | MergeTask

export function readTask({ upload, form, now }: ReadTask): ReadResult {
  const body = Buffer.from(upload.buffer, upload.byteOffset, upload.byteLength)
  const { certificates, revocations, rejected, dropped } = readUpload(
    form === true ? keytext(body) : body,
    now,
  )
  return {
    certificates: certificates.map((each) => ({
      fingerprint: each.primary.fingerprint.toString('hex').toUpperCase(),
      bytes: writeCertificate(each),
    })),
    revocations: revocations.map((each) => ({ ...claimedIssuer(each), bytes: each.packet.bytes })),
    rejected,
    dropped,
  }
}

/** Undefined when nothing is left, or when the revocation is not by this certificate's key. */
export function mergeTask(task: MergeTask): MergeResult | undefined {
  const { now, addresses } = task
  const kept = task.kept && readStored(Buffer.from(task.kept))
  const incoming = task.incoming && readStored(Buffer.from(task.incoming))
  let merged = incoming ? mergeCertificates(kept, incoming, CERTIFICATE_LIMITS) : kept
  if (merged && task.revocation) {
    const { revocations } = readUpload(Buffer.from(task.revocation), now)
    merged = applyRevocations(merged, revocations, now)
  }
  if (merged && task.bare) merged = revocationsOnly(merged)
  if (merged === undefined) return undefined
  const published = withAddresses(merged, addresses)
  if (task.forget) merged = published
  const summary = summarize(merged, now)
  const unpublished = summary.userIds.filter(({ valid }) => valid).map(({ address }) => address)
  return {
    kept: writeCertificate(merged),
    served: writeCertificate(published),
    // Version 4 tells expiry and use of the key in its user ids, which are not all shown; that it expires is no secret.
    listing: { ...summary, userIds: summarize(published, now).userIds },
    unpublished: [...new Set(unpublished)]
      .filter((each) => each !== undefined)
      .filter((each) => !addresses.includes(each)),
    withholds: merged.identities.length > published.identities.length,
  }
}

/** draft-gallagher-openpgp-hkp §4.1: the field `keytext` of a form. Nothing, when there is none. */
function keytext(form: Buffer): Buffer {
  const start = form.subarray(0, FIELD.length).equals(FIELD) ? 0 : form.indexOf(NEXT_FIELD) + 1
  if (start === 0 && !form.subarray(0, FIELD.length).equals(FIELD)) return Buffer.alloc(0)
  const end = form.indexOf('&', start)
  const value = form.toString('latin1', start + FIELD.length, end < 0 ? form.length : end)
  const octet = (hex: string): string => String.fromCharCode(Number.parseInt(hex.slice(1), 16))
  return Buffer.from(value.replaceAll('+', ' ').replaceAll(/%[0-9A-Fa-f]{2}/g, octet), 'latin1')
}

const FIELD = Buffer.from('keytext=')
const NEXT_FIELD = Buffer.from('&keytext=')
