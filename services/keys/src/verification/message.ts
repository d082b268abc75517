/**
 * RFC 5322: the mails of the directory, in plain text. RFC 3834 §5: marked as sent by a program. RFC 3156 §4: encrypted ones as `multipart/encrypted`.
 */
import { domainToASCII } from 'node:url'

/** One mail, before it is put into lines. */
export interface MessageParts {
  /** Addresses as the envelope has them. */
  readonly from: string
  readonly to: string
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly date: number
  /** Random; without angle brackets. */
  readonly messageId: string
  /** RFC 3834 §5: whether it answers a mail. */
  readonly isReply?: boolean
  /** More fields, in ASCII, without line ends. */
  readonly fields?: readonly string[]
}

/** The MIME entity with the text: to be sent as it is, or encrypted. Lines end in LF and become CRLF. */
export function textEntity(text: string): Buffer {
  const encoding = isAscii(text) ? '7bit' : '8bit'
  return lines([
    'Content-Type: text/plain; charset=utf-8',
    `Content-Transfer-Encoding: ${encoding}`,
    '',
    text,
  ])
}

/** RFC 2046 §5.1.4: the same for people and for programs. */
export function twofoldEntity(text: string, document: string, boundary: string): Buffer {
  const type = `Content-Type: multipart/alternative; boundary="${boundary}"`
  const delimiter = Buffer.from(`\r\n--${boundary}\r\n`)
  const json = lines(['Content-Type: application/ld+json', 'Content-Transfer-Encoding: 8bit', '', document])
  return Buffer.concat([
    lines([type, '']),
    delimiter,
    textEntity(text),
    delimiter,
    json,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
}

/** The MIME entity around an armored message. */
export function encryptedEntity(armored: string, boundary: string): Buffer {
  return lines([
    `Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\n boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: application/pgp-encrypted',
    '',
    'Version: 1',
    '',
    `--${boundary}`,
    'Content-Type: application/octet-stream; name="encrypted.asc"',
    '',
    armored.trimEnd(),
    '',
    `--${boundary}--`,
    '',
  ])
}

/** A text and an armored attachment of the Web Key Service, signed together. */
export interface SignedParts {
  /** In ASCII: what is signed must not be encoded anew on its way (RFC 3156 §3). */
  readonly text: string
  readonly armored: string
  /** Of the signature, and of the parts. */
  readonly boundaries: readonly [string, string]
}

/** RFC 3156 §5, draft-koch-openpgp-webkey-service §4.3: what is signed are the lines between the delimiters as they stand, ending in CRLF. */
export async function signedEntity(
  { text, armored, boundaries: [outer, inner] }: SignedParts,
  sign: (data: Buffer) => Promise<string>,
): Promise<Buffer> {
  const signed = lines([
    `Content-Type: multipart/mixed; boundary="${inner}"`,
    '',
    `--${inner}`,
    'Content-Type: text/plain',
    '',
    text,
    `--${inner}`,
    'Content-Type: application/vnd.gnupg.wks',
    '',
    armored.trimEnd(),
    '',
    `--${inner}--`,
    '',
  ])
  const head = [
    'Content-Type: multipart/signed; protocol="application/pgp-signature";',
    ` micalg=pgp-sha512; boundary="${outer}"`,
    '',
    `--${outer}`,
    '',
  ]
  const signature = [
    '',
    `--${outer}`,
    'Content-Type: application/pgp-signature',
    '',
    (await sign(signed)).trimEnd(),
    '',
    `--${outer}--`,
    '',
  ]
  return Buffer.concat([lines(head), signed, lines(signature)])
}

/** A whole message around an entity. */
export function writeMessage(parts: MessageParts, entity: Buffer): Buffer {
  const { from, to, subject, date, messageId, isReply = false, fields = [] } = parts
  const head = lines([
    `Date: ${new Date(date).toUTCString().replace('GMT', '+0000')}`,
    `From: Key directory <${from}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Message-ID: <${messageId}>`,
    `Auto-Submitted: ${isReply ? 'auto-replied' : 'auto-generated'}`,
    ...fields,
    'MIME-Version: 1.0',
    '',
  ])
  return Buffer.concat([head, entity])
}

/** An address as mail servers of any age take it, as far as that can be: the domain in ASCII (RFC 5890 §2.3.2.1). */
export function mailAddress(address: string): string {
  const at = address.lastIndexOf('@')
  const domain = domainToASCII(address.slice(at + 1))
  return domain === '' ? address : `${address.slice(0, at)}@${domain}`
}

const isAscii = (text: string): boolean => !/[^\n\x20-\x7e]/.test(text)

function lines(all: readonly string[]): Buffer {
  return Buffer.from(all.join('\n').replaceAll(/\r?\n/g, '\r\n'))
}
