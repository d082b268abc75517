/** How a mail is encrypted, told by its structure alone while it comes in. */
import { ArmoredMessageReader } from '@sealpost/openpgp'
import type { MailHeader } from '../mail-header.ts'
import { parseMediaType, type MediaType } from '../media-type.ts'
import { isPgpMime, PgpMimeReader } from './pgp-mime.ts'
import { SecureJoinReader, secureJoinStep } from './secure-join.ts'
import { isSmimeCandidate, SmimeReader } from './smime.ts'
import { transferDecoder, type TransferDecoder } from './transfer-decoder.ts'

/**
 * `pgp-mime`: whole, by RFC 3156; with the names of armor headers. `pgp-inline`: the text is one armored message, header and type tell the rest.
 * `smime`: enveloped (RFC 8551 §3.3). `secure-join`: the first step of a key exchange, which cannot be encrypted and says nothing.
 */
export type Encryption =
  | { readonly kind: 'pgp-mime' | 'pgp-inline'; readonly armorHeaders: readonly string[] }
  | { readonly kind: 'smime' | 'secure-join' }

/** Of one body. */
export interface BodyReader {
  write(chunk: Buffer): void
  /** Undefined: not encrypted. */
  end(): Encryption | undefined
}

/**
 * A reader of the body that belongs to this header; undefined when the header rules out that the mail is encrypted. It holds a few kilobytes whatever comes,
 * and never throws.
 */
export function encryptionReader(header: MailHeader): BodyReader | undefined {
  const types = header.values('content-type')
  const encodings = header.values('content-transfer-encoding')
  if (types.length > 1 || encodings.length > 1) return undefined
  const type = parseMediaType(types[0] ?? 'text/plain')
  if (type === undefined) return undefined
  if (isPgpMime(type)) return new PgpMimeReader(type)
  const decoder = transferDecoder(encodings[0])
  if (decoder === undefined) return undefined
  const step = secureJoinStep(header)
  if (step !== undefined) return SecureJoinReader.create(type, step, decoder)
  if (isSmimeCandidate(type)) return new SmimeReader(decoder)
  return type.essence === 'text/plain' ? new InlineReader(decoder) : undefined
}

/** Whether the header is that of a report from a mail server (RFC 3462 §1): it cannot be encrypted, and says little. The null sender is for the envelope. */
export function isDeliveryReport(header: MailHeader): boolean {
  const type: MediaType | undefined = parseMediaType(header.value('content-type') ?? '')
  const automatic = header.value('auto-submitted') ?? 'no'
  const from = header.values('from')
  return (
    type?.essence === 'multipart/report' &&
    type.parameters.get('report-type')?.toLowerCase() === 'delivery-status' &&
    !/^\s*(?:no\s*(?:;.*)?)?$/i.test(automatic) &&
    from.length === 1 &&
    /(?:^|[\s<])mailer-daemon@[^\s<>@,]+>?$/i.test(from[0] ?? '')
  )
}

/** A text that is one armored message. */
class InlineReader implements BodyReader {
  readonly #decoder: TransferDecoder
  readonly #armored = new ArmoredMessageReader()

  constructor(decoder: TransferDecoder) {
    this.#decoder = decoder
  }

  write(chunk: Buffer): void {
    this.#armored.write(this.#decoder.write(chunk))
  }

  end(): Encryption | undefined {
    const { encrypted, armorHeaders } = this.#armored.end()
    return encrypted ? { kind: 'pgp-inline', armorHeaders } : undefined
  }
}
