/** Referrals: who came by a link within ninety days of the click, was active for ninety days, and what that earned. Amounts are whole cents (CAD). */
import { OperationalError } from '@sealpost/errors'

/** From the click to the sign-up. */
export const CLICK_DAYS = 90
/** Of activity, until a referral qualifies. */
export const ACTIVE_DAYS = 90
/** Below it nothing is paid for the first time: $100. */
export const FIRST_PAYMENT_CENTS = 10_000
/** From the end of a month to its statement. */
export const STATEMENT_DAYS = 45
/** After which whoever was referred cannot be reversed, and is forgotten. */
export const REVERSAL_DAYS = 180

export interface Affiliate {
  readonly id: string
  readonly label: string
  readonly code: string
  readonly commissionCents: number
  readonly closed: boolean
  readonly createdOn: string
}

export interface Statement {
  /** First day of the month. */
  readonly month: string
  readonly cents: number
  readonly payableCents: number
  readonly carriedCents: number
  readonly issuedOn: string
}

/** What a statement says, from what was carried over and what the month brought. `paidBefore`: the threshold is behind. */
export function settle(
  carried: number,
  cents: number,
  paidBefore: boolean,
): Pick<Statement, 'payableCents' | 'carriedCents'> {
  const total = carried + cents
  const isPaid = total > 0 && (paidBefore || total >= FIRST_PAYMENT_CENTS)
  return isPaid ? { payableCents: total, carriedCents: 0 } : { payableCents: 0, carriedCents: total }
}

const messages = {
  AFFILIATE_UNKNOWN: 'There is no such affiliate',
  AFFILIATE_LIMIT: 'There are too many affiliates',
  REFERRAL_GONE: 'The link is unknown, or was followed more than ninety days ago',
  REFERRAL_TAKEN: 'They came by another link already',
  REFERRAL_UNKNOWN: 'There is no such referral that could be reversed',
} as const
export type AffiliateErrorCode = keyof typeof messages

/** Why a request about affiliates was refused; `code` is stable. */
export class AffiliateError extends OperationalError {
  override readonly name = 'AffiliateError'
  declare readonly code: AffiliateErrorCode

  constructor(code: AffiliateErrorCode) {
    super(code, messages[code])
  }
}
