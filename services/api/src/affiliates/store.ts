/** Affiliates, referrals, statements. Retention: of whom was referred an id, until the account is erased or 180 days after the qualification. */
import type { Affiliate, Statement } from './affiliate.ts'

export interface OpenReferral {
  readonly id: string
  readonly subjectId: string
  readonly activeDays: number
  readonly countedOn: string
}

export interface AffiliateStore {
  /** False when there are `max`. */
  insert(affiliate: Affiliate, max: number): Promise<boolean>
  /** The oldest first. */
  list(): Promise<Affiliate[]>
  close(id: string): Promise<boolean>
  /** False when the subject was referred already. */
  refer(referral: { id: string; affiliateId: string; subjectId: string }, today: string): Promise<boolean>
  /** Not qualified, and not counted on `today` yet: by id, after one. */
  open(today: string, after: string | undefined, limit: number): Promise<OpenReferral[]>
  counted(id: string, activeDays: number, qualified: boolean, today: string): Promise<void>
  /** False when nothing of the subject is qualified, or it is reversed. */
  reverse(subjectId: string, today: string): Promise<boolean>
  /** Reverses what is qualified of the subject; what is not is both from then on, which earns nothing and takes the place of another. */
  chargeBack(subjectId: string, today: string): Promise<void>
  /** Forgets who it was, of those qualified before a day. */
  forget(before: string): Promise<void>
  /** Qualified less reversed in the month that begins on the day. */
  qualified(affiliateId: string, month: string): Promise<number>
  /** The oldest month first. */
  statements(affiliateId: string): Promise<Statement[]>
  /** Nothing happens when the month has one. */
  issue(affiliateId: string, statement: Statement): Promise<void>
  eraseAccount(accountId: string): Promise<void>
}
