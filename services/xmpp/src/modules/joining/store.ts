/** Open links to become a contact. Retention: until used or expired, or the account is erased. One contract: store.test.ts. */
export interface ContactInvite {
  /** SHA-256 of the token. */
  readonly tokenHash: Buffer
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface ContactInviteStore {
  /** Drops those of everybody that expired before `now`. False, and nothing is added: the account has `max` already. */
  insert(invite: ContactInvite, max: number, now: number): Promise<boolean>
  /** Whose it is; undefined: it is not open. */
  find(tokenHash: Buffer, now: number): Promise<string | undefined>
  /** Uses it: of many at once one gets true. */
  take(tokenHash: Buffer, now: number): Promise<boolean>
  /** When those of an account expire, the first first. */
  ofAccount(accountId: string, now: number): Promise<number[]>
  erase(accountId: string): Promise<void>
}
