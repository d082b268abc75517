/** What the operator tells people. Retention: the migration says it. One contract: store.test.ts. Times are milliseconds since the epoch. */
import type { Place } from '../day.ts'

export const NOTICE_KINDS = ['announcement', 'maintenance', 'amendment', 'personal'] as const
export type NoticeKind = (typeof NOTICE_KINDS)[number]

/** `online`: those who are connected to chat now. */
export type Audience =
  | { readonly to: 'all' | 'online' }
  | { readonly to: 'organisation' | 'account'; readonly id: string }

export interface Notice {
  readonly id: string
  readonly kind: NoticeKind
  readonly audience: Audience
  readonly title: string
  /** Plain text; an empty line ends a paragraph. */
  readonly body: string
  /** Of planned maintenance. */
  readonly startsAt: number | undefined
  readonly endsAt: number | undefined
  readonly createdAt: number
  readonly shownUntil: number
  readonly withdrawnAt: number | undefined
  readonly mail: 'pending' | 'done' | 'off'
  /** The account (by id) after which mails go on, and the one whose mail is under way. */
  readonly mailAfter: string | undefined
  readonly mailClaimed: string | undefined
  readonly mailed: number
  readonly refused: number
  /** The process was killed just then: sent or not, they are not sent again. */
  readonly uncertain: number
  readonly chat: 'pending' | 'done' | 'off'
}

export type MailOutcome = 'mailed' | 'refused' | 'uncertain'

export interface NoticeStore {
  /** Again with the same id changes nothing. */
  add(notice: Notice): Promise<void>
  find(id: string): Promise<Notice | undefined>
  /** The newest first, after this place; without those to one account. */
  list(query: { readonly after?: Place | undefined; readonly limit: number }): Promise<Notice[]>
  /** Shown at that time to the account, which is in these organisations; the newest first. */
  shownTo(accountId: string, organisations: readonly string[], now: number, limit: number): Promise<Notice[]>
  /** Those to one account, shown or not. */
  personal(accountId: string): Promise<Notice[]>
  /** False when it is withdrawn already. */
  withdraw(id: string, now: number): Promise<boolean>
  /** Those with something to send that are not withdrawn, the oldest first. */
  unsent(limit: number): Promise<Notice[]>
  /** From now on it is being said in chat. False when it was before. */
  claimChat(id: string): Promise<boolean>
  /** The mail to this account, the next after `after`, is under way. False when another one's is, or somebody else has gone on. */
  claimMail(id: string, accountId: string, after: string | undefined): Promise<boolean>
  /** The mail to this account, if it is the one under way, has come to something. */
  settleMail(id: string, accountId: string, outcome: MailOutcome): Promise<void>
  /** The mail to this account was not sent, and is to be tried again. */
  releaseMail(id: string, accountId: string): Promise<void>
  /** All mails are sent. */
  endMail(id: string): Promise<void>
  eraseAccount(accountId: string): Promise<void>
  eraseOrganisation(id: string): Promise<void>
  /** Deletes those not shown since then. */
  forget(shownBefore: number): Promise<void>
}
