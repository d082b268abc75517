/**
 * What packages/accounts keeps. Retention: an account lives until its erasure is done, its credentials until it is terminated, a retired
 * name (hashed) for ever, a ledger row until the account is gone, an API key until revoked or 30 days past its end, an invite until used
 * or expired. Two implementations, one contract: `store.contract.ts`.
 */
import type { ScramHash, ScramVerifier } from '@sealpost/sasl'
import type { AccountState } from './account.ts'
import type { StateChange } from './organisation.ts'

/** Canonical parts of a bare JID. */
export interface Name {
  readonly domain: string
  readonly localpart: string
}

export interface AccountRow extends Name {
  readonly id: string
  readonly state: AccountState
  readonly reason: string | undefined
  readonly organisationId: string | undefined
  readonly suspendedUntil: string | undefined
  readonly terminatesOn: string | undefined
  /** The organisation with which it was suspended. */
  readonly suspendedWith: string | undefined
  /** The organisation whose administrator suspended it. */
  readonly suspendedWithin: string | undefined
  /** The organisation whose administrator ends it on that day. */
  readonly terminatesWithin: string | undefined
  readonly createdOn: string
  readonly lastUsedOn: string | undefined
  readonly signOuts: number
}

/** A verifier, whose it is, and of which app password; undefined: of the account's own. */
export interface FoundVerifier {
  readonly row: AccountRow
  readonly verifier: ScramVerifier
  readonly appPassword:
    | { readonly id: string; readonly tag: string; readonly scopes: readonly string[] }
    | undefined
}

/** A verifier that another server made, and whose it is. */
export interface ForeignVerifier {
  readonly accountId: string
  readonly verifier: ScramVerifier
}

/** What else ends when a password is changed. */
export interface PasswordChange {
  /** Everything that is signed in. */
  readonly signOut: boolean
  readonly appPasswords: boolean
}

export interface NewAccount extends Name {
  readonly id: string
  readonly organisationId?: string | undefined
  /** One that there is; undefined: the default. */
  readonly plan?: string | undefined
  /** Empty: nobody can sign in until verifiers are set. */
  readonly verifiers: readonly ScramVerifier[]
}

/** `retired`: the name belonged to a terminated account. */
export type InsertResult = 'created' | 'exists' | 'retired'

export interface Suspension {
  readonly reason: string
  /** The day from which it is lifted. */
  readonly until?: string | undefined
}

/** What is undefined filters nothing. */
export interface ListFilters {
  readonly domain?: string | undefined
  readonly state?: AccountState | undefined
  /** Substring of the localpart. */
  readonly search?: string | undefined
  /** Belonging to one of these organisations. */
  readonly organisationIds?: readonly string[] | undefined
  /** DEFAULT_PLAN: none. */
  readonly plan?: string | undefined
  readonly reason?: string | undefined
  /** Days, that day excluded. An account that was never used was used neither before nor after anything. */
  readonly createdAfter?: string | undefined
  readonly createdBefore?: string | undefined
  readonly lastUsedAfter?: string | undefined
  readonly lastUsedBefore?: string | undefined
}

export interface ListQuery extends ListFilters {
  readonly after: Name | undefined
  readonly limit: number
}

export interface AccountStore {
  /** All or nothing; one result per row, in order. A name occurring twice is created once. */
  insert(rows: readonly NewAccount[], today: string): Promise<InsertResult[]>
  /** Which of the names are taken already. */
  taken(names: readonly Name[]): Promise<boolean[]>
  /** Whether the name belonged to an account that is gone. */
  retired(name: Name): Promise<boolean>
  find(name: Name): Promise<AccountRow | undefined>
  findById(id: string): Promise<AccountRow | undefined>
  /** Active ones in the order of their ids, after that one. */
  activeAfter(id: string | undefined, limit: number): Promise<AccountRow[]>
  /** `name`: of an account, or the login of an app password. */
  verifier(name: Name, hash: ScramHash): Promise<FoundVerifier | undefined>
  /** Of the account of that name, suspended or not, while it has none of its own. */
  foreignVerifier(name: Name): Promise<ForeignVerifier | undefined>
  /** False when the account is missing or terminated, or has verifiers of its own. */
  setForeignVerifier(id: string, verifier: ScramVerifier): Promise<boolean>
  /** Verifiers of its own instead; false when there is none to replace. */
  replaceForeignVerifier(id: string, verifiers: readonly ScramVerifier[]): Promise<boolean>
  /** 32 random bytes, the same for every process and for ever: the key of decoys for names nobody has. */
  decoySecret(): Promise<Buffer>
  /** Also in place of a foreign one. False when the account is missing or terminated. */
  replaceVerifiers(id: string, verifiers: readonly ScramVerifier[], change?: PasswordChange): Promise<boolean>
  /** False when the account is missing or terminated. */
  signOut(id: string): Promise<boolean>
  /** Whether the account is active, was not signed out since, and has the app password, if one is given. */
  isGood(id: string, signOuts: number, appPasswordId: string | undefined): Promise<boolean>
  /**
   * Undefined for a suspension: makes it active. Nothing happens, and undefined is answered, when the account is missing or terminated; when it is suspended,
   * but by nobody `within` the organisation given; when it is to be active, but its organisation is suspended; when it is not `onlyWhile` what it may be changed.
   */
  setState(
    name: Name,
    suspension: Suspension | undefined,
    change?: StateChange,
  ): Promise<AccountRow | undefined>
  /**
   * In one transaction: state, credentials, app passwords and invites deleted, name retired, ledger rows written for the owners (that of
   * `account` done at once, since this very transaction erased what it holds). Repeating it changes nothing.
   */
  terminate(name: Name, owners: readonly string[], today: string): Promise<AccountRow | undefined>
  /**
   * Undefined: it stays. Undefined when the account is missing or terminated; when it is to be terminated already, or is to end while it, or an organisation
   * that it is below of, is suspended, but by nobody `within` the organisation given: what those above suspended may be evidence.
   */
  setTermination(name: Name, on: string | undefined, within?: string): Promise<AccountRow | undefined>
  /** Makes active what was suspended until `today` or before, unless its organisation is suspended, at most `limit`; the ids. */
  liftSuspensions(today: string, limit: number): Promise<string[]>
  /** Those whose day of termination has come, unless they are suspended by nobody within the organisation that ends them; at most `limit`. */
  leaving(today: string, limit: number): Promise<AccountRow[]>
  recordUse(ids: readonly string[], day: string): Promise<void>
  /** How many there are of each state. */
  counts(): Promise<Record<AccountState, number>>
  /** Ordered by domain, then localpart. */
  list(query: ListQuery): Promise<AccountRow[]>
  /** Oldest first. */
  erasuresPending(owner: string, limit: number): Promise<string[]>
  /** Marks one owner done; when it was the last one, account and ledger rows are removed in the same transaction. */
  erasureDone(owner: string, accountId: string, today: string): Promise<void>
}

