/** What is kept of phone numbers: hashes only. Retention: the migration says it. */

export interface PhoneState {
  /** A day in UTC; undefined: none was confirmed. */
  readonly confirmedOn: string | undefined
  /** Until when a code is waited for, in milliseconds since the epoch; undefined: none is. */
  readonly pendingUntil: number | undefined
}

export interface PendingPhone {
  readonly numberHash: Buffer
  readonly codeHash: Buffer
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface PhoneStore {
  find(accountId: string, now: number): Promise<PhoneState>
  /** Counts one code of the day for each subject. Throws PHONE_SENDS, and counts it for none, when one of them has had `max`. */
  countSend(subjects: readonly Buffer[], day: string, max: number): Promise<void>
  /** In place of a code that was waited for; what was confirmed stays until another number is. */
  await(accountId: string, pending: PendingPhone): Promise<void>
  /** Counts a try; the hash of the code that is waited for, undefined when there is none, or `max` were tried. */
  try(accountId: string, now: number, max: number): Promise<Buffer | undefined>
  /** Confirms the number that this code was sent to. Of several at once, one gets true. */
  confirm(accountId: string, codeHash: Buffer, day: string): Promise<boolean>
  eraseAccount(accountId: string): Promise<void>
  /** Counts of days before this one. */
  forget(before: string): Promise<void>
}
