/** Requests of people about their own data. Retention: the migration says it. One contract: store.test.ts. Days are in UTC, `YYYY-MM-DD`. */
import type { Place } from '../day.ts'

export const PRIVACY_KINDS = ['access', 'correction', 'deletion', 'portability', 'objection'] as const
export type PrivacyKind = (typeof PRIVACY_KINDS)[number]
export const PRIVACY_STATES = ['open', 'answered', 'refused'] as const
export type PrivacyState = (typeof PRIVACY_STATES)[number]
export type PrivacyOrigin = 'account' | 'administrator'

export interface PrivacyRequest {
  readonly id: string
  /** Undefined once the account is erased. */
  readonly accountId: string | undefined
  readonly kind: PrivacyKind
  readonly state: PrivacyState
  readonly origin: PrivacyOrigin
  readonly details: string | undefined
  readonly receivedOn: string
  readonly dueOn: string
  readonly closedOn: string | undefined
  readonly answer: string | undefined
}

export interface PrivacyQuery {
  /** The newest first, after this place. */
  readonly after?: Place | undefined
  readonly limit: number
  readonly state?: PrivacyState | undefined
  readonly kind?: PrivacyKind | undefined
  readonly accountId?: string | undefined
  /** Open, and due before this day. */
  readonly dueBefore?: string | undefined
}

export interface PrivacyClosing {
  readonly state: 'answered' | 'refused'
  readonly answer: string
  readonly closedOn: string
}

export interface PrivacyStore {
  /** False when the account has `openMax` open ones already. */
  add(request: PrivacyRequest, openMax: number): Promise<boolean>
  find(id: string): Promise<PrivacyRequest | undefined>
  list(query: PrivacyQuery): Promise<PrivacyRequest[]>
  /** Of an open one. False when it is none. */
  close(id: string, closing: PrivacyClosing): Promise<boolean>
  /** Takes out of the account's requests what leads to it; those that are open are answered. */
  eraseAccount(accountId: string, today: string): Promise<void>
  /** Deletes those closed before the day. */
  forget(closedBefore: string): Promise<void>
}
