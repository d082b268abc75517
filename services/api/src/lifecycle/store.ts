/** Subscriptions. Retention: as long as whose they are, or until a due refund is paid, 90 days at most. One contract: store.test.ts. */
import type { Tell } from '../webhooks/webhooks.ts'
import type { Subject, Subscription, Terms } from './subscription.ts'

export type Reminder = 'renewal' | 'suspension'

export interface SubscriptionQuery {
  /** Id of the last one of the page before. */
  readonly after: string | undefined
  readonly limit: number
  readonly fee: string | undefined
  readonly state: string | undefined
  /** Only of these organisations. */
  readonly organisationIds: readonly string[] | undefined
}

export interface SubscriptionStore {
  find(subject: Subject): Promise<Subscription | undefined>
  /**
   * Makes it under the id, or replaces its terms; a reminder of a day that changed may go out again. `billedAt`: when the billing system said so; undefined is
   * answered, and nothing changed, when it has said something later.
   */
  put(id: string, subject: Subject, terms: Terms, billedAt?: number): Promise<Subscription | undefined>
  /** By id. */
  list(query: SubscriptionQuery): Promise<Subscription[]>
  remove(subject: Subject): Promise<boolean>
  /** Running ones whose day is from `today` to `until`, and of which was not reminded: at most `limit`. */
  remindable(reminder: Reminder, today: string, until: string, limit: number): Promise<Subscription[]>
  reminded(id: string, reminder: Reminder, day: string, tell?: Tell): Promise<void>
  /** Running ones that are to be suspended today or were to be before, after an id. */
  suspendable(today: string, after: string | undefined, limit: number): Promise<Subscription[]>
  /** False when it is none, or refund-due already. */
  refundDue(subject: Subject, today: string, tell?: Tell): Promise<Subscription | undefined>
  /** A refund that is not due any more: the row goes. False when there is none. */
  refunded(id: string): Promise<boolean>
  /** Refunds due since before a day go. */
  eraseRefunds(before: string): Promise<void>
  /** What is of the account goes; of a refund that is due, the account's id. */
  eraseAccount(accountId: string): Promise<void>
  /** The same of an organisation. */
  eraseOrganisation(id: string): Promise<void>
  isDone(eventHash: Buffer): Promise<boolean>
  /** Forgets those done before `forgetBefore`, in milliseconds as `now`. */
  done(eventHash: Buffer, now: number, forgetBefore: number): Promise<void>
}
