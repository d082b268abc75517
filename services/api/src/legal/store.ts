/** Requests of authorities, what was produced, and the reports about them. Retention: the migration says it. One contract: store.test.ts. Days are in UTC. */
import type { Place } from '../day.ts'

export const LEGAL_KINDS = [
  'subpoena',
  'court-order',
  'warrant',
  'treaty-request',
  'emergency',
  'other',
] as const
export type LegalKind = (typeof LEGAL_KINDS)[number]
export const LEGAL_STATES = ['received', 'refused', 'reviewed', 'approved', 'produced'] as const
export type LegalState = (typeof LEGAL_STATES)[number]
export const LEGAL_WAYS = ['post', 'courier', 'in-person', 'portal', 'email'] as const
export type LegalWay = (typeof LEGAL_WAYS)[number]

/** All that exists here and can be sought. */
export const SOUGHT = ['creation-date', 'purchaser', 'username', 'device-type', 'last-use'] as const
export type Sought = (typeof SOUGHT)[number]

/** Why a request is refused: the first five by itself, the others by who reviews it. */
export const REFUSALS = [
  'service-by-email',
  'no-username',
  'no-official-address',
  'no-letterhead',
  'nothing-sought-that-exists',
  'not-authentic',
  'no-jurisdiction',
  'too-broad',
  'withdrawn',
] as const
export type Refusal = (typeof REFUSALS)[number]

export interface LegalRequest {
  readonly id: string
  readonly state: LegalState
  readonly kind: LegalKind
  readonly authority: string
  readonly officialAddress: string | undefined
  readonly letterhead: boolean
  /** Undefined: it named none, or the account is erased. */
  readonly username: string | undefined
  readonly accountId: string | undefined
  readonly sought: readonly Sought[]
  readonly soughtOtherwise: string | undefined
  /** Named by the request, to be confirmed or denied. */
  readonly deviceType: string | undefined
  readonly legalBasis: string
  readonly receivedHow: LegalWay
  readonly receivedOn: string
  /** The last day on which the user must not be told. */
  readonly gagUntil: string | undefined
  readonly refusedBecause: readonly Refusal[]
  readonly closedOn: string | undefined
  readonly notifiedOn: string | undefined
}

export type LegalChange = Partial<
  Pick<LegalRequest, 'refusedBecause' | 'closedOn'> & { readonly document: string }
>

export interface LegalCount {
  readonly kind: LegalKind
  /** `received`: by the day when it came; the others by the day when it was closed. */
  readonly result: 'received' | 'refused' | 'produced'
  readonly count: number
}

export interface LegalStore {
  add(request: LegalRequest): Promise<void>
  find(id: string): Promise<LegalRequest | undefined>
  /** The newest first, after this place. */
  list(query: {
    readonly after?: Place | undefined
    readonly limit: number
    readonly state?: LegalState | undefined
  }): Promise<LegalRequest[]>
  /** From one of these states; `document` is what was produced. False when it is in another. Of several at once, one succeeds. */
  change(id: string, from: readonly LegalState[], to: LegalState, change?: LegalChange): Promise<boolean>
  document(id: string): Promise<string | undefined>
  notified(id: string, on: string): Promise<void>
  /** Approved or produced, whose user was not told, and may be on that day. */
  toNotify(today: string): Promise<LegalRequest[]>
  /** Of the account, for its owner: those about which it may know on that day. */
  ofAccount(accountId: string, today: string): Promise<LegalRequest[]>
  eraseAccount(accountId: string): Promise<void>
  /** By kind and result, of the days from `from` until before `until`. */
  counts(from: string, until: string): Promise<LegalCount[]>
  /** Keeps the report of a period, unless there is one; the one that is kept. */
  report(period: string, document: string): Promise<string>
  findReport(period: string): Promise<string | undefined>
  /** Deletes requests closed, and documents produced, before these days. */
  forget(closedBefore: string, producedBefore: string): Promise<void>
}
