/** What an account is, and what can be wrong with a request about one. */
import { OperationalError } from '@sealpost/errors'
import { Jid } from '@sealpost/jid'
import type { AccountRow } from './store.ts'

/** `terminated` is final: the credentials are gone, and the account vanishes when every owner of data has erased its part. */
export type AccountState = 'active' | 'suspended' | 'terminated'

/** A person's account. Dates are days in UTC, `YYYY-MM-DD`: nothing finer is kept. */
export interface Account {
  readonly id: string
  /** Bare. */
  readonly jid: Jid
  readonly state: AccountState
  /** Code given at suspension; undefined unless suspended. */
  readonly reason: string | undefined
  /** The day from which it is active again by itself; undefined: until somebody lifts it. */
  readonly suspendedUntil: string | undefined
  /** The day on which it is terminated by itself; undefined: nobody asked for that. */
  readonly terminatesOn: string | undefined
  /** The organisation that it belongs to; undefined: the server only. */
  readonly organisationId: string | undefined
  readonly createdOn: string
  readonly lastUsedOn: string | undefined
  /** How often everything that was signed in was signed out. */
  readonly signOuts: number
}

/** What somebody signed in with. What was opened with it ends with it, and when everything is signed out. */
export interface Credential {
  /** The name that it goes with: the account's own, or that of an app password. */
  readonly login: Jid
  /** Undefined: the account's own password. */
  readonly appPassword: { readonly id: string; readonly scopes: readonly string[] } | undefined
  /** `signOuts` of the account at that time. */
  readonly signOuts: number
}

/** An account, by one of its credentials. */
export interface SignedIn extends Account {
  readonly credential: Credential
}

/** The form of a suspension reason: an operator's code such as `abuse` or `payment`, never prose about a person. */
export const SUSPENSION_REASON = /^[a-z][a-z0-9_-]{0,31}$/

/**
 * Everybody who holds data of an account and has to answer for its erasure. NOTE: an account is removed when the last of them is done,
 * so a service joins this list together with the first row it keeps of anybody, and runs `runErasure` from then on.
 */
export const DATA_OWNERS = ['account', 'xmpp', 'api', 'keys', 'smtp'] as const
export type DataOwner = (typeof DATA_OWNERS)[number]

/** One page of a listing; `next` is the cursor of the following page, undefined on the last one. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

const messages = {
  ACCOUNT_UNKNOWN: 'There is no such account',
  ACCOUNT_EXISTS: 'The account exists already',
  ACCOUNT_NAME_RETIRED: 'The name belonged to a terminated account and is never given again',
  ACCOUNT_NAME_RESERVED: 'The name is kept for the server itself, or for app passwords',
  ACCOUNT_TERMINATED: 'The account is terminated',
  ACCOUNT_HELD: 'Whoever decided that stands above you, and alone may change it',
  ACCOUNT_NAME_MALFORMED: 'An account is named by a bare address with a user part',
  PASSWORD_UNACCEPTABLE:
    'The password is empty, longer than 1023 bytes, or contains characters that cannot be typed',
  SUSPENSION_END: 'A suspension ends on a later day',
  REASON_MALFORMED: 'A reason is a code of up to 32 lower-case letters, digits, "-" and "_"',
  CURSOR_MALFORMED: 'The cursor is not one of ours',
  API_KEY_LIMIT: 'There are too many API keys; revoke those that are not needed',
  INVITE_LIMIT: 'There are too many open invites',
  ACCOUNT_INVITE_MALFORMED: 'An invite is for 1 to 1,000 accounts, with a fixed name for one',
  APP_PASSWORD_MALFORMED:
    'An app password has a name of up to 64 characters and is for something; the name of the account must leave room',
  APP_PASSWORD_LIMIT: 'There are too many app passwords; revoke those that are not needed',
  PLAN_UNKNOWN: 'There is no such plan',
  PLAN_IN_USE: 'Accounts have the plan; give them another one first',
  PLAN_NAME_MALFORMED:
    'A plan is named by up to 32 lower-case letters, digits, "-" and "_", and not "default"',
  PLAN_MALFORMED: 'A plan has known limits within their bounds, and nothing else',
  PLAN_LIMIT: 'There are too many plans',
  VERIFIERS_INCOMPLETE:
    'Verifiers are needed for SHA-256 and SHA-1, with the server’s iteration count and key sizes',
} as const

/** Why a request about an account was refused; `code` is stable. */
export type AccountErrorCode = keyof typeof messages

export class AccountError extends OperationalError {
  override readonly name = 'AccountError'
  declare readonly code: AccountErrorCode

  constructor(code: AccountErrorCode, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}

/** As it is stored, seen from outside. */
export function toAccount({ domain, localpart, ...row }: AccountRow): Account {
  return {
    id: row.id,
    jid: new Jid(localpart, domain, ''), // Stored in canonical form.
    state: row.state,
    reason: row.reason,
    suspendedUntil: row.suspendedUntil,
    terminatesOn: row.terminatesOn,
    organisationId: row.organisationId,
    createdOn: row.createdOn,
    lastUsedOn: row.lastUsedOn,
    signOuts: row.signOuts,
  }
}
