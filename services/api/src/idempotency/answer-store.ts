/** Sealed answers by the hash of their Idempotency-Key. Times in milliseconds since the epoch. One contract: answer-store.test.ts. */
export interface StoredAnswer {
  readonly requestHash: Buffer
  readonly runningUntil: number
  /** Undefined: there is none yet. */
  readonly status: number | undefined
  /** Undefined with a status: it was too long. */
  readonly sealed: Buffer | undefined
}

export interface Claim {
  readonly keyHash: Buffer
  readonly requestHash: Buffer
  readonly runningUntil: number
  readonly expiresAt: number
}

export interface AnswerStore {
  /** Undefined: the key is the caller's. Otherwise what is known of it. Of many at once one gets it; one that has expired is free. */
  claim(claim: Claim, now: number): Promise<StoredAnswer | undefined>
  /** The claim has its answer. */
  answer(keyHash: Buffer, status: number, sealed: Buffer | undefined): Promise<void>
  /** Nothing was done: the key is free again. */
  release(keyHash: Buffer): Promise<void>
  eraseExpired(now: number): Promise<void>
}
