/** What is refused about phone numbers. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  PHONE_OFF: 'This server confirms no phone numbers',
  PHONE_NUMBER_MALFORMED: 'A number has a plus, its country, and 7 to 15 digits in all',
  PHONE_SENDS: 'Too many codes today; try again tomorrow',
  PHONE_CODE_REFUSED: 'The code is wrong, used, or too old; ask for another one after five tries',
  PHONE_GATEWAY: 'The code could not be sent; try again',
} as const

export type PhoneErrorCode = keyof typeof messages

export class PhoneError extends OperationalError {
  override readonly name = 'PhoneError'
  declare readonly code: PhoneErrorCode

  constructor(code: PhoneErrorCode) {
    super(code, messages[code])
  }
}
