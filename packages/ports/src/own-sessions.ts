/** What another service may ask of the API about a request that shows the cookie of an account's page: whose it is. */

/** Nothing of it is believed yet. */
export interface ShownOwnSession {
  readonly token: string
  /** Whether the request may change something (RFC 9110 §9.2.1): then the rest has to be right. */
  readonly changes: boolean
  /** Host and port under which the browser has reached us. */
  readonly host: string
  /** The headers Origin and X-CSRF-Token. */
  readonly origin: string | undefined
  readonly csrf: string | undefined
}

/** `over`: they have to sign in again. `foreign`: no page of ours has sent it. */
export type OwnSessionVerdict =
  | { readonly result: 'right'; readonly accountId: string }
  | { readonly result: 'over' | 'foreign' }

/** Rejects with PortError when the API is in another process and away. */
export interface OwnSessions {
  judge(shown: ShownOwnSession): Promise<OwnSessionVerdict>
}
