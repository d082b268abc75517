/** Organisations in memory: for tests and as the plain model of the Postgres store. What is used is counted anew each time. */
import {
  ORGANISATION_DEPTH_MAX,
  ORGANISATION_END,
  OrganisationError,
  POOL_RESOURCES,
  type Brand,
  type Organisation,
  type PoolResource,
  type PoolSizes,
  type StateChange,
} from './organisation.ts'
import type {
  KeyHolder,
  MemberCounts,
  OrganisationChange,
  OrganisationStore,
  Pools,
} from './organisations.ts'
import type { AccountRow } from './store.ts'

interface Entry {
  readonly row: Organisation
  readonly sizes: PoolSizes
  readonly logo: Buffer | undefined
  /** Who decided, if not the server. */
  readonly suspendedWithin?: string | undefined
  readonly terminatesWithin?: string | undefined
  /** That it ends suspended it. */
  readonly suspendedByEnd?: boolean
}

/** What it shares with the stores of accounts and plans. */
export interface MemberState {
  readonly accounts: Map<string, AccountRow>
  readonly mailboxMib: (accountId: string) => number
}

const ACTIVE = { state: 'active', reason: undefined, suspendedWith: undefined } as const

export class MemoryOrganisationStore implements OrganisationStore {
  readonly #state: MemberState
  readonly #entries = new Map<string, Entry>()
  readonly #spent = new Map<string, number>()
  readonly #keyHolders = new Set<string>()

  constructor(state: MemberState) {
    this.#state = state
  }

