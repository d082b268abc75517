/** What a subscription is: the term of an organisation, or of one account, and whether its fee is paid, as the billing system says. */
import { OperationalError } from '@sealpost/errors'

export type SubjectKind = 'organisation' | 'account'

/** Whose subscription it is. */
export interface Subject {
  readonly kind: SubjectKind
  readonly id: string
}

/** `due`: to be paid, in time still. */
export type Fee = 'none' | 'due' | 'overdue'

/** Days are in UTC, `YYYY-MM-DD`. */
export interface Terms {
  /** What the billing system calls it. */
  readonly reference: string | undefined
  /** How fees are paid, in a word of the billing system's. */
  readonly billingMethod: string | undefined
  /** 1 to 120. */
  readonly termMonths: number
  readonly startedOn: string
  readonly renewsOn: string
  readonly fee: Fee
  /** When all of it is suspended if the fee stays overdue; undefined unless it is. */
  readonly suspendsOn: string | undefined
}

export interface Subscription extends Terms {
  readonly id: string
  /** Undefined: erased; the refund is still due. */
  readonly subject: Subject | undefined
  /** `refund-due`: terminated within the guarantee, and not refunded yet. */
  readonly state: 'running' | 'refund-due'
  /** When the billing system said it last, in milliseconds since the epoch by its own clock. */
  readonly billedAt: number | undefined
}

/** What the billing system says; `suspendsOn` may be left to us. */
export type WantedTerms = Omit<Terms, 'suspendsOn'> & { readonly suspendsOn?: string | undefined }

/** Days before a renewal or a suspension on which its reminder goes out, and from an overdue fee to the suspension unless told otherwise. */
export const REMINDER_DAYS = 7
/** From the start; whoever leaves within them gets the fee back. */
export const GUARANTEE_DAYS = 7
/** The code of suspensions for non-payment. */
export const PAYMENT = 'payment'
/** Reasons of suspension after which nobody gets a window to migrate. */
export const ABUSE_REASONS: ReadonlySet<string> = new Set(['abuse', 'spam', 'malware', 'fraud'])
/** Longest window, in days. */
export const WINDOW_DAYS_MAX = 90

const messages = {
  SUBSCRIPTION_UNKNOWN: 'There is no such subscription',
  SUBSCRIPTION_TERMS: 'A term ends after it began, and only an overdue fee leads to a suspension',
  NO_WINDOW_AFTER_ABUSE: 'After abuse there is no window to migrate',
} as const
export type LifecycleErrorCode = keyof typeof messages

/** Why a request about a subscription was refused; `code` is stable. */
export class LifecycleError extends OperationalError {
  override readonly name = 'LifecycleError'
  declare readonly code: LifecycleErrorCode

  constructor(code: LifecycleErrorCode) {
    super(code, messages[code])
  }
}
