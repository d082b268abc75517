/** Where FAST tokens are kept (XEP-0484 §6): see migrations/0021_fast.sql for what is kept and for how long. */

/** `next` was given out and not used yet, `current` is in use, `spent` was replaced by one that is: using it again betrays a copy. */
export type TokenSlot = 'next' | 'current' | 'spent'

export interface FastToken {
  readonly slot: TokenSlot
  /** The only mechanism that it is good for (XEP-0484 §3.4). */
  readonly mechanism: string
  /** 32 random bytes; the token is derived from them with a key that is not in the store. */
  readonly seed: Buffer
  /** The first day on which it is not good any more, as `2026-01-31`. */
  readonly expiresOn: string
}

/** Whose tokens: an account's device, by the identity that the device registry gave it. */
export interface TokenOwner {
  readonly accountId: string
  readonly identity: Buffer
}

export interface FastTokenStore {
  /** At most one of each slot. */
  ofDevice(owner: TokenOwner): Promise<FastToken[]>
  /** Gives a device a new token, in place of one that it was given and has not used. False when the device is not known. */
  issue(owner: TokenOwner, token: Omit<FastToken, 'slot'>): Promise<boolean>
  /**
   * The token was used; the one before it is spent. False when it is not good (any more), or when a token that was ever used with a
   * `count` comes without one, or with one that is not higher than before (XEP-0484 §3.4). Of several at once with one count, one gets true.
   */
  use(owner: TokenOwner, seed: Buffer, count: number | undefined): Promise<boolean>
  revokeDevice(owner: TokenOwner): Promise<void>
  revokeAccount(accountId: string): Promise<void>
  /** Deletes tokens that are not good any more on this day. */
  expire(today: string): Promise<void>
}