  /** Throws when accounts or plans, as they are now, are more than a pool allows: POOL_EXCEEDED. */
  checkPools(): void {
    for (const [id, { row, sizes }] of this.#entries) {
      for (const resource of POOL_RESOURCES) {
        const size = sizes[resource]
        const above = row.parentId === undefined ? undefined : this.#get(row.parentId).sizes[resource]
        if (above !== undefined && size === undefined) throw new OrganisationError('POOL_UNBOUNDED')
        if (size !== undefined && this.#used(id, resource) + this.#given(id, resource) > size)
          throw new OrganisationError('POOL_EXCEEDED')
      }
    }
  }

  /** Throws unless the organisation is there and active. */
  checkActive(id: string): void {
    if (!this.isActive(id)) throw new OrganisationError('ORGANISATION_SUSPENDED')
  }

  isActive(id: string): boolean {
    return this.#get(id).row.state === 'active'
  }

  insert: OrganisationStore['insert'] = async ({ id, name, kind, parentId, createdOn, pools }, max) => {
    const above = parentId === undefined ? undefined : this.#entries.get(parentId)
    const top = above?.row.path[0]
    if (this.#entries.size >= max.all || (top !== undefined && this.#below(top).length >= max.ofOne))
      throw new OrganisationError('ORGANISATION_LIMIT')
    if (parentId !== undefined && above?.row.kind !== 'reseller')
      throw new OrganisationError('ORGANISATION_KIND')
    if (parentId !== undefined) this.checkActive(parentId)
    const path = [...(above?.row.path ?? []), id]
    if (path.length > ORGANISATION_DEPTH_MAX) throw new OrganisationError('ORGANISATION_DEPTH')
    const brand = {
      name: undefined,
      colours: undefined,
      domain: undefined,
      supportUrl: undefined,
      hasLogo: false,
    }
    const terminatesOn = undefined
    const row = { id, name, kind, parentId, createdOn, path, brand, terminatesOn, ...ACTIVE }
    const bounds = Object.entries(above?.sizes ?? {}).filter(([, size]) => size !== undefined)
    const sizes = { ...Object.fromEntries(bounds.map(([resource]) => [resource, 0])), ...pools }
    this.#putWithinPools({ row, sizes, logo: undefined })
  }

  async find(id: string): Promise<Organisation | undefined> {
    const row = this.#entries.get(id)?.row
    return row && this.#shown(row)
  }

  list: OrganisationStore['list'] = async ({ after, limit, within, parentId, search }) =>
    [...this.#entries.values()]
      .map(({ row }) => this.#shown(row))
      .filter((row) => after === undefined || compare(row, after) > 0)
      .filter((row) => within === undefined || row.path.includes(within))
      .filter((row) => parentId === undefined || row.parentId === parentId)
      .filter((row) => search === undefined || row.name.toLowerCase().includes(search.toLowerCase()))
      .sort(compare)
      .slice(0, limit)

  async within(id: string): Promise<string[]> {
    return this.#below(id).map(({ row }) => row.id)
  }

  async update(id: string, { name, kind, pools }: OrganisationChange): Promise<void> {
    const { row, sizes, ...rest } = this.#get(id)
    if (kind === 'customer' && this.#children(id).length > 0) throw new OrganisationError('ORGANISATION_KIND')
    const changed = { ...row, name: name ?? row.name, kind: kind ?? row.kind }
    this.#putWithinPools({ ...rest, row: changed, sizes: { ...sizes, ...pools } })
  }

  async remove(id: string): Promise<void> {
    this.#get(id)
    const owned = [...this.#state.accounts.values()].some((row) => row.organisationId === id)
    if (owned || this.#children(id).length > 0) throw new OrganisationError('ORGANISATION_NOT_EMPTY')
    this.#entries.delete(id)
  }

  async setEnd(id: string, on: string | undefined, today: string, within?: string): Promise<void> {
    this.#checkBeforeEnd(id, today)
    const { row, terminatesWithin } = this.#get(id)
    if (on !== undefined && this.#isEndHeld(row, within)) throw new OrganisationError('ORGANISATION_HELD')
    if (row.terminatesOn !== undefined) this.#checkWithin(terminatesWithin, within)
    this.#change(id, { terminatesOn: on })
    this.#entries.set(id, { ...this.#get(id), terminatesWithin: on === undefined ? undefined : within })
  }

  async endEmpty(id: string, today: string): Promise<void> {
    const { terminatesOn, suspendedWith = id } = this.#get(id).row
    const owned = [...this.#state.accounts.values()].some((row) => row.organisationId === id)
    if (owned || this.#children(id).length > 0) throw new OrganisationError('ORGANISATION_NOT_EMPTY')
    const on = terminatesOn !== undefined && terminatesOn < today ? terminatesOn : today
    this.#change(id, { terminatesOn: on, state: 'suspended', reason: ORGANISATION_END, suspendedWith })
    const decided = { suspendedWithin: undefined, terminatesWithin: undefined, suspendedByEnd: true }
    this.#entries.set(id, { ...this.#get(id), ...decided })
  }

  async ending(today: string): Promise<Organisation[]> {
    return [...this.#entries.values()]
      .filter(({ row }) => this.#isEnding(row, today))
      .map(({ row }) => this.#shown(row))
      .toSorted((a, b) => b.path.length - a.path.length || (a.id < b.id ? -1 : 1))
  }

  async holdKey(accountId: string): Promise<boolean> {
    if (!this.#state.accounts.has(accountId) || this.#keyHolders.has(accountId)) return false
    this.#keyHolders.add(accountId)
    try {
      this.checkPools()
    } catch (error) {
      this.#keyHolders.delete(accountId)
      throw error
    }
    return true
  }

  async releaseKey(accountId: string): Promise<void> {
    this.#keyHolders.delete(accountId)
  }

  async keyHolders(after: string | undefined, limit: number): Promise<KeyHolder[]> {
    return [...this.#keyHolders]
      .toSorted()
      .flatMap((id) => this.#state.accounts.get(id) ?? [])
      .filter(({ id }) => after === undefined || id > after)
      .slice(0, limit)
      .map(({ id, domain, localpart }) => ({ id, domain, localpart }))
  }

  async countMembers(id: string, usedSince: string): Promise<MemberCounts> {
    const rows = this.#below(id).flatMap(({ row }) => this.#members(row.id))
    const count = (isOne: (row: AccountRow) => boolean) => rows.filter(isOne).length
    return {
      active: count(({ state }) => state === 'active'),
      suspended: count(({ state }) => state === 'suspended'),
      used: count(({ lastUsedOn }) => lastUsedOn !== undefined && lastUsedOn >= usedSince),
      withKey: count((row) => this.#keyHolders.has(row.id)),
    }
  }

  async forgetSpent(before: string): Promise<void> {
    for (const key of this.#spent.keys()) if ((key.split(' ')[2] ?? '') < before) this.#spent.delete(key)
  }

  async pools(id: string, today: string): Promise<Pools> {
    const { sizes } = this.#get(id)
    const pools = POOL_RESOURCES.map((resource) => {
      const used = this.#spent.get(`${id} ${resource} ${today}`) ?? this.#used(id, resource)
      return [resource, { size: sizes[resource], used, given: this.#given(id, resource) }]
    })
    return Object.fromEntries(pools) as Pools
  }

  async setBrand(id: string, brand: Omit<Brand, 'hasLogo'>): Promise<void> {
    const holder = brand.domain === undefined ? undefined : await this.byBrandDomain(brand.domain)
    if (holder !== undefined && holder.id !== id) throw new OrganisationError('BRAND_DOMAIN_TAKEN')
    this.#change(id, { brand: { ...brand, hasLogo: this.#get(id).row.brand.hasLogo } })
  }

  async setLogo(id: string, logo: Buffer | undefined): Promise<void> {
    this.#change(id, { brand: { ...this.#get(id).row.brand, hasLogo: logo !== undefined } })
    this.#entries.set(id, { ...this.#get(id), logo })
  }

  async logo(id: string): Promise<Buffer | undefined> {
    return this.#entries.get(id)?.logo
  }

  async byBrandDomain(domain: string): Promise<Organisation | undefined> {
    return [...this.#entries.values()].find(({ row }) => row.brand.domain === domain)?.row
  }

  async moveAccount(accountId: string, to: string | undefined): Promise<boolean> {
    if (to !== undefined) this.checkActive(to)
    const row = this.#state.accounts.get(accountId)
    if (row === undefined || row.state === 'terminated') return false
    if (row.suspendedWith !== undefined) throw new OrganisationError('ORGANISATION_SUSPENDED')
    this.#state.accounts.set(accountId, { ...row, organisationId: to, suspendedWithin: undefined })
    try {
      this.checkPools()
    } catch (error) {
      this.#state.accounts.set(accountId, row)
      throw error
    }
    return true
  }

  suspend: OrganisationStore['suspend'] = async (id, { reason, byEnd = false, within, onlyWhile }) => {
    const before = this.#get(id)
    if (before.row.state === 'suspended') this.#checkWithin(before.suspendedWithin, within)
    this.#checkOnlyWhile(before, onlyWhile)
    const suspension = { state: 'suspended', reason, suspendedWith: id } as const
    const isOurs = (row: Pick<Organisation, 'suspendedWith'> & { readonly state: string }): boolean =>
      row.state === 'active' || row.suspendedWith === id
    for (const { row } of this.#below(id)) if (isOurs(row)) this.#change(row.id, suspension)
    const suspended = this.#below(id).filter(({ row }) => row.suspendedWith === id)
    for (const entry of suspended)
      this.#entries.set(entry.row.id, { ...entry, suspendedWithin: within, suspendedByEnd: byEnd })
    const rows = suspended.flatMap(({ row }) => this.#members(row.id))
    return this.#setState(rows.filter(isOurs), suspension)
  }

  async reinstate(id: string, today: string, change: StateChange = {}): Promise<string[]> {
    const { within, onlyWhile } = change
    this.#checkBeforeEnd(id, today)
    const {
      row: { suspendedWith },
      suspendedWithin,
    } = this.#get(id)
    if (suspendedWith === undefined) return []
    if (suspendedWith !== id) throw new OrganisationError('ORGANISATION_SUSPENDED')
    this.#checkWithin(suspendedWithin, within)
    this.#checkOnlyWhile(this.#get(id), onlyWhile)
    for (const { row } of this.#below(id)) if (row.suspendedWith === id) this.#change(row.id, ACTIVE)
    return this.#setState(
      [...this.#state.accounts.values()].filter((row) => row.suspendedWith === id),
      ACTIVE,
    )
  }

  async spend(accountId: string, resource: PoolResource, amount: number, today: string): Promise<boolean> {
    const id = this.#state.accounts.get(accountId)?.organisationId
    const size = id === undefined ? undefined : this.#get(id).sizes[resource]
    if (id === undefined || size === undefined) return true
    const key = `${id} ${resource} ${today}`
    const after = (this.#spent.get(key) ?? 0) + amount
    if (after > size - this.#given(id, resource)) return false
    this.#spent.set(key, after)
    return true
  }

  #get(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new OrganisationError('ORGANISATION_UNKNOWN')
    return entry
  }

  /** With the end that comes from above. */
  #shown(row: Organisation): Organisation {
    const ends = row.path.flatMap((id) => this.#get(id).row.terminatesOn ?? [])
    return { ...row, terminatesOn: ends.toSorted()[0] }
  }

  /** Whether an account is suspended, by itself or by an organisation that it is below of, and by nobody within the one given. */
  isSuspendedAbove(account: AccountRow, within: string | undefined): boolean {
    const { organisationId } = account
    const path = organisationId === undefined ? [] : this.#get(organisationId).row.path
    return (
      this.#isItselfSuspendedAbove(account, within) ||
      path.some((id) => this.#isOrganisationSuspendedAbove(this.#get(id), within))
    )
  }

  #isItselfSuspendedAbove(
    { state, suspendedWith, suspendedWithin }: AccountRow,
    within: string | undefined,
  ): boolean {
    return state === 'suspended' && suspendedWith === undefined && !this.#isWithin(suspendedWithin, within)
  }

  /** That it ends is nothing that was done to it. */
  #isOrganisationSuspendedAbove(
    { row, suspendedWithin, suspendedByEnd = false }: Entry,
    within: string | undefined,
  ): boolean {
    return row.state === 'suspended' && !suspendedByEnd && !this.#isWithin(suspendedWithin, within)
  }

  /** Whether it may not end: it, one above or below it, or an account of these below is suspended, by nobody within the one given. */
  #isEndHeld({ id, path }: Organisation, within: string | undefined): boolean {
    const below = this.#below(id)
    const entries = [...path.map((each) => this.#get(each)), ...below]
    return (
      entries.some((entry) => this.#isOrganisationSuspendedAbove(entry, within)) ||
      below
        .flatMap(({ row }) => this.#members(row.id))
        .some((account) => this.#isItselfSuspendedAbove(account, within))
    )
  }

  /** Whether the day of it, or of one above it, has come, and nothing holds that. */
  #isEnding({ path }: Organisation, today: string): boolean {
    return path
      .map((id) => this.#get(id))
      .some(
        ({ row, terminatesWithin }) =>
          row.terminatesOn !== undefined &&
          row.terminatesOn <= today &&
          !this.#isEndHeld(row, terminatesWithin),
      )
  }

  #checkBeforeEnd(id: string, today: string): void {
    if (this.#isEnding(this.#get(id).row, today)) throw new OrganisationError('ORGANISATION_ENDING')
  }

  #checkWithin(decided: string | undefined, within: string | undefined): void {
    if (!this.#isWithin(decided, within)) throw new OrganisationError('ORGANISATION_HELD')
  }

  #checkOnlyWhile({ row }: Entry, onlyWhile: string | null | undefined): void {
    if (onlyWhile !== undefined && row.reason !== (onlyWhile ?? undefined))
      throw new OrganisationError('ORGANISATION_HELD')
  }

  #isWithin(decided: string | undefined, within: string | undefined): boolean {
    return within === undefined || this.#below(within).some(({ row }) => row.id === decided)
  }

  #change(id: string, change: Partial<Organisation>): void {
    const entry = this.#get(id)
    this.#entries.set(id, { ...entry, row: { ...entry.row, ...change } })
  }

  /** Takes it back when a pool does not allow it. */
  #putWithinPools(entry: Entry): void {
    const { id } = entry.row
    const before = this.#entries.get(id)
    this.#entries.set(id, entry)
    try {
      this.checkPools()
    } catch (error) {
      if (before === undefined) this.#entries.delete(id)
      else this.#entries.set(id, before)
      throw error
    }
  }

  #below(id: string): Entry[] {
    return [...this.#entries.values()].filter(({ row }) => row.path.includes(id))
  }

  #children(id: string): Entry[] {
    return [...this.#entries.values()].filter(({ row }) => row.parentId === id)
  }

  #members(id: string): AccountRow[] {
    return [...this.#state.accounts.values()].filter(
      (row) => row.organisationId === id && row.state !== 'terminated',
    )
  }

  #used(id: string, resource: PoolResource): number {
    if (resource === 'accounts') return this.#members(id).length
    if (resource === 'keys') return this.#members(id).filter((row) => this.#keyHolders.has(row.id)).length
    if (resource !== 'mailbox_mib') return 0
    return this.#members(id).reduce((sum, row) => sum + this.#state.mailboxMib(row.id), 0)
  }

  #given(id: string, resource: PoolResource): number {
    return this.#children(id).reduce((sum, { sizes }) => sum + (sizes[resource] ?? 0), 0)
  }

  #setState(rows: readonly AccountRow[], change: Partial<AccountRow>): string[] {
    for (const row of rows) this.#state.accounts.set(row.id, { ...row, ...change })
    return rows.map(({ id }) => id)
  }
}

/** By name in the order of Postgres for plain letters, then by id. */
function compare(one: { name: string; id: string }, other: { name: string; id: string }): number {
  if (one.name !== other.name) return one.name < other.name ? -1 : 1
  if (one.id === other.id) return 0
  return one.id < other.id ? -1 : 1
}
