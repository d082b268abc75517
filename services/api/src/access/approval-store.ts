/** Where approvals lie. Retention: a day. Two implementations, one contract: approval-store.test.ts. */

export type ApprovalState = 'open' | 'approved' | 'refused' | 'used'

/** Times in milliseconds since the epoch. */
export interface ApprovalRow {
  readonly id: string
  readonly action: string
  readonly target: { readonly kind: string; readonly id: string } | undefined
  /** JSON. */
  readonly details: string
  readonly reason: string | undefined
  readonly requestHash: Buffer
  readonly requester: { readonly kind: 'administrator' | 'key'; readonly id: string }
  /** The administrator behind it; undefined: made on the host. */
  readonly askedBy: string | undefined
  readonly organisationId: string | undefined
  readonly state: ApprovalState
  readonly decidedBy: string | undefined
  readonly askedAt: number
  readonly expiresAt: number
}

export interface ApprovalQuery {
  /** The last id of the page before. */
  readonly before: string | undefined
  readonly limit: number
  readonly state: ApprovalState | undefined
  /** Undefined: all, those of the server too. */
  readonly organisationIds: readonly string[] | undefined
  readonly now: number
}

export interface ApprovalStore {
  /** The same requester's open or approved one for the same request, else this one; undefined when the requester has `max` open. Drops what has expired. */
  ask(row: ApprovalRow, max: number): Promise<ApprovalRow | undefined>
  find(id: string, now: number): Promise<ApprovalRow | undefined>
  /** The newest first. */
  list(query: ApprovalQuery): Promise<ApprovalRow[]>
  /** Undefined unless it is open. Of many at once one decides. */
  decide(
    id: string,
    state: 'approved' | 'refused',
    by: string | undefined,
    now: number,
  ): Promise<ApprovalRow | undefined>
  /** Of many at once one uses it; false unless it was approved for this requester and request. */
  use(id: string, requesterId: string, requestHash: Buffer, now: number): Promise<boolean>
}
