/** RFC 9580 §7: text in a cleartext signature framework, and whether the primary key of a certificate has signed it. Also of one that has expired or is revoked. */
import { readArmor } from './armor-blocks.ts'
import { isWeakHash } from './certificate/algorithm.ts'
import type { VerifiedCertificate } from './certificate/certificate.ts'
import { isUnderstood, readSignature } from './certificate/signature.ts'
import type { Signature } from './certificate/signature.ts'
import { SubjectDigests } from './certificate/signed-data.ts'
import { Verifier } from './certificate/verifier.ts'
import { Work } from './certificate/work.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { CertificatePacket, readPackets } from './packet-sequence.ts'

const BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----'
const BEGIN_SIGNATURE = '-----BEGIN PGP SIGNATURE-----'
const BYTES_MAX = 64 * 1024
const LINES_MAX = 1_000
const SIGNATURES_MAX = 8
/** Units as work.ts counts them: about 50 ms. */
const WORK_MAX = 50_000
/** RFC 9580 §5.2.1.2 */
const TEXT_SIGNATURE = 0x01
const HASH_HEADER = /^Hash: [\w, -]{1,200}$/

/** Lines end in LF, the last one in none. Undefined when it is not of this form, or when none of its signatures is by the primary key. */
export function verifySignedText(certificate: VerifiedCertificate, message: Buffer): string | undefined {
  const parts = message.length > BYTES_MAX ? undefined : splitMessage(message.toString('utf8'))
  if (parts === undefined) return undefined
  const subject = new SubjectDigests([Buffer.from(parts.lines.join('\r\n'))])
  const verifier = new Verifier(certificate.primary)
  const work = new Work(WORK_MAX)
  const signed = parts.signatures.some(
    (signature) => isCandidate(signature) && verifier.verify(signature, subject, work) === 'right',
  )
  return signed ? parts.lines.join('\n') : undefined
}

function isCandidate(signature: Signature): boolean {
  return signature.type === TEXT_SIGNATURE && isUnderstood(signature) && !isWeakHash(signature.hashAlgorithm)
}

interface Parts {
  readonly lines: readonly string[]
  readonly signatures: readonly Signature[]
}

function splitMessage(text: string): Parts | undefined {
  const all = text.split(/\r?\n/)
  if (all.length > LINES_MAX) return undefined
  const begin = all.findIndex((line) => line.trimEnd() === BEGIN)
  const end = all.findIndex((line, index) => index > begin && line.trimEnd() === BEGIN_SIGNATURE)
  const head = all.findIndex((line, index) => index > begin && line.trimEnd() === '')
  if (begin < 0 || end < 0 || head < 0 || head >= end) return undefined
  // Anything else that stands here would be shown, and not be signed. RFC 9580 §7.1
  if (!all.slice(begin + 1, head).every((line) => HASH_HEADER.test(line.trimEnd()))) return undefined
  const escaped = all.slice(head + 1, end)
  if (escaped.some((line) => line.startsWith('-') && !line.startsWith('- '))) return undefined
  const lines = escaped.map((line) => withoutBlanksBehind(line.replace(/^- /, ''))) // RFC 9580 §7.2
  const signatures = readSignatures(all.slice(end).join('\n'))
  return signatures && { lines, signatures }
}

/** In linear time, which a regular expression does not do. */
function withoutBlanksBehind(line: string): string {
  let end = line.length
  while (end > 0 && '\t '.includes(line.charAt(end - 1))) end -= 1
  return line.slice(0, end)
}

function readSignatures(text: string): Signature[] | undefined {
  try {
    const [block] = readArmor(text)
    if (block?.label !== 'SIGNATURE') return undefined
    return readPackets(block.data, SIGNATURES_MAX)
      .filter(({ type }) => type === CertificatePacket.signature)
      .map(readSignature)
      .filter((signature) => signature !== undefined)
  } catch (error) {
    if (error instanceof OpenPgpError) return undefined
    throw error
  }
}
