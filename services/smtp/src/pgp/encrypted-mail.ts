/**
 * RFC 3156 §4: a mail encrypted as a whole to one recipient while it is read. Inside stands the mail as it was, with its header; outside what is needed to sort
 * and to answer it, and a subject that says nothing.
 */
import { MailHeader, parseMediaType, type HeaderField } from '@sealpost/mail'
import { encryptArmored, encryptedBytes, type SessionKey } from '@sealpost/openpgp'
import type { Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'

/** Says that this server has encrypted the mail, and to which certificate: what is inside was readable on its way to here. */
export const ENCRYPTED_HERE = 'Sealpost-Encrypted'

const SALT_BYTES = 32
const HIDDEN_SUBJECT = '...'

/** Stays outside, and only there: where the mail came from and what was found out about it. */
const TRACE =
  /^(?:received|received-spf|return-path|delivered-to|x-original-to|authentication-results|x-spam.*|x-rspamd.*|sealpost-.*)$/
/** Stays outside, and is inside, too: to sort the mail, to answer it, to find its thread (RFC 9788 §2.5.1), and Autocrypt. */
const ROUTING =
  /^(?:date|from|sender|reply-to|to|cc|message-id|in-reply-to|references|auto-submitted|precedence|list-.*|autocrypt|resent-.*)$/
/** Structure of the whole, made anew. */
const STRUCTURE = /^(?:content-.*|mime-version)$/

export interface EncryptedMailOptions {
  readonly session: SessionKey
  readonly random: Random
}

/** Nothing is read before the result is. It is the same each time it is read, as long as `content` is. Throws RangeError when the body has another length. */
export function encryptMail(content: Content, { session, random }: EncryptedMailOptions): Content {
  const header = MailHeader.parse(content.header) ?? MailHeader.empty()
  const inner = innerHeader(header)
  const boundary = random.token(18)
  const salt = random.bytes(SALT_BYTES)
  const options = { session, salt, plainBytes: inner.length + content.bodyBytes }
  const before = Buffer.from(partsBefore(boundary))
  const behind = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    header: outerHeader(header, boundary, session.fingerprint),
    bodyBytes: before.length + encryptedBytes(options) + behind.length,
    async *body() {
      yield before
      yield* encryptArmored(options, plainOf(inner, content))
      yield behind
    },
  }
}

async function* plainOf(inner: Buffer, content: Content): AsyncIterable<Buffer> {
  yield inner
  yield* content.body()
}

function partsBefore(boundary: string): string {
  return [
    `--${boundary}`,
    'Content-Type: application/pgp-encrypted',
    '',
    'Version: 1',
    '',
    `--${boundary}`,
    'Content-Type: application/octet-stream; name="attachment.pgp"',
    'Content-Disposition: attachment; filename="attachment.pgp"',
    '',
    '',
  ].join('\r\n')
}

/** The header as it was, without what the mail met on its way. Mail programs show its subject when its type says so (draft-autocrypt-lamps-protected-headers). */
function innerHeader(header: MailHeader): Buffer {
  const inner = copyOf(header, ({ name }) => !TRACE.test(name))
  const types = inner.values('content-type')
  const type = types.length === 1 ? parseMediaType(types[0] ?? '') : undefined
  if (types.length === 0) inner.append('Content-Type', 'text/plain; charset=us-ascii; protected-headers="v1"')
  else if (type !== undefined && !type.parameters.has('protected-headers')) {
    const value = (types[0] ?? '').replace(/[\s;]+$/, '')
    inner.replace('Content-Type', `${value};\r\n\tprotected-headers="v1"`)
  }
  return inner.toBuffer()
}

function outerHeader(header: MailHeader, boundary: string, fingerprint: string): Buffer {
  const outer = copyOf(
    header,
    ({ name }) => !STRUCTURE.test(name) && (TRACE.test(name) || ROUTING.test(name)),
  )
  outer.remove(ENCRYPTED_HERE)
  outer.append('Subject', HIDDEN_SUBJECT)
  outer.append(ENCRYPTED_HERE, `at-relay; fpr=${fingerprint}`)
  outer.append('MIME-Version', '1.0')
  outer.append(
    'Content-Type',
    `multipart/encrypted; protocol="application/pgp-encrypted";\r\n\tboundary="${boundary}"`,
  )
  return outer.toBuffer()
}

function copyOf(header: MailHeader, keep: (field: HeaderField) => boolean): MailHeader {
  const copy = MailHeader.parse(header.toBuffer()) ?? MailHeader.empty()
  copy.remove((field) => !keep(field))
  return copy
}
