/** Why a key that one of our users submitted by mail is not taken. The texts are for the one who sent it. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  SUBMISSION_UNREADABLE:
    'There was no key in your mail that we could read. Send it as a part of the type\napplication/pgp-keys, encrypted to the key of this address (PGP/MIME).',
  SUBMISSION_UNENCRYPTED:
    'Your mail was not encrypted. Encrypt it to the key of this address, which the\nWeb Key Directory has.',
  SUBMISSION_NO_ADDRESS: 'The key has no valid user id with the address that you write from.',
  SUBMISSION_SEVERAL: 'Your mail holds several keys with your address. Send the one that is meant.',
  SUBMISSION_REMOVED:
    'Its owner had this key removed from the directory. Upload it while you are\nsigned in to your account, and it may come again.',
  SUBMISSION_REVOKED: 'The key is revoked, and is not published for anything new.',
  SUBMISSION_NO_ENCRYPTION:
    'Nothing can be encrypted to the key, so that it cannot be confirmed by mail.\nPublish it on the pages of the key directory, or with your account.',
} as const

export class SubmissionError extends OperationalError {
  override readonly name = 'SubmissionError'
  declare readonly code: keyof typeof messages

  constructor(code: keyof typeof messages) {
    super(code, messages[code])
  }
}
