/** RFC 6376 §3.5: one DKIM-Signature field over a header and the hash of its body, relaxed/relaxed, by RSA or Ed25519 (RFC 8463). */
import { createHash, sign, type KeyObject } from 'node:crypto'
import type { HeaderField } from '@sealpost/mail'

export interface SigningKey {
  readonly algorithm: 'rsa' | 'ed25519'
  readonly selector: string
  readonly privateKey: KeyObject
}

/** RFC 6376 §5.4.1: signed in every instance, and once more than there are, so that nobody adds one in front (§8.15). */
const OVERSIGNED = [
  'from',
  'reply-to',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]
/** Signed where they are. */
const SIGNED = [
  'sender',
  'in-reply-to',
  'references',
  'content-disposition',
  'content-id',
  'content-description',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-message-id',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
  'tls-report-domain',
  'tls-report-submitter',
  'autocrypt',
  'openpgp',
  'auto-submitted',
]
/** RFC 5322 §2.1.1: what a line of the signature has room for, behind its tab. */
const LINE_LENGTH = 72

export interface SignatureInput {
  readonly fields: readonly HeaderField[]
  /** SHA-256, relaxed. */
  readonly bodyHash: Buffer
  readonly domain: string
  readonly key: SigningKey
  /** Seconds since the epoch. */
  readonly signedAt: number
}

/** The field, with its closing CRLF. */
export async function dkimSignature(input: SignatureInput): Promise<string> {
  const { fields, bodyHash, domain, key, signedAt } = input
  const { names, text } = signedFields(fields)
  const tags = [
    `v=1; a=${key.algorithm}-sha256; c=relaxed/relaxed;`,
    `d=${domain}; s=${key.selector};`,
    `t=${String(signedAt)}; bh=${bodyHash.toString('base64')};`,
    ...foldList(names),
    'b=',
  ]
  const unsigned = `DKIM-Signature: ${tags.join('\r\n\t')}`
  const signature = await signData(Buffer.from(text + relaxField(unsigned), 'latin1'), key)
  const folded = signature.toString('base64').match(new RegExp(`.{1,${String(LINE_LENGTH)}}`, 'g')) ?? []
  return `${unsigned}${folded.join('\r\n\t')}\r\n`
}

/** In the pool of threads: an RSA signature takes a millisecond. RFC 8463 §3: Ed25519 signs the hash. */
function signData(data: Buffer, { algorithm, privateKey }: SigningKey): Promise<Buffer> {
  const [hash, bytes] =
    algorithm === 'rsa' ? ['sha256', data] : [undefined, createHash('sha256').update(data).digest()]
  return new Promise((resolve, reject) => {
    sign(hash, bytes, privateKey, (error, signature) => (error ? reject(error) : resolve(signature)))
  })
}

/** RFC 6376 §5.4.2: fields of one name from the last to the first. */
function signedFields(fields: readonly HeaderField[]): { names: string[]; text: string } {
  const names: string[] = []
  let text = ''
  for (const name of [...OVERSIGNED, ...SIGNED]) {
    const present = fields.filter((field) => field.name === name)
    for (const { raw } of present.toReversed()) {
      names.push(name)
      text += `${relaxField(raw.toString('latin1'))}\r\n`
    }
    if (OVERSIGNED.includes(name)) names.push(name)
  }
  return { names, text }
}

/** §3.4.2, without the line end. */
function relaxField(field: string): string {
  const colon = field.indexOf(':')
  const value = field
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replaceAll(/[ \t]+/g, ' ')
  return `${field.slice(0, colon).trimEnd().toLowerCase()}:${trimBlanks(value)}`
}

/** String.trim() would take more than blanks. */
function trimBlanks(text: string): string {
  return text.replace(/^ /, '').replace(/ $/, '')
}

/** `h=a:b:c;` over lines. */
function foldList(names: readonly string[]): string[] {
  const lines: string[] = []
  let line = 'h='
  names.forEach((name, index) => {
    const part = name + (index === names.length - 1 ? ';' : ':')
    if (line.length + part.length > LINE_LENGTH) {
      lines.push(line)
      line = ''
    }
    line += part
  })
  return [...lines, line]
}
