/**
 * draft-koch-openpgp-webkey-service §4.2, §4.4: what a mail to a submission address holds. Runs in the worker, on what anybody may have sent: the parts are bounded, a
 * part that is in another mail counts for nothing, and what is encrypted is looked into once.
 */
import { MailHeader, MimeWalker, parseAddressList, transferDecoder } from '@sealpost/mail'
import type { MimePart } from '@sealpost/mail'
import { decryptArmored } from '@sealpost/openpgp/own-key'

export interface MailContent {
  /** The one address in its one From field, as an envelope has it: its domain in A-labels. */
  readonly from: { readonly local: string; readonly domain: string } | undefined
  /** RFC 3834 §5: by a program, which must not be answered. */
  readonly automatic: boolean
  /** Whether `part` was encrypted to us. */
  readonly encrypted: boolean
  /** Undefined: there is neither, or it is for somebody else, damaged, or too large. */
  readonly part: { readonly kind: 'key' | 'document'; readonly content: Uint8Array } | undefined
}

const LIMITS = { partsMax: 20, depthMax: 6 } as const
const HEADER_END = '\r\n\r\n'
/** What comes out of a message that is small itself. */
const PLAIN_BYTES_MAX = 1024 * 1024

type Kind = 'key' | 'document' | 'message'

interface Part {
  readonly kind: Kind
  readonly content: Buffer
}

export async function readMail(message: Buffer, secret: Uint8Array): Promise<MailContent> {
  const { header, body } = split(message)
  const automatic = (header.value('auto-submitted') ?? 'no').toLowerCase() !== 'no'
  const who = { from: soleAuthor(header), automatic }
  const parts = partsOf(header, body)
  const sealed = parts.find(({ kind }) => kind === 'message')
  if (sealed === undefined) return { ...who, encrypted: false, part: wanted(parts) }
  const limits = { plainBytesMax: PLAIN_BYTES_MAX }
  const plain = await decryptArmored(secret, sealed.content.toString('latin1'), limits)
  if (plain === undefined) return { ...who, encrypted: true, part: undefined }
  const inner = split(withCrlf(Buffer.from(plain)))
  return { ...who, encrypted: true, part: wanted(partsOf(inner.header, inner.body)) }
}

function soleAuthor(header: MailHeader): MailContent['from'] {
  const fields = header.values('from')
  const addresses = fields.length === 1 ? parseAddressList(fields[0] ?? '') : undefined
  return addresses?.length === 1 ? addresses[0] : undefined
}

function wanted(parts: readonly Part[]): MailContent['part'] {
  for (const { kind, content } of parts) if (kind !== 'message') return { kind, content }
  return undefined
}

/** A header that is none is taken for an empty one. */
function split(entity: Buffer): { header: MailHeader; body: Buffer } {
  const at = entity.indexOf(HEADER_END)
  const end = at < 0 ? entity.length : at + HEADER_END.length
  const header = MailHeader.parse(entity.subarray(0, end)) ?? MailHeader.empty()
  return { header, body: entity.subarray(end) }
}

function partsOf(header: MailHeader, body: Buffer): Part[] {
  const parts: Part[] = []
  const walker = new MimeWalker(
    header,
    (part) => {
      const kind = kindOf(part)
      const decoder = transferDecoder(part.encoding)
      if (kind === undefined || decoder === undefined) return undefined
      const chunks: Buffer[] = []
      return {
        write: (bytes) => void chunks.push(decoder.write(bytes)),
        end: () => void parts.push({ kind, content: Buffer.concat(chunks) }),
      }
    },
    LIMITS,
  )
  walker.write(body)
  walker.end()
  return walker.fault === undefined ? parts : []
}

/** RFC 3156 §4 and §7; `application/vnd.gnupg.wks` as draft and programs have it. */
function kindOf({ type, parents }: MimePart): Kind | undefined {
  if (parents.includes('message/rfc822')) return undefined
  if (type === 'application/pgp-keys') return 'key'
  if (type === 'application/vnd.gnupg.wks') return 'document'
  return type === 'application/octet-stream' && parents.at(-1) === 'multipart/encrypted'
    ? 'message'
    : undefined
}

/** GnuPG ends the lines of what it encrypts with LF. */
function withCrlf(text: Buffer): Buffer {
  return Buffer.from(text.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1')
}
