/** The accounts' store in memory: for tests and as the plain model of what the Postgres store must do. */
import { memoryAccountInviteStore } from './account-invite-store.memory.ts'
import type { AccountInviteStore } from './account-invites.ts'
import { memoryAppPasswordStore, type KeptAppPassword } from './app-password-store.memory.ts'
import { parseAppLogin, type AppPasswordStore } from './app-passwords.ts'
import type { StateChange } from './organisation.ts'
import { MemoryOrganisationStore } from './organisation-store.memory.ts'
import type { OrganisationStore } from './organisations.ts'
import { memoryPlanStore, type MemoryPlanStore } from './plan-store.memory.ts'
import type { PlanStore } from './plans.ts'
import type { AccountState } from './account.ts'
import type { ScramHash, ScramVerifier } from '@sealpost/sasl'
import { memoryDomainStore } from './domain-store.memory.ts'
import type { DomainStore } from './domains.ts'
import { memoryMailConductStore } from './mail-conduct-store.memory.ts'
import type { MailConductStore } from './mail-conduct.ts'
import type {
  AccessStore,
  AccountRow,
  AccountStore,
  ApiKeyRow,
  Appointment,
  ForeignVerifier,
  FoundVerifier,
  InsertResult,
  InviteRow,
  ListQuery,
  Name,
  NewAccount,
  PasswordChange,
  Suspension,
} from './store.ts'

const ACTIVE = {
  state: 'active',
  reason: undefined,
  suspendedUntil: undefined,
  suspendedWith: undefined,
  suspendedWithin: undefined,
  terminatesOn: undefined,
  terminatesWithin: undefined,
} as const

interface ErasureRow {
  readonly accountId: string
  readonly owner: string
  doneOn: string | undefined
}

/** Accounts and access share one state, as they share tables in Postgres. */
export function memoryStores(): {
  accounts: AccountStore
  access: AccessStore
  accountInvites: AccountInviteStore
  appPasswords: AppPasswordStore
  domains: DomainStore
  mailConduct: MailConductStore
  plans: PlanStore
  organisations: OrganisationStore
} {
  const state = new MemoryState()
  const plans = memoryPlanStore(
    (id) => state.accounts.has(id),
    () => organisations.checkPools(),
  )
  const organisations = new MemoryOrganisationStore({
    accounts: state.accounts,
    mailboxMib: (id) => plans.mailboxMib(id),
  })
  const accounts = new MemoryAccountStore(state, organisations, plans)
  return {
    accounts,
    access: new MemoryAccessStore(state),
    accountInvites: memoryAccountInviteStore(accounts, plans, organisations),
    appPasswords: memoryAppPasswordStore(state.appPasswords, (id) => state.isAlive(id)),
    domains: memoryDomainStore(),
    mailConduct: memoryMailConductStore((id) => state.accounts.has(id)),
    plans,
    organisations,
  }
}

class MemoryState {
  readonly decoySecret = Buffer.alloc(32, 0x5e)
  readonly accounts = new Map<string, AccountRow>()
  readonly verifiers = new Map<string, readonly ScramVerifier[]>()
  readonly foreignVerifiers = new Map<string, ScramVerifier>()
  readonly retired = new Set<string>()
  readonly appPasswords = new Map<string, KeptAppPassword>()
  readonly keys = new Map<string, { row: ApiKeyRow; tokenHash: string }>()
  readonly invites = new Map<string, InviteRow>()
  erasures: ErasureRow[] = []

  byName(name: Name): AccountRow | undefined {
    return this.accounts
      .values()
      .find((row) => row.domain === name.domain && row.localpart === name.localpart)
  }

  isAlive(id: string): boolean {
    const row = this.accounts.get(id)
    return row !== undefined && row.state !== 'terminated'
  }

  dropAppPasswords(accountId: string): void {
    for (const [id, kept] of this.appPasswords) if (kept.accountId === accountId) this.appPasswords.delete(id)
  }

  /** False when the account is missing or terminated. */
  replaceVerifiers(id: string, verifiers: readonly ScramVerifier[], change?: PasswordChange): boolean {
    const row = this.accounts.get(id)
    if (row === undefined || row.state === 'terminated') return false
    this.verifiers.set(id, verifiers)
    this.foreignVerifiers.delete(id)
    if (change?.signOut === true) this.accounts.set(id, { ...row, signOuts: row.signOuts + 1 })
    if (change?.appPasswords === true) this.dropAppPasswords(id)
    return true
  }

