/** Why something about rights, requests, policies or notices was refused; `code` is stable. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  PRIVACY_REQUEST_UNKNOWN: 'There is no such request',
  PRIVACY_REQUEST_CLOSED: 'The request was answered or refused already',
  PRIVACY_REQUEST_LIMIT: 'There are too many open requests of this account',
  PRIVACY_DETAILS_MISSING: 'Say what is to be corrected, or what you object to',
  PRIVACY_NOT_DELETION: 'Only a request for deletion is confirmed with the password',
  PASSWORD_NOT_CONFIRMED: 'The password is needed again, and must be right',
  DAY_IN_FUTURE: 'The day has not come yet',
  LEGAL_REQUEST_UNKNOWN: 'There is no such request',
  LEGAL_STATE_OTHER: 'The request is in another state',
  LEGAL_GAG_PAST: 'The end of what forbids telling the user is over already',
  LEGAL_PRODUCTION_UNKNOWN: 'Nothing was produced for this request, or it was too long ago',
  LEGAL_USER_NOT_TOLD: 'The user must be told first, and could not be; try again',
  POLICY_UNKNOWN: 'There is no such version of such a policy',
  POLICY_TOO_SOON: 'An amendment is in force thirty days after its publication at the earliest',
  POLICY_IN_PAST: 'A policy is not in force before its publication',
  POLICY_TEXT_EXISTS: 'The version has a text in this language already, which does not change any more',
  POLICY_NOT_IN_FORCE: 'Only the version that is in force, or the one that will be, can be accepted',
  POLICY_NOT_ACCEPTED: 'This policy is not one to be accepted',
  NOTICE_UNKNOWN: 'There is no such notice',
  NOTICE_WITHDRAWN: 'The notice was withdrawn already',
  NOTICE_MALFORMED: 'An audience is named exactly where one is needed, and times only for maintenance',
} as const

export type RightsErrorCode = keyof typeof messages

export class RightsError extends OperationalError {
  override readonly name = 'RightsError'
  declare readonly code: RightsErrorCode

  constructor(code: RightsErrorCode, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}
