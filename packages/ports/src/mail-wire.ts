/** The mail relay's port over HTTP: its path, the question and the answer as the other side reads them. */
import { fields } from './answer.ts'
import { isMailErrorCode, MailError } from './mail.ts'
import type { OutgoingMail } from './mail.ts'
import { PortError } from './port-error.ts'

/** Takes `{ sender, recipient, message }`, the message in Base64, and answers `{ failed }`: null, or the code of a MailError. */
export const MAIL_PATH = '/internal/mail'
/** Of the message itself. */
export const MAIL_BYTES_MAX = 256 * 1024

export function writeMail({ sender, recipient, message }: OutgoingMail): Readonly<Record<string, string>> {
  return { sender, recipient, message: message.toString('base64') }
}

/** Throws MailError for what the relay says, PORT_FAILED for what nobody understands. */
export function readSent(answer: unknown): void {
  const { failed } = fields(answer)
  if (failed === null) return
  throw isMailErrorCode(failed) ? new MailError(failed) : new PortError('PORT_FAILED')
}
