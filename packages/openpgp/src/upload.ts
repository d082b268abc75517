/**
 * What somebody sends to the directory: armored or binary, one certificate or several, or revocations alone. Read within bounds, never decompressed, and
 * refused whole when any secret key material is in it.
 */
import { readArmor } from './armor-blocks.ts'
import type { Certificate, VerifiedCertificate } from './certificate/certificate.ts'
import { nothingDropped } from './certificate/dropped.ts'
import type { Dropped } from './certificate/dropped.ts'
import { groupPackets } from './certificate/group.ts'
import { CERTIFICATE_LIMITS } from './certificate/limits.ts'
import type { CertificateLimits } from './certificate/limits.ts'
import type { Signature } from './certificate/signature.ts'
import { SignatureType } from './certificate/signature.ts'
import { verifyCertificate, verifyRevocations } from './certificate/verify.ts'
import { Work } from './certificate/work.ts'
import { mergeCertificates, orderCertificate, withRevocations } from './certificate/merge.ts'
import { reject } from './openpgp-error.ts'
import { readPackets } from './packet-sequence.ts'

export interface Upload {
  /** Verified, in canonical order, each primary key once. */
  readonly certificates: readonly VerifiedCertificate[]
  /** Key revocations without a key: to be tried with `applyRevocations` on the keys that they claim to be of. */
  readonly revocations: readonly Signature[]
  /** Certificates of which nothing was left. */
  readonly rejected: number
  /** Fingerprints of those among them whose key is one that we read. */
  readonly refused: readonly Buffer[]
  readonly dropped: Dropped
}

const SECRET_MARK = Buffer.from('PGP PRIVATE KEY BLOCK')
const ARMOR_MARK = Buffer.from('-----BEGIN PGP ')
const ARMOR_LABELS: ReadonlySet<string> = new Set(['PUBLIC KEY BLOCK', 'SIGNATURE'])

/** The packets of an upload; throws OpenPgpError. */
function decode(body: Buffer, limits: CertificateLimits): Buffer {
  if (body.length > limits.uploadBytesMax) throw reject.tooLarge()
  // Before anything else, wherever it stands: what follows may be too damaged to be read.
  if (body.includes(SECRET_MARK)) throw reject.secretKey()
  if (body.length === 0) throw reject.noCertificate()
  if ((body[0] ?? 0) >= 0x80 && !body.subarray(0, 3).equals(BYTE_ORDER_MARK)) return body
  if (!body.includes(ARMOR_MARK)) throw reject.noCertificate()
  const blocks = readArmor(body.toString('latin1'))
  if (blocks.some(({ data }) => data.includes(SECRET_MARK))) throw reject.secretKey()
  return Buffer.concat(blocks.filter(({ label }) => ARMOR_LABELS.has(label)).map(({ data }) => data))
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** `now` in seconds since 1970. Throws OpenPgpError when nothing can be made of it. The cost is bounded by `limits` whatever is sent. */
export function readUpload(
  body: Buffer,
  now: number,
  limits: CertificateLimits = CERTIFICATE_LIMITS,
): Upload {
  const dropped = nothingDropped()
  const packets = readPackets(decode(body, limits), limits.packetsMax)
  const grouped = groupPackets(packets, limits, dropped)
  const options = { now, limits, work: new Work(limits.workMax), dropped }
  const certificates: VerifiedCertificate[] = []
  const refused: Buffer[] = []
  for (const each of grouped.certificates) {
    const verified = verifyCertificate(each, options)
    if (verified) certificates.push(orderCertificate(verified, limits))
    else refused.push(each.primary.fingerprint)
  }
  const revocations = grouped.bare.filter(({ type }) => type === SignatureType.keyRevocation)
  const rejected = refused.length + grouped.unreadable
  if (certificates.length + revocations.length + rejected === 0) throw reject.noCertificate()
  return { certificates, revocations, rejected, refused, dropped }
}

/**
 * A certificate as `writeCertificate` wrote it, after it was verified. Its signatures are not verified again: they cost too much, and a limit on that cost
 * must never lose what is kept already.
 */
export function readStored(bytes: Buffer): VerifiedCertificate {
  const packets = readPackets(bytes, CERTIFICATE_LIMITS.packetsMax)
  const { certificates } = groupPackets(packets, CERTIFICATE_LIMITS, nothingDropped())
  const [certificate, ...others] = certificates
  if (certificate === undefined || others.length > 0) throw reject.malformed()
  return asVerified(certificate)
}

function asVerified(certificate: Certificate): VerifiedCertificate {
  return certificate as VerifiedCertificate
}

/** The certificate with those of the revocations that are by its primary key; undefined when none is. */
export function applyRevocations(
  certificate: VerifiedCertificate,
  revocations: readonly Signature[],
  now: number,
  limits: CertificateLimits = CERTIFICATE_LIMITS,
): VerifiedCertificate | undefined {
  const work = new Work(limits.workMax)
  const options = { now, limits, work, dropped: nothingDropped() }
  const verified = verifyRevocations(certificate.primary, revocations, options)
  if (verified.length === 0) return undefined
  return mergeCertificates(certificate, withRevocations(certificate, verified), limits)
}
