/**
 * What is kept of administrators. Retention: all of a person until they are removed; sessions for hours, challenges for minutes. Two implementations, one
 * contract: store.test.ts. Refusals are AccessErrors.
 */
import type { Role } from './roles.ts'

export interface AdministratorRow {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Undefined: of the whole server. */
  readonly organisationId: string | undefined
  /** Days, as everywhere. */
  readonly createdOn: string
  readonly lastUsedOn: string | undefined
}

/** How strong somebody's proofs are, for colleagues. */
export interface ListedAdministrator extends AdministratorRow {
  readonly passkeys: number
  readonly totp: boolean
}

export interface PasskeyRow {
  readonly id: string
  readonly credentialId: Buffer
  /** COSE. */
  readonly publicKey: Buffer
  readonly counter: number
  readonly transports: readonly string[]
  readonly name: string
  readonly createdOn: string
  readonly lastUsedOn: string | undefined
}

/** `sealedSecret` is sealed for the administrator; `usedStep`: of the newest code taken. */
export interface TotpRow {
  readonly sealedSecret: Buffer
  readonly usedStep: number
  readonly createdOn: string
}

/** What somebody who enrols begins with: a passkey or one-time passwords, and recovery codes. */
export interface Enrolled {
  readonly passkey: PasskeyRow | undefined
  readonly totp: TotpRow | undefined
  readonly codeHashes: readonly Buffer[]
}

export type SessionMethod = 'passkey' | 'totp' | 'recovery' | 'enrolment'

/** Times in milliseconds since the epoch. */
export interface SessionRow {
  readonly id: string
  readonly administratorId: string
  readonly method: SessionMethod
  readonly startedAt: number
  readonly seenAt: number
  readonly provedAt: number
}

export type ChallengePurpose = 'enrol' | 'add' | 'sign-in' | 'proof'

export interface ChallengeRow {
  readonly challengeHash: Buffer
  readonly purpose: ChallengePurpose
  /** Undefined: whoever signs in. */
  readonly administratorId: string | undefined
  readonly expiresAt: number
}

export interface SecurityRow {
  readonly passkeys: readonly PasskeyRow[]
  readonly totp: TotpRow | undefined
  readonly codesLeft: number
}

export interface AccessStore {
  /** ADMINISTRATORS_FULL, NAME_TAKEN. */
  insert(administrator: AdministratorRow, enrolled: Enrolled): Promise<void>
  /** Replaces all proofs of somebody and ends their sessions. ADMINISTRATOR_UNKNOWN, NAME_TAKEN. */
  enrolAnew(id: string, name: string, enrolled: Enrolled): Promise<void>
  find(id: string): Promise<AdministratorRow | undefined>
  /** Oldest id first; of these organisations, or of all and the server. */
  list(query: {
    readonly after: string | undefined
    readonly limit: number
    readonly organisationIds: readonly string[] | undefined
  }): Promise<ListedAdministrator[]>
  /** How many may approve what colleagues of the same organisation, or of the server, ask for. */
  countApprovers(organisationId: string | undefined): Promise<number>
  /** False before the first. */
  anybody(): Promise<boolean>
  /** NAME_TAKEN. */
  rename(id: string, name: string): Promise<void>
  /** Ends their sessions. ADMINISTRATOR_UNKNOWN, ADMINISTRATORS_FULL, LAST_OWNER. */
  setRole(id: string, role: Role, organisationId: string | undefined): Promise<void>
  /** With all they have. ADMINISTRATOR_UNKNOWN, LAST_OWNER. */
  remove(id: string): Promise<void>
  removeOf(organisationId: string): Promise<void>
  recordUse(id: string, day: string): Promise<void>

  security(id: string): Promise<SecurityRow>
  passkeyByCredential(
    credentialId: Buffer,
  ): Promise<{ passkey: PasskeyRow; administrator: AdministratorRow } | undefined>
  /** PASSKEY_LIMIT when there are `max`; CREDENTIAL_REFUSED when somebody has it. */
  addPasskey(administratorId: string, passkey: PasskeyRow, max: number): Promise<void>
  recordPasskeyUse(id: string, counter: number, day: string): Promise<void>
  /** PASSKEY_UNKNOWN. */
  renamePasskey(administratorId: string, id: string, name: string): Promise<void>
  /** PASSKEY_UNKNOWN, LAST_PROOF. */
  removePasskey(administratorId: string, id: string): Promise<void>
  /** Undefined also when there is nobody of that name. */
  totpByName(name: string): Promise<{ totp: TotpRow; administrator: AdministratorRow } | undefined>
  /** Replaces the one before. */
  setTotp(administratorId: string, totp: TotpRow): Promise<void>
  /** False when a code of this step or a later one was taken. */
  useTotpStep(administratorId: string, step: number): Promise<boolean>
  /** LAST_PROOF. */
  removeTotp(administratorId: string): Promise<void>
  replaceCodes(administratorId: string, codeHashes: readonly Buffer[]): Promise<void>
  /** Undefined when there is nobody of that name who has the code; then nothing is used up. */
  useCode(name: string, codeHash: Buffer): Promise<AdministratorRow | undefined>
}

export interface SessionStore {
  insertSession(session: SessionRow, tokenHash: Buffer): Promise<void>
  /** As it is, however old. */
  session(tokenHash: Buffer): Promise<{ session: SessionRow; administrator: AdministratorRow } | undefined>
  touchSession(id: string, seenAt: number): Promise<void>
  proveSession(id: string, provedAt: number): Promise<void>
  /** The newest first. */
  sessions(administratorId: string): Promise<SessionRow[]>
  /** False when they have no such session. */
  endSession(administratorId: string, id: string): Promise<boolean>
  /** Those that began before, or were not seen since. */
  eraseSessions(startedBefore: number, notSeenSince: number): Promise<void>

  /** False when `max` are open. Drops those that have expired by `now`. */
  insertChallenge(challenge: ChallengeRow, max: number, now: number): Promise<boolean>
  /** Of many at once one gets it. */
  takeChallenge(
    challengeHash: Buffer,
    purpose: ChallengePurpose,
    now: number,
  ): Promise<ChallengeRow | undefined>
}

/** For comparing names: two that look the same are the same. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}