  dropInvites(obsolete: (invite: InviteRow) => boolean): void {
    for (const [hash, invite] of this.invites) if (obsolete(invite)) this.invites.delete(hash)
  }
}

class MemoryAccountStore implements AccountStore {
  readonly #state: MemoryState
  readonly #organisations: MemoryOrganisationStore
  readonly #plans: Pick<MemoryPlanStore, 'nameOf' | 'assign'>

  constructor(
    state: MemoryState,
    organisations: MemoryOrganisationStore,
    plans: Pick<MemoryPlanStore, 'nameOf' | 'assign'>,
  ) {
    this.#state = state
    this.#organisations = organisations
    this.#plans = plans
  }

  async insert(rows: readonly NewAccount[], today: string): Promise<InsertResult[]> {
    const results: InsertResult[] = []
    try {
      for (const row of rows) {
        const result = this.#insertOne(row, today)
        results.push(result)
        if (result === 'created' && row.plan !== undefined) await this.#plans.assign(row.id, row.plan)
      }
    } catch (error) {
      for (const [index, { id }] of rows.entries()) {
        if (results[index] !== 'created') continue
        this.#state.accounts.delete(id)
        this.#state.verifiers.delete(id)
      }
      throw error
    }
    return results
  }

  #insertOne(account: NewAccount, today: string): InsertResult {
    const { id, domain, localpart, organisationId, verifiers } = account
    if (this.#state.byName({ domain, localpart }) ?? this.#state.accounts.get(id)) return 'exists'
    if (this.#state.retired.has(nameKey({ domain, localpart }))) return 'retired'
    const row = { id, domain, localpart, createdOn: today, signOuts: 0 } as const
    if (organisationId !== undefined) this.#organisations.checkActive(organisationId)
    this.#state.accounts.set(id, { ...row, ...ACTIVE, organisationId, lastUsedOn: undefined })
    try {
      this.#organisations.checkPools()
    } catch (error) {
      this.#state.accounts.delete(id)
      throw error
    }
    this.#state.verifiers.set(id, verifiers)
    return 'created'
  }

  async taken(names: readonly Name[]): Promise<boolean[]> {
    return names.map((name) => this.#state.byName(name) !== undefined)
  }

  async retired(name: Name): Promise<boolean> {
    return this.#state.retired.has(nameKey(name))
  }

  async find(name: Name): Promise<AccountRow | undefined> {
    return this.#state.byName(name)
  }

  async findById(id: string): Promise<AccountRow | undefined> {
    return this.#state.accounts.get(id)
  }

  async activeAfter(after: string | undefined, limit: number): Promise<AccountRow[]> {
    return [...this.#state.accounts.values()]
      .filter(({ id, state }) => state === 'active' && (after === undefined || id > after))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
  }

  async verifier(name: Name, hash: ScramHash): Promise<FoundVerifier | undefined> {
    const row = this.#state.byName(name)
    if (row === undefined) return this.#appVerifier(name, hash)
    const verifier = this.#state.verifiers.get(row.id)?.find((each) => each.hash === hash)
    return verifier && { row, verifier, appPassword: undefined }
  }

  #appVerifier({ domain, localpart }: Name, hash: ScramHash): FoundVerifier | undefined {
    const login = parseAppLogin(localpart)
    const row = login && this.#state.byName({ domain, localpart: login.owner })
    const kept = this.#state.appPasswords
      .values()
      .find(({ accountId, appPassword }) => accountId === row?.id && appPassword.tag === login?.tag)
    const verifier = kept?.verifiers.find((each) => each.hash === hash)
    return row && kept && verifier && { row, verifier, appPassword: kept.appPassword }
  }

  async foreignVerifier(name: Name): Promise<ForeignVerifier | undefined> {
    const row = this.#state.byName(name)
    const verifier = row && this.#state.foreignVerifiers.get(row.id)
    return row && verifier && { accountId: row.id, verifier }
  }

  async setForeignVerifier(id: string, verifier: ScramVerifier): Promise<boolean> {
    if (!this.#state.isAlive(id) || (this.#state.verifiers.get(id) ?? []).length > 0) return false
    this.#state.foreignVerifiers.set(id, verifier)
    return true
  }

  async replaceForeignVerifier(id: string, verifiers: readonly ScramVerifier[]): Promise<boolean> {
    return this.#state.foreignVerifiers.has(id) && this.#state.replaceVerifiers(id, verifiers)
  }

  async decoySecret(): Promise<Buffer> {
    return this.#state.decoySecret
  }

  async replaceVerifiers(
    id: string,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ): Promise<boolean> {
    return this.#state.replaceVerifiers(id, verifiers, change)
  }

  async signOut(id: string): Promise<boolean> {
    const row = this.#state.accounts.get(id)
    if (row === undefined || row.state === 'terminated') return false
    this.#replace({ ...row, signOuts: row.signOuts + 1 })
    return true
  }

  async isGood(id: string, signOuts: number, appPasswordId: string | undefined): Promise<boolean> {
    const row = this.#state.accounts.get(id)
    const has = appPasswordId === undefined || this.#state.appPasswords.get(appPasswordId)?.accountId === id
    return row?.state === 'active' && row.signOuts === signOuts && has
  }

  async setState(name: Name, suspension: Suspension | undefined, change: StateChange = {}) {
    const { within, onlyWhile } = change
    const row = this.#state.byName(name)
    if (row === undefined || row.state === 'terminated') return undefined
    if (onlyWhile !== undefined && row.reason !== (onlyWhile ?? undefined)) return undefined
    if (suspension === undefined && (row.suspendedWith !== undefined || this.#isBelowSuspended(row)))
      return undefined
    if (
      within !== undefined &&
      row.state === 'suspended' &&
      !(await this.#isWithin(row.suspendedWithin, within))
    )
      return undefined
    const { terminatesOn, terminatesWithin } = row
    const ends = { terminatesOn, terminatesWithin }
    if (suspension === undefined) return this.#replace({ ...row, ...ACTIVE, ...ends })
    const { reason, until } = suspension
    return this.#replace({
      ...row,
      ...ACTIVE,
      ...ends,
      state: 'suspended',
      reason,
      suspendedUntil: until,
      suspendedWithin: within,
    })
  }

  #isBelowSuspended({ organisationId }: AccountRow): boolean {
    return organisationId !== undefined && !this.#organisations.isActive(organisationId)
  }

  async #isWithin(organisationId: string | undefined, within: string): Promise<boolean> {
    return (await this.#organisations.within(within)).some((id) => id === organisationId)
  }

  async terminate(name: Name, owners: readonly string[], today: string): Promise<AccountRow | undefined> {
    const row = this.#state.byName(name)
    if (row === undefined || row.state === 'terminated') return row
    this.#state.verifiers.delete(row.id)
    this.#state.foreignVerifiers.delete(row.id)
    this.#state.dropAppPasswords(row.id)
    this.#state.dropInvites((invite) => invite.accountId === row.id)
    this.#state.retired.add(nameKey(row))
    for (const owner of owners) {
      this.#state.erasures.push({ accountId: row.id, owner, doneOn: owner === 'account' ? today : undefined })
    }
    return this.#replace({ ...row, ...ACTIVE, state: 'terminated' })
  }

  #replace(row: AccountRow): AccountRow {
    this.#state.accounts.set(row.id, row)
    return row
  }

  async recordUse(ids: readonly string[], day: string): Promise<void> {
    for (const id of ids) {
      const row = this.#state.accounts.get(id)
      if (row) this.#replace({ ...row, lastUsedOn: day })
    }
  }

  async counts(): Promise<Record<AccountState, number>> {
    const counts = { active: 0, suspended: 0, terminated: 0 }
    for (const { state } of this.#state.accounts.values()) counts[state] += 1
    return counts
  }

  async setTermination(name: Name, on: string | undefined, within?: string) {
    const row = this.#state.byName(name)
    if (row === undefined || row.state === 'terminated') return undefined
    const isHeld = within !== undefined && row.terminatesOn !== undefined
    if (isHeld && !(await this.#isWithin(row.terminatesWithin, within))) return undefined
    if (on !== undefined && this.#organisations.isSuspendedAbove(row, within)) return undefined
    return this.#replace({
      ...row,
      terminatesOn: on,
      terminatesWithin: on === undefined ? undefined : within,
    })
  }

  async liftSuspensions(today: string, limit: number): Promise<string[]> {
    const due = this.#state.accounts
      .values()
      .filter((row) => (row.suspendedUntil ?? '~') <= today && !this.#isBelowSuspended(row))
      .take(limit)
      .toArray()
    for (const row of due) {
      const { terminatesOn, terminatesWithin } = row
      this.#replace({ ...row, ...ACTIVE, terminatesOn, terminatesWithin })
    }
    return due.map(({ id }) => id)
  }

  async leaving(today: string, limit: number): Promise<AccountRow[]> {
    return this.#state.accounts
      .values()
      .filter(({ state, terminatesOn }) => state !== 'terminated' && (terminatesOn ?? '~') <= today)
      .filter((row) => !this.#organisations.isSuspendedAbove(row, row.terminatesWithin))
      .take(limit)
      .toArray()
  }

  async list(query: ListQuery): Promise<AccountRow[]> {
    const { after, limit, domain, state, search, organisationIds, plan, reason } = query
    const { createdAfter, createdBefore, lastUsedAfter, lastUsedBefore } = query
    const is = <T>(wanted: T | undefined, actual: T | undefined): boolean =>
      wanted === undefined || wanted === actual
    const between = (day: string | undefined, from: string | undefined, to: string | undefined): boolean =>
      (from === undefined || (day !== undefined && day > from)) &&
      (to === undefined || (day !== undefined && day < to))
    return this.#state.accounts
      .values()
      .filter((row) => after === undefined || compareNames(row, after) > 0)
      .filter((row) => is(domain, row.domain) && is(state, row.state) && is(reason, row.reason))
      .filter((row) => search === undefined || row.localpart.includes(search))
      .filter((row) => organisationIds === undefined || organisationIds.includes(row.organisationId ?? ''))
      .filter((row) => is(plan, this.#plans.nameOf(row.id)))
      .filter((row) => between(row.createdOn, createdAfter, createdBefore))
      .filter((row) => between(row.lastUsedOn, lastUsedAfter, lastUsedBefore))
      .toArray()
      .sort(compareNames)
      .slice(0, limit)
  }

  async erasuresPending(owner: string, limit: number): Promise<string[]> {
    return this.#state.erasures
      .filter((row) => row.owner === owner && row.doneOn === undefined)
      .slice(0, limit)
      .map((row) => row.accountId)
  }

  async erasureDone(owner: string, accountId: string, today: string): Promise<void> {
    const rows = this.#state.erasures.filter((row) => row.accountId === accountId)
    for (const row of rows) if (row.owner === owner) row.doneOn ??= today
    if (rows.some((row) => row.doneOn === undefined)) return
    if (this.#state.accounts.get(accountId)?.state !== 'terminated') return
    this.#state.accounts.delete(accountId)
    this.#state.erasures = this.#state.erasures.filter((row) => row.accountId !== accountId)
  }
}

class MemoryAccessStore implements AccessStore {
  readonly #state: MemoryState

  constructor(state: MemoryState) {
    this.#state = state
  }

  async insertKey(key: ApiKeyRow, tokenHash: Buffer, max: number, pruneBefore: string): Promise<boolean> {
    for (const { row } of this.#state.keys.values()) {
      if (row.expiresOn !== undefined && row.expiresOn < pruneBefore) this.#state.keys.delete(row.id)
    }
    const alike = this.#state.keys.values().filter(({ row }) => row.organisationId === key.organisationId)
    if (alike.toArray().length >= max) return false
    this.#state.keys.set(key.id, { row: key, tokenHash: tokenHash.toString('hex') })
    return true
  }

  async keyByToken(tokenHash: Buffer): Promise<ApiKeyRow | undefined> {
    return this.#state.keys.values().find((key) => key.tokenHash === tokenHash.toString('hex'))?.row
  }

  async keys(): Promise<ApiKeyRow[]> {
    return this.#state.keys
      .values()
      .map((key) => key.row)
      .toArray()
  }

  async deleteKey(id: string): Promise<boolean> {
    return this.#state.keys.delete(id)
  }

  async deleteKeysOf(organisationId: string): Promise<void> {
    this.#state.dropInvites(({ appointment }) => appointment?.organisationId === organisationId)
    for (const { row } of this.#state.keys.values())
      if (row.organisationId === organisationId) this.#state.keys.delete(row.id)
  }

  async deleteKeysMadeBy(administratorId: string): Promise<void> {
    this.#state.dropInvites(({ appointment }) => appointment?.invitedBy === administratorId)
    for (const { row } of this.#state.keys.values())
      if (row.madeBy === administratorId) this.#state.keys.delete(row.id)
  }

  async recordKeyUse(id: string, day: string): Promise<void> {
    const key = this.#state.keys.get(id)
    if (key) this.#state.keys.set(id, { ...key, row: { ...key.row, lastUsedOn: day } })
  }

  async insertInvite(invite: InviteRow, adminMax: number, now: number): Promise<boolean> {
    this.#state.dropInvites((each) => each.expiresAt <= now || isForSameOne(each, invite))
    const open = this.#state.invites.values().filter((each) => isCountedWith(each, invite))
    if (isCountedWith(invite, invite) && open.toArray().length >= adminMax) return false
    this.#state.invites.set(invite.tokenHash.toString('hex'), invite)
    return true
  }

  async insertFirstInvite(invite: InviteRow, now: number, today: string): Promise<boolean> {
    const invited = this.#state.invites
      .values()
      .some((each) => each.appointment?.role === 'owner' && each.expiresAt > now)
    const administered = this.#state.keys
      .values()
      .some(({ row }) => row.scopes.includes('*') && (row.expiresOn === undefined || row.expiresOn >= today))
    if (invited || administered) return false
    return this.insertInvite(invite, Infinity, now)
  }

  async invite(tokenHash: Buffer, now: number): Promise<InviteRow | undefined> {
    return this.#open(tokenHash, now)
  }

  #open(tokenHash: Buffer, now: number): InviteRow | undefined {
    const invite = this.#state.invites.get(tokenHash.toString('hex'))
    return invite && invite.expiresAt > now ? invite : undefined
  }

  #consume(tokenHash: Buffer, now: number, purpose: string): InviteRow | undefined {
    const invite = this.#open(tokenHash, now)
    if (invite?.purpose !== purpose) return undefined
    this.#state.invites.delete(tokenHash.toString('hex'))
    return invite
  }

  async redeemForKey(
    tokenHash: Buffer,
    now: number,
    make: (appointment: Appointment) => ApiKeyRow,
    keyTokenHash: Buffer,
  ): Promise<ApiKeyRow | undefined> {
    if (this.#open(tokenHash, now)?.appointment?.administratorId !== undefined) return undefined
    const appointment = this.#consume(tokenHash, now, 'admin')?.appointment
    if (appointment === undefined) return undefined
    const key = make(appointment)
    await this.insertKey(key, keyTokenHash, Infinity, '')
    return key
  }

  async takeAdminInvite(tokenHash: Buffer, now: number): Promise<InviteRow | undefined> {
    return this.#consume(tokenHash, now, 'admin')
  }

  async redeemForVerifiers(
    tokenHash: Buffer,
    now: number,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ) {
    const invite = this.#consume(tokenHash, now, 'password')
    if (invite?.accountId === undefined) return undefined
    return this.#state.replaceVerifiers(invite.accountId, verifiers, change) ? invite.accountId : undefined
  }
}

/** The same account, or the same administrator. */
function isForSameOne(one: InviteRow, other: InviteRow): boolean {
  const [id, of] = [one, other].map((each) => each.accountId ?? each.appointment?.administratorId)
  return id !== undefined && id === of
}

/** Both are for new administrators, of the same organisation. */
function isCountedWith(one: InviteRow, other: InviteRow): boolean {
  const [ours, theirs] = [one.appointment, other.appointment]
  if (ours === undefined || theirs === undefined) return false
  const isNew = ours.administratorId === undefined && theirs.administratorId === undefined
  return isNew && ours.organisationId === theirs.organisationId
}

function nameKey(name: Name): string {
  return `${name.domain}\0${name.localpart}`
}

/** By Unicode code unit, as the Postgres store does with `collate "C"` (bytes; the same order within the basic plane). */
function compareNames(one: Name, other: Name): number {
  if (one.domain !== other.domain) return one.domain < other.domain ? -1 : 1
  if (one.localpart === other.localpart) return 0
  return one.localpart < other.localpart ? -1 : 1
}
