/** Sessions of account owners. Retention: until signed out, at rest too long, or the account is erased. One contract: account-session-store.test.ts. */
export interface AccountSessionRow {
  /** Random, for its owner to name it by. */
  readonly id: string
  readonly accountId: string
  readonly signOuts: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly seenAt: number
  /** At rest for so long it is over. */
  readonly restMs: number
  /** Then it is over in any case. */
  readonly endsAt: number
}

export interface AccountSessionStore {
  /** Of the account's sessions the `max` newest stay, this one among them. */
  insert(tokenHash: Buffer, session: AccountSessionRow, max: number): Promise<void>
  find(tokenHash: Buffer): Promise<AccountSessionRow | undefined>
  touch(tokenHash: Buffer, seenAt: number): Promise<void>
  /** It goes on although everything else was signed out. */
  renew(tokenHash: Buffer, signOuts: number): Promise<void>
  end(tokenHash: Buffer): Promise<void>
  /** The newest first. */
  list(accountId: string): Promise<AccountSessionRow[]>
  /** False when the account has no such session. */
  endOne(accountId: string, id: string): Promise<boolean>
  eraseAccount(accountId: string): Promise<void>
  /** Those that are over, by rest or in the end. */
  eraseOver(now: number): Promise<void>
}
