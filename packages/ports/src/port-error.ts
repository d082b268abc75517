import { OperationalError } from '@sealpost/errors'

const messages = {
  PORT_UNREACHABLE: 'The other service cannot be reached',
  PORT_REFUSED: 'The other service does not know the secret of this one',
  PORT_FAILED: 'The other service did not answer as agreed',
  PORT_SECRET_UNUSABLE: 'The secret between the services is malformed, or others than its owner may read it',
} as const

export type PortErrorCode = keyof typeof messages

/** The service that was asked is away, or answers what nobody understands: whoever asked may try again later. */
export class PortError extends OperationalError {
  override readonly name = 'PortError'
  declare readonly code: PortErrorCode

  constructor(code: PortErrorCode, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}
