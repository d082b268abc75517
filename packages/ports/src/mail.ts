/** What other services may ask of the mail relay. */
import { OperationalError } from '@sealpost/errors'

/** A finished mail for one recipient. */
export interface OutgoingMail {
  /** Envelope (RFC 5321 §4.1.1): addresses without angle brackets. */
  readonly sender: string
  readonly recipient: string
  /** RFC 5322, lines end in CRLF; 256 KiB at most. */
  readonly message: Buffer
}

const messages = {
  MAIL_NO_WAY_OUT: 'No server is configured that takes outgoing mail',
  MAIL_DEFERRED: 'The mail could not be handed on now; try again later',
  MAIL_REFUSED: 'The next server does not take this mail',
} as const

export type MailErrorCode = keyof typeof messages

/** The mail is not on its way, and nobody will try again. */
export class MailError extends OperationalError {
  override readonly name = 'MailError'
  declare readonly code: MailErrorCode

  constructor(code: MailErrorCode, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}

export function isMailErrorCode(text: unknown): text is MailErrorCode {
  return typeof text === 'string' && Object.hasOwn(messages, text)
}

export interface Mail {
  /** Resolves when the next server has taken the mail. Rejects with MailError, or with PortError when the relay is in another process and away. */
  send(mail: OutgoingMail): Promise<void>
}
