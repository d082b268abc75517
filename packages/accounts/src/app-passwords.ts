/**
 * Passwords for single programs: each has a name to sign in with, `account+tag`, and opens only what it is for. To SCRAM they are passwords like any
 * other: the name says whose verifier is meant, and what was signed in is the account.
 */
import type { Bus } from '@sealpost/bus'
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import type { ScramVerifier } from '@sealpost/sasl'
import { AccountError, type Credential, type SignedIn } from './account.ts'
import { checkVerifiers, deriveVerifiers } from './credentials.ts'
import { dayOf } from './day.ts'
import { makeTypeable, TYPEABLE } from './made-names.ts'
import type { AccountRow } from './store.ts'

declare module '@sealpost/bus' {
  interface Topics {
    /** App passwords of an account were revoked, or everything was signed out: what is signed in may be over (Accounts.isGood). */
    'account/credentials-revoked': { accountId: string }
  }
}

/** What an app password can be for: XMPP; SMTP, mailboxes and `/v1/mail`; those parts of `/v1` for accounts that change nothing of who may sign in. */
export const APP_SCOPES = ['chat', 'mail', 'api'] as const
export type AppScope = (typeof APP_SCOPES)[number]

export interface AppPassword {
  readonly id: string
  readonly tag: string
  /** The owner's words. */
  readonly name: string
  readonly scopes: readonly AppScope[]
  readonly createdOn: string
  readonly lastUsedOn: string | undefined
}

/** Retention: until revoked, or the account is terminated. One contract: app-passwords.test.ts. */
export interface AppPasswordStore {
  /** `gone`: the account is missing or terminated. `taken`: the account has one of that tag. `full`: it has `max`. */
  insert(
    accountId: string,
    appPassword: AppPassword,
    verifiers: readonly ScramVerifier[],
    max: number,
  ): Promise<'inserted' | 'gone' | 'taken' | 'full'>
  /** Those of an account, the oldest first. */
  of(accountId: string): Promise<AppPassword[]>
  /** Undefined `id`: all. How many there were. */
  remove(accountId: string, id: string | undefined): Promise<number>
  recordUse(ids: readonly string[], day: string): Promise<void>
}

/** Refusals are AccountErrors. */
export interface AppPasswords {
  /**
   * `password` is answered here and never again; undefined when the caller has brought verifiers of its own. Throws APP_PASSWORD_MALFORMED, APP_PASSWORD_LIMIT,
   * ACCOUNT_UNKNOWN, VERIFIERS_INCOMPLETE.
   */
  create(
    accountId: string,
    wanted: NewAppPassword,
  ): Promise<{ appPassword: AppPassword; login: Jid; password: string | undefined }>
  list(accountId: string): Promise<AppPassword[]>
  /** What was signed in with it ends. False when there is none. */
  revoke(accountId: string, id: string): Promise<boolean>
  revokeAll(accountId: string): Promise<void>
}

export interface NewAppPassword {
  readonly name: string
  readonly scopes: readonly AppScope[]
  /** Made by a client that keeps the password to itself. */
  readonly verifiers: readonly ScramVerifier[] | undefined
}

const TAG_CHARS = 8
const TAGS_TRIED = 3
const GROUPS = 6
const GROUP_CHARS = 4
const PER_ACCOUNT_MAX = 50
const LOGIN = new RegExp(`^(.+)\\+([b-z][${TYPEABLE}]{${String(TAG_CHARS - 1)}})$`, 'su')
const NAME = /^[^\p{Cc}]{1,64}$/u

/** The parts of a local part that looks like the login of an app password, as no account's may. */
export function parseAppLogin(localpart: string): { owner: string; tag: string } | undefined {
  const [, owner, tag] = LOGIN.exec(localpart) ?? []
  return owner === undefined || tag === undefined ? undefined : { owner, tag }
}

/** Throws APP_PASSWORD_MALFORMED when the account's own name leaves no room (RFC 7622 §3.3.1), or is written from right to left (RFC 5893 §2). */
export function appLogin({ localpart, domain }: Pick<AccountRow, 'localpart' | 'domain'>, tag: string): Jid {
  try {
    return parseJid(`${localpart}+${tag}@${domain}`)
  } catch (error) {
    if (error instanceof JidError) throw new AccountError('APP_PASSWORD_MALFORMED', { cause: error })
    throw error
  }
}

/** Whether a credential is for something; undefined: for what only the account's own password opens. */
export function mayOpen({ appPassword }: Credential, what: AppScope | undefined): boolean {
  return appPassword === undefined || (what !== undefined && appPassword.scopes.includes(what))
}

/** Whether whoever signed in may act as somebody: as the account, also by the name that was signed in with. Anything else is refused. */
export function mayActAs({ jid, credential }: SignedIn, authzid: string): boolean {
  try {
    const { bare } = parseJid(authzid)
    return bare.equals(jid) || bare.equals(credential.login)
  } catch (error) {
    if (error instanceof JidError) return false
    throw error
  }
}

export interface AppPasswordsParts {
  readonly store: AppPasswordStore
  readonly find: (accountId: string) => Promise<AccountRow | undefined>
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
}

export function createAppPasswords({ store, find, bus, clock, random }: AppPasswordsParts): AppPasswords {
  const revoke = async (accountId: string, id: string | undefined): Promise<boolean> => {
    const removed = await store.remove(accountId, id)
    if (removed > 0) await bus.publish('account/credentials-revoked', { accountId })
    return removed > 0
  }
  return {
    async create(accountId, { name, scopes, verifiers: brought }) {
      if (!NAME.test(name) || scopes.length === 0 || new Set(scopes).size < scopes.length)
        throw new AccountError('APP_PASSWORD_MALFORMED')
      if (brought !== undefined) checkVerifiers(brought)
      const account = await find(accountId)
      if (account === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
      const password = brought === undefined ? makePassword(random) : undefined
      const verifiers = brought ?? (await deriveVerifiers(password ?? '', random))
      for (let tried = 1; tried <= TAGS_TRIED; tried++) {
        const made = { id: random.uuid(), tag: makeTypeable(random, TAG_CHARS), lastUsedOn: undefined }
        const appPassword = { ...made, name, scopes, createdOn: dayOf(clock.now()) }
        const login = appLogin(account, appPassword.tag)
        const result = await store.insert(accountId, appPassword, verifiers, PER_ACCOUNT_MAX)
        if (result === 'inserted') return { appPassword, login, password }
        if (result === 'gone') throw new AccountError('ACCOUNT_UNKNOWN')
        if (result === 'full') break
      }
      throw new AccountError('APP_PASSWORD_LIMIT')
    },
    list: (accountId) => store.of(accountId),
    revoke,
    revokeAll: async (accountId) => void (await revoke(accountId, undefined)),
  }
}

/** 115 bits, in groups that are easily read and typed. */
function makePassword(random: Random): string {
  return Array.from({ length: GROUPS }, () => makeTypeable(random, GROUP_CHARS)).join('-')
}
