import { OperationalError } from '@sealpost/errors'

/** RFC 6120 §6.5: what the peer is told. */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

/** An exchange has failed. Nothing in it comes from the peer: the code is the condition, and the message is fixed. */
export class SaslError extends OperationalError {
  override readonly name = 'SaslError'
  readonly condition: SaslCondition

  constructor(condition: SaslCondition, options?: { cause?: unknown }) {
    super(
      `SASL_${condition.toUpperCase().replaceAll('-', '_')}`,
      `SASL exchange failed: ${condition}`,
      options,
    )
    this.condition = condition
  }
}
