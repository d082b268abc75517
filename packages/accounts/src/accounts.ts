/** Accounts by domain: who exists, in which state, and with which SCRAM verifiers. Used by all four services. */
import type { Bus } from '@sealpost/bus'
import type { Db } from '@sealpost/db'
import { assert, type OperationalError } from '@sealpost/errors'
import type { Jid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { decoyVerifier, type ScramHash, type ScramVerifier } from '@sealpost/sasl'
import { createApiKeys, createInvites, type ApiKeys, type Invites } from './access.ts'
import { postgresAccessStore } from './access-store.postgres.ts'
import { postgresAccountInviteStore } from './account-invite-store.postgres.ts'
import { createAccountInvites, type AccountInvites, type AccountInviteStore } from './account-invites.ts'
import {
  AccountError,
  DATA_OWNERS,
  SUSPENSION_REASON,
  toAccount,
  type Account,
  type AccountState,
  type Credential,
  type Page,
  type SignedIn,
} from './account.ts'
import { postgresAppPasswordStore } from './app-password-store.postgres.ts'
import { appLogin, createAppPasswords, type AppPasswords, type AppPasswordStore } from './app-passwords.ts'
import { checkVerifiers, deriveVerifiers, isForeignVerifier } from './credentials.ts'
import { dayOf } from './day.ts'
import { postgresDomainStore } from './domain-store.postgres.ts'
import { createDomains, type Domains, type DomainStore } from './domains.ts'
import { createLedger, type ErasureLedger } from './erasure.ts'
import { importAll, type ImportProgress, type ImportReport, type ImportRow } from './import.ts'
import { LastUse } from './last-use.ts'
import { createMailConduct, type MailConduct, type MailConductStore } from './mail-conduct.ts'
import { postgresMailConductStore } from './mail-conduct-store.postgres.ts'
import { OrganisationError, type Deciding, type StateChange } from './organisation.ts'
import { postgresOrganisationStore } from './organisation-store.postgres.ts'
import { createOrganisations, type Organisations, type OrganisationStore } from './organisations.ts'
import { postgresPlanStore } from './plan-store.postgres.ts'
import { createPlans, type Plans, type PlanStore } from './plans.ts'
import { isReservedName } from './reserved-names.ts'
import { postgresAccountStore } from './store.postgres.ts'
import type {
  AccessStore,
  AccountStore,
  ForeignVerifier,
  FoundVerifier,
  ListFilters,
  Name,
  PasswordChange,
  Suspension,
} from './store.ts'

declare module '@sealpost/bus' {
  interface Topics {
    /** State or credentials of an account changed, or it was terminated: read again what you know of it. */
    'account/changed': { accountId: string }
    /** There are names now that nobody had before. */
    'account/created': { accounts: number }
  }
}

export interface AccountQuery extends ListFilters {
  readonly cursor?: string | undefined
  /** 1 to 200. */
  readonly limit: number
}

export interface AccountCreation {
  readonly id?: string | undefined
  /** To which it belongs from the beginning. */
  readonly organisationId?: string | undefined
}

export interface SuspensionOptions extends StateChange {
  /** The day from which it is lifted by itself; undefined: until somebody lifts it. */
  readonly until?: string | undefined
}

export type NameRefusal =
  | 'ACCOUNT_NAME_MALFORMED'
  | 'ACCOUNT_NAME_RESERVED'
  | 'ACCOUNT_NAME_RETIRED'
  | 'ACCOUNT_EXISTS'

/** JIDs given to any of these are taken as their bare form. Refusals are AccountErrors. */
export interface Accounts {
  find(jid: Jid): Promise<Account | undefined>
  findById(id: string): Promise<Account | undefined>
  /** Active accounts in the order of their random ids, after that one: for what is to be done once for everybody. */
  activeAfter(id: string | undefined, limit: number): Promise<Account[]>
  /**
   * Of an account's name, or of the login of an app password. One indexed query, or two. Suspended accounts too: whoever asks refuses them after the proof, and app
   * passwords that are for something else; terminated ones have none.
   */
  verifier(jid: Jid, hash: ScramHash): Promise<{ account: SignedIn; verifier: ScramVerifier } | undefined>
  /**
   * As `verifier`, but never empty-handed: a name without credentials gets a decoy, the same each time, that no password fits, so
   * that nobody learns from an exchange which names exist. Then `account` is undefined.
   */
  verifierOrDecoy(
    jid: Jid,
    hash: ScramHash,
  ): Promise<{ account: SignedIn | undefined; verifier: ScramVerifier }>
  /**
   * Without a password nobody can sign in until an invite of purpose `password` is redeemed. `id` makes the call repeatable: when
   * the name is taken by that very id, its account is the answer. Throws ACCOUNT_EXISTS, ACCOUNT_NAME_RESERVED, ACCOUNT_NAME_RETIRED,
   * PASSWORD_UNACCEPTABLE; with an organisation ORGANISATION_UNKNOWN, ORGANISATION_SUSPENDED, POOL_EXCEEDED (OrganisationError).
   */
  create(jid: Jid, password: string | undefined, options?: AccountCreation): Promise<Account>
  /** Constant memory for any number of rows. Repeating an import creates what is missing. */
  importAll(rows: AsyncIterable<ImportRow>, onProgress?: ImportProgress): Promise<ImportReport>
  setVerifiers(id: string, verifiers: readonly ScramVerifier[], change?: PasswordChange): Promise<void>
  /** Why `create` would refuse this name; undefined: it would not. */
  refusal(jid: Jid): Promise<NameRefusal | undefined>
  /** The id of an active account that nobody can sign in to yet. */
  unclaimed(jid: Jid): Promise<string | undefined>
  /**
   * A verifier that another server made, of an account that has none of its own. It checks passwords that arrive as such, and is never shown in an exchange: its salt
   * and iterations would tell the account apart from the decoys of unknown names.
   */
  foreignVerifier(jid: Jid): Promise<ForeignVerifier | undefined>
  /** `verifier` fits `isForeignVerifier`. False when the account is missing or terminated, or has verifiers of its own. */
  setForeignVerifier(id: string, verifier: ScramVerifier): Promise<boolean>
  /** Verifiers of its own for a password that fits the foreign one. False: that is there no more. Throws PASSWORD_UNACCEPTABLE. */
  adoptPassword(id: string, password: string): Promise<boolean>
  /** Ends everything that is signed in, on all services. Who knows a password can sign in again. Throws ACCOUNT_UNKNOWN. */
  signOut(id: string): Promise<void>
  /** Whether what was signed in with a credential may go on: the account is active, and nothing was revoked or signed out since. */
  isGood(id: string, credential: Pick<Credential, 'signOuts' | 'appPassword'>): Promise<boolean>
  /** Throws ACCOUNT_UNKNOWN, ACCOUNT_TERMINATED, ACCOUNT_HELD, REASON_MALFORMED, SUSPENSION_END. */
  suspend(jid: Jid, reason: string, options?: SuspensionOptions): Promise<Account>
  /** Throws as suspend does; ORGANISATION_SUSPENDED (OrganisationError): it was suspended with its organisation, and is restored with that. */
  restore(jid: Jid, change?: StateChange): Promise<Account>
  /** Terminates it by itself on a day to come; undefined: it stays. Throws ACCOUNT_UNKNOWN, ACCOUNT_TERMINATED, ACCOUNT_HELD. */
  leave(jid: Jid, on: string | undefined, by?: Deciding): Promise<Account>
  /** Lifts suspensions whose end has come, at most 500; the ids of the accounts. */
  liftEndedSuspensions(): Promise<string[]>
  /** Accounts to be terminated today, at most 500. */
  leavingToday(): Promise<Account[]>
  /** Final. Credentials are gone when it resolves; the owners of data are asked to erase theirs. */
  terminate(jid: Jid): Promise<Account>
  /** Records today as the last use of the account, and of the app password; written within seconds, once a day. Resolves at once. */
  touch(id: string, credential?: Pick<Credential, 'appPassword'>): Promise<void>
  /** How many there are of each state. */
  counts(): Promise<Record<AccountState, number>>
  /** Ordered by address. Throws CURSOR_MALFORMED. */
  list(query: AccountQuery): Promise<Page<Account>>
}

export interface AccountsDomain extends Accounts, AsyncDisposable {
  readonly erasure: ErasureLedger
  readonly apiKeys: ApiKeys
  readonly invites: Invites
  readonly accountInvites: AccountInvites
  readonly appPasswords: AppPasswords
  readonly domains: Domains
  readonly mailConduct: MailConduct
  readonly plans: Plans
  readonly organisations: Organisations
}

export interface AccountsOptions {
  /** Opened with the role `sealpost_account`. */
  readonly db: Db
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
}

/** The accounts over Postgres. Dispose it before its `db`: the last days of use are written then. */
export function createAccounts({ db, ...parts }: AccountsOptions): AccountsDomain {
  return accountsOver({
    ...parts,
    accounts: postgresAccountStore(db),
    access: postgresAccessStore(db),
    accountInvites: postgresAccountInviteStore(db),
    appPasswords: postgresAppPasswordStore(db),
    domains: postgresDomainStore(db),
    mailConduct: postgresMailConductStore(db),
    plans: postgresPlanStore(db),
    organisations: postgresOrganisationStore(db),
  })
}

export interface AccountsParts extends Omit<AccountsOptions, 'db'> {
  readonly accounts: AccountStore
  readonly access: AccessStore
  readonly accountInvites: AccountInviteStore
  readonly appPasswords: AppPasswordStore
  readonly domains: DomainStore
  readonly mailConduct: MailConductStore
  readonly plans: PlanStore
  readonly organisations: OrganisationStore
}

/** The accounts over any store. */
export function accountsOver(parts: AccountsParts): AccountsDomain {
  return new StoredAccounts(parts)
}

const LIMIT_MAX = 200
/** Suspensions lifted, and accounts terminated, at a time. */
const DUE_MAX = 500

class StoredAccounts implements AccountsDomain {
  readonly erasure: ErasureLedger
  readonly apiKeys: ApiKeys
  readonly invites: Invites
  readonly accountInvites: AccountInvites
  readonly appPasswords: AppPasswords
  readonly domains: Domains
  readonly mailConduct: MailConduct
  readonly plans: Plans
  readonly organisations: Organisations
  readonly #store: AccountStore
  readonly #bus: Bus
  readonly #clock: Clock
  readonly #random: Random
  readonly #lastUse: LastUse
  readonly #lastAppUse: LastUse

  constructor(parts: AccountsParts) {
    const { accounts, access, domains, mailConduct, plans, bus, clock, random } = parts
    this.#store = accounts
    this.#bus = bus
    this.#clock = clock
    this.#random = random
    this.#lastUse = new LastUse(clock, (ids, day) => accounts.recordUse(ids, day))
    this.#lastAppUse = new LastUse(clock, (ids, day) => parts.appPasswords.recordUse(ids, day))
    this.erasure = createLedger(accounts, clock)
    this.apiKeys = createApiKeys({ store: access, clock, random })
    this.invites = this.#announcing(createInvites({ store: access, clock, random }))
    this.accountInvites = this.#announcingCreated(
      createAccountInvites({
        store: parts.accountInvites,
        taken: async (name) => (await accounts.taken([name]))[0] === true,
        clock,
        random,
      }),
    )
    this.appPasswords = createAppPasswords({
      store: parts.appPasswords,
      find: (id) => accounts.findById(id),
      bus,
      clock,
      random,
    })
    this.domains = createDomains(domains, bus)
    this.mailConduct = createMailConduct({ store: mailConduct, accounts, clock })
    this.plans = createPlans({ store: plans, accounts })
    this.organisations = createOrganisations({ ...parts, store: parts.organisations })
  }

  async find(jid: Jid): Promise<Account | undefined> {
    const row = await this.#store.find(nameOf(jid))
    return row && toAccount(row)
  }

  async findById(id: string): Promise<Account | undefined> {
    const row = await this.#store.findById(id)
    return row && toAccount(row)
  }

  async activeAfter(id: string | undefined, limit: number): Promise<Account[]> {
    return (await this.#store.activeAfter(id, limit)).map(toAccount)
  }

  async verifier(jid: Jid, hash: ScramHash) {
    const found = await this.#store.verifier(nameOf(jid), hash)
    return found && { account: signedIn(found), verifier: found.verifier }
  }

  async verifierOrDecoy(jid: Jid, hash: ScramHash) {
    const [found, secret] = await Promise.all([this.verifier(jid, hash), this.#store.decoySecret()])
    const decoy = decoyVerifier(secret, jid.bare.toString(), hash) // made in any case, so that making it tells nothing
    return found ?? { account: undefined, verifier: decoy }
  }

  async refusal(jid: Jid): Promise<NameRefusal | undefined> {
    const refused = malformedOrReserved(jid)
    if (refused !== undefined) return refused
    const row = await this.#store.find(nameOf(jid))
    if (row !== undefined) return row.state === 'terminated' ? 'ACCOUNT_NAME_RETIRED' : 'ACCOUNT_EXISTS'
    return (await this.#store.retired(nameOf(jid))) ? 'ACCOUNT_NAME_RETIRED' : undefined
  }

  async create(jid: Jid, password: string | undefined, options: AccountCreation = {}): Promise<Account> {
    const name = nameOf(jid)
    const refused = malformedOrReserved(jid)
    if (refused !== undefined) throw new AccountError(refused)
    const id = options.id ?? this.#random.uuid()
    const verifiers = password === undefined ? [] : await deriveVerifiers(password, this.#random)
    const { organisationId } = options
    const [result] = await this.#store.insert([{ id, ...name, organisationId, verifiers }], this.#today())
    if (result === 'retired') throw new AccountError('ACCOUNT_NAME_RETIRED')
    const row = await this.#store.find(name)
    if (row?.id !== id)
      throw new AccountError(row?.state === 'terminated' ? 'ACCOUNT_NAME_RETIRED' : 'ACCOUNT_EXISTS')
    await this.#bus.publish('account/created', { accounts: 1 })
    return toAccount(row)
  }

  importAll(rows: AsyncIterable<ImportRow>, onProgress?: ImportProgress): Promise<ImportReport> {
    return importAll(
      rows,
      {
        store: this.#store,
        random: this.#random,
        today: () => this.#today(),
        plans: this.plans,
        invite: async (accountId) => {
          const { token, invite } = await this.invites.createPassword(accountId)
          return { token, expiresAt: invite.expiresAt }
        },
        unclaimed: (jid) => this.unclaimed(jid),
        created: (accounts) => this.#bus.publish('account/created', { accounts }),
      },
      onProgress,
    )
  }

  async unclaimed(jid: Jid): Promise<string | undefined> {
    const name = nameOf(jid)
    const row = await this.#store.find(name)
    if (row?.state !== 'active') return undefined
    const found = [await this.#store.verifier(name, 'SHA-256'), await this.#store.foreignVerifier(name)]
    return found.every((verifier) => verifier === undefined) ? row.id : undefined
  }

  foreignVerifier(jid: Jid): Promise<ForeignVerifier | undefined> {
    return this.#store.foreignVerifier(nameOf(jid))
  }

  setForeignVerifier(id: string, verifier: ScramVerifier): Promise<boolean> {
    assert(isForeignVerifier(verifier), 'the verifier is within the bounds of foreign ones')
    return this.#store.setForeignVerifier(id, verifier)
  }

  async adoptPassword(id: string, password: string): Promise<boolean> {
    const isReplaced = await this.#store.replaceForeignVerifier(
      id,
      await deriveVerifiers(password, this.#random),
    )
    if (isReplaced) await this.#changed(id)
    return isReplaced
  }

  async setVerifiers(
    id: string,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ): Promise<void> {
    checkVerifiers(verifiers)
    if (!(await this.#store.replaceVerifiers(id, verifiers, change)))
      throw new AccountError('ACCOUNT_UNKNOWN')
    await this.#changed(id)
    if (change?.signOut === true || change?.appPasswords === true) await this.#revoked(id)
  }

  async signOut(id: string): Promise<void> {
    if (!(await this.#store.signOut(id))) throw new AccountError('ACCOUNT_UNKNOWN')
    await this.#changed(id)
    await this.#revoked(id)
  }

  isGood(id: string, { signOuts, appPassword }: Pick<Credential, 'signOuts' | 'appPassword'>) {
    return this.#store.isGood(id, signOuts, appPassword?.id)
  }

  async suspend(jid: Jid, reason: string, { until, ...change }: SuspensionOptions = {}): Promise<Account> {
    if (!SUSPENSION_REASON.test(reason)) throw new AccountError('REASON_MALFORMED')
    if (until !== undefined && until <= this.#today()) throw new AccountError('SUSPENSION_END')
    return this.#setState(jid, { reason, until }, change)
  }

  restore(jid: Jid, change?: StateChange): Promise<Account> {
    return this.#setState(jid, undefined, change)
  }

  async #setState(jid: Jid, suspension: Suspension | undefined, change?: StateChange): Promise<Account> {
    const row = await this.#store.setState(nameOf(jid), suspension, change)
    if (row === undefined) throw await this.#whyNot(jid, suspension === undefined)
    await this.#changed(row.id)
    return toAccount(row)
  }

  async #whyNot(jid: Jid, isRestored = false): Promise<OperationalError> {
    const row = await this.#store.find(nameOf(jid))
    if (row === undefined) return new AccountError('ACCOUNT_UNKNOWN')
    if (row.state === 'terminated') return new AccountError('ACCOUNT_TERMINATED')
    const organisation = await this.organisations.ofAccount(row.id)
    const withOthers = isRestored && organisation?.state === 'suspended'
    return withOthers ? new OrganisationError('ORGANISATION_SUSPENDED') : new AccountError('ACCOUNT_HELD')
  }

  async terminate(jid: Jid): Promise<Account> {
    const row = await this.#store.terminate(nameOf(jid), DATA_OWNERS, this.#today())
    if (row === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
    await this.#changed(row.id)
    return toAccount(row)
  }

  async touch(id: string, credential?: Pick<Credential, 'appPassword'>): Promise<void> {
    this.#lastUse.note(id)
    if (credential?.appPassword) this.#lastAppUse.note(credential.appPassword.id)
  }

  counts(): Promise<Record<AccountState, number>> {
    return this.#store.counts()
  }

  async leave(jid: Jid, on: string | undefined, { within }: Deciding = {}): Promise<Account> {
    const row = await this.#store.setTermination(nameOf(jid), on, within)
    if (row === undefined) throw await this.#whyNot(jid)
    await this.#changed(row.id)
    return toAccount(row)
  }

  async liftEndedSuspensions(): Promise<string[]> {
    const ids = await this.#store.liftSuspensions(this.#today(), DUE_MAX)
    for (const id of ids) await this.#changed(id)
    return ids
  }

  async leavingToday(): Promise<Account[]> {
    return (await this.#store.leaving(this.#today(), DUE_MAX)).map(toAccount)
  }

  async list({ cursor, limit, ...filters }: AccountQuery): Promise<Page<Account>> {
    const size = Math.min(Math.max(limit, 1), LIMIT_MAX)
    const after = cursor === undefined ? undefined : parseCursor(cursor)
    const rows = await this.#store.list({ ...filters, after, limit: size + 1 })
    const items = rows.slice(0, size)
    const last = items.at(-1)
    return { items: items.map(toAccount), next: rows.length > size && last ? formatCursor(last) : undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lastUse[Symbol.asyncDispose]()
    await this.#lastAppUse[Symbol.asyncDispose]()
  }

  /** A password chosen by invite is a changed credential like any other. */
  #announcing(invites: Invites): Invites {
    return {
      ...invites,
      redeemPassword: async (...redemption) => {
        const accountId = await invites.redeemPassword(...redemption)
        if (accountId === undefined) return undefined
        await this.#changed(accountId)
        await this.#revoked(accountId)
        return accountId
      },
    }
  }

  #announcingCreated(invites: AccountInvites): AccountInvites {
    return {
      ...invites,
      register: async (...registration) => {
        const account = await invites.register(...registration)
        if (account) await this.#bus.publish('account/created', { accounts: 1 })
        return account
      },
    }
  }

  #changed(accountId: string): Promise<void> {
    return this.#bus.publish('account/changed', { accountId })
  }

  #revoked(accountId: string): Promise<void> {
    return this.#bus.publish('account/credentials-revoked', { accountId })
  }

  #today(): string {
    return dayOf(this.#clock.now())
  }
}

function malformedOrReserved({ local }: Jid): NameRefusal | undefined {
  if (local === '') return 'ACCOUNT_NAME_MALFORMED'
  return isReservedName(local) ? 'ACCOUNT_NAME_RESERVED' : undefined
}

function nameOf(jid: Jid): Name {
  return { domain: jid.domain, localpart: jid.local }
}

function signedIn({ row, appPassword }: FoundVerifier): SignedIn {
  const account = toAccount(row)
  const login = appPassword === undefined ? account.jid : appLogin(row, appPassword.tag)
  return { ...account, credential: { login, appPassword, signOuts: row.signOuts } }
}

/** Opaque to clients: the last name of the page before. */
function formatCursor({ domain, localpart }: Name): string {
  return Buffer.from(`${domain}/${localpart}`).toString('base64url')
}

function parseCursor(cursor: string): Name {
  const text = Buffer.from(cursor, 'base64url').toString()
  const slash = text.indexOf('/')
  if (slash < 1 || text.includes('\0')) throw new AccountError('CURSOR_MALFORMED')
  return { domain: text.slice(0, slash), localpart: text.slice(slash + 1) }
}