export interface ApiKeyRow {
  readonly id: string
  readonly label: string
  readonly scopes: readonly string[]
  readonly createdOn: string
  readonly expiresOn: string | undefined
  readonly lastUsedOn: string | undefined
  /** Beyond which it reaches nothing; undefined: the whole server. */
  readonly organisationId: string | undefined
  /** Where it works from, in CIDR notation; empty: from everywhere. */
  readonly networks: readonly string[]
  /** The administrator who made it, or made the key that made it; undefined: made on the host. */
  readonly madeBy: string | undefined
}

export type InvitePurpose = 'admin' | 'password'

export interface InviteRow {
  readonly tokenHash: Buffer
  readonly purpose: InvitePurpose
  readonly accountId: string | undefined
  /** What it makes of who uses it; undefined unless the purpose is `admin`. */
  readonly appointment: Appointment | undefined
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What an administrator's invite gives. */
export interface Appointment {
  readonly role: string
  /** Undefined: of the whole server. */
  readonly organisationId: string | undefined
  /** Who has lost their passkeys and enrols anew; undefined: somebody new. */
  readonly administratorId: string | undefined
  /** The administrator who invites; undefined: somebody on the host. */
  readonly invitedBy?: string | undefined
}

export interface AccessStore {
  /** False when `max` keys of the same organisation, or of none, exist. Drops keys that expired before `pruneBefore` (a day). */
  insertKey(key: ApiKeyRow, tokenHash: Buffer, max: number, pruneBefore: string): Promise<boolean>
  keyByToken(tokenHash: Buffer): Promise<ApiKeyRow | undefined>
  /** Oldest first. */
  keys(): Promise<ApiKeyRow[]>
  deleteKey(id: string): Promise<boolean>
  /** Open invites too, which could be exchanged for keys. */
  deleteKeysOf(organisationId: string): Promise<void>
  /** As above. */
  deleteKeysMadeBy(administratorId: string): Promise<void>
  recordKeyUse(id: string, day: string): Promise<void>
  /**
   * Replaces an open invite of the same account, or of the same administrator who enrols anew; drops expired ones; false when `adminMax` invites of new
   * administrators of the same organisation, or of none, are open.
   */
  insertInvite(invite: InviteRow, adminMax: number, now: number): Promise<boolean>
  /** Inserts unless an open invite of role `owner` or an unexpired key with scope `*` exists; of many at once, one wins. */
  insertFirstInvite(invite: InviteRow, now: number, today: string): Promise<boolean>
  invite(tokenHash: Buffer, now: number): Promise<InviteRow | undefined>
  /** Consumes an administrator's invite and stores the key it is exchanged for, in one transaction; undefined when it is gone or for somebody known. */
  redeemForKey(
    tokenHash: Buffer,
    now: number,
    make: (appointment: Appointment) => ApiKeyRow,
    keyTokenHash: Buffer,
  ): Promise<ApiKeyRow | undefined>
  /** Consumes an administrator's invite; undefined when it is gone. */
  takeAdminInvite(tokenHash: Buffer, now: number): Promise<InviteRow | undefined>
  /** Consumes a password invite and replaces the verifiers of its account; the account's id, or undefined when the invite is gone. */
  redeemForVerifiers(
    tokenHash: Buffer,
    now: number,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ): Promise<string | undefined>
}
