/** What the abuse desk refuses. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  REPORT_UNKNOWN: 'There is no such report',
  REPORT_CLOSED: 'The report is closed',
  REPORTS_FULL: 'There is no room for another report now; write to abuse@ by mail',
  REPORT_NAMES_NOBODY: 'The report is about no account of this server; say whom you mean',
  SENDER_MALFORMED: 'A sender is a domain of others, such as example.com',
} as const

export type AbuseErrorCode = keyof typeof messages

export class AbuseError extends OperationalError {
  override readonly name = 'AbuseError'
  declare readonly code: AbuseErrorCode

  constructor(code: AbuseErrorCode) {
    super(code, messages[code])
  }
}
