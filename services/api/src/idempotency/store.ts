/** Idempotency keys. Retention: a day, or until the account is erased. One contract: store.test.ts. */
export interface IdempotencyStore {
  /** The account id that the key stands for: `proposedId` if the key is new or has expired. Of many at once, one id wins for all. */
  claim(keyHash: Buffer, proposedId: string, expiresAt: number, now: number): Promise<string>
  eraseAccount(accountId: string): Promise<void>
  eraseExpired(now: number): Promise<void>
}
