import { OperationalError } from '@sealpost/errors'

/** A refusal in SMTP's own vocabulary: RFC 5321 §4.2 code, RFC 3463 enhanced code, fixed text. */
export class SmtpReply extends OperationalError {
  override name = 'SmtpReply'
  readonly responseCode: number

  constructor(code: number, enhanced: string, text: string) {
    super(`SMTP_${String(code)}`, `${enhanced} ${text}`)
    this.responseCode = code
  }
}
