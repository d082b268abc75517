/** What scanners of content have in common: where they are, and what their absence means. */
import { OperationalError } from '@sealpost/errors'
import type { Content } from '../../content.ts'
import { SmtpReply } from '../../smtp-reply.ts'

/** `defer`: no mail is taken that nobody has looked at. `open`: it is. */
export type ScannerFailure = 'defer' | 'open'

/** The scanner is away, too slow, or does not make sense. */
export class ScannerError extends OperationalError {
  override readonly name = 'ScannerError'

  constructor(
    code: 'SCANNER_UNREACHABLE' | 'SCANNER_TIMEOUT' | 'SCANNER_ANSWER',
    options?: { cause?: unknown },
  ) {
    super(code, 'A scanner of content could not be asked', options)
  }
}

export function scannerUnavailable(): SmtpReply {
  return new SmtpReply(451, '4.7.1', 'The mail cannot be scanned now, try again later') // RFC 3463 §3.8
}

/** Header and body, as one stream. */
export async function* wholeMail(content: Content): AsyncGenerator<Buffer> {
  yield content.header
  yield* content.body()
}
