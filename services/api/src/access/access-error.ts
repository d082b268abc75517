/** What can be wrong with a request about administrators; routes/problems.ts says it in HTTP. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  ADMINISTRATORS_FULL: 'There are four administrators already; remove one first',
  ADMINISTRATOR_UNKNOWN: 'There is no such administrator',
  NAME_TAKEN: 'Another administrator has that name',
  NAME_MALFORMED: 'A name has 1 to 64 characters, none of them invisible',
  LAST_OWNER: 'The last owner of the server stays',
  LAST_PROOF: 'A passkey or one-time passwords have to remain',
  INVITE_GONE: 'The invite is unknown, expired, or has been used',
  PROOF_REFUSED: 'The passkey or code is not the right one',
  CREDENTIAL_REFUSED: 'The passkey was not made as asked for',
  PASSKEY_UNKNOWN: 'There is no such passkey',
  PASSKEY_LIMIT: 'There are ten passkeys already',
  SESSION_UNKNOWN: 'There is no such session',
  APPROVAL_LIMIT: 'There are too many open requests for approval',
  APPROVAL_UNKNOWN: 'There is no such approval, or not any more',
  APPROVAL_OPEN: 'Nobody has approved it yet',
  APPROVAL_REFUSED: 'It was refused',
  APPROVAL_DECIDED: 'It has been decided already',
  APPROVAL_OWN: 'Somebody else has to approve it',
  TOO_MANY_ATTEMPTS: 'Too many wrong codes; try again later',
  BUSY: 'Too many sign-ins at a time; try again',
} as const

export type AccessErrorCode = keyof typeof messages

export class AccessError extends OperationalError {
  override readonly name = 'AccessError'
  declare readonly code: AccessErrorCode

  constructor(code: AccessErrorCode, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}
