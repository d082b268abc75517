/** Organisations: server → resellers → customers → accounts. What one may use is bounded by its pools, and these by the pools of the one above. */
import type { Bus } from '@sealpost/bus'
import type { Clock, Random } from '@sealpost/runtime'
import type { Jid } from '@sealpost/jid'
import { AccountError, SUSPENSION_REASON, type Page } from './account.ts'
import { dayOf } from './day.ts'
import {
  ORGANISATION_END,
  OrganisationError,
  type Brand,
  type Deciding,
  type Organisation,
  type OrganisationKind,
  type Pool,
  type PoolResource,
  type PoolSizes,
  type StateChange,
} from './organisation.ts'
import type { AccountStore, Name } from './store.ts'

export interface NewOrganisation {
  readonly name: string
  readonly kind: OrganisationKind
  /** Undefined: directly below the server. */
  readonly parentId: string | undefined
  readonly pools: PoolSizes
}

/** What is undefined stays as it is. */
export interface OrganisationChange {
  readonly name?: string | undefined
  readonly kind?: OrganisationKind | undefined
  readonly pools?: PoolSizes | undefined
}

export interface OrganisationQuery {
  readonly cursor?: string | undefined
  /** 1 to 200. */
  readonly limit: number
  /** Only this one and those below it. */
  readonly within?: string | undefined
  /** Only those directly below. */
  readonly parentId?: string | undefined
  /** Part of the name, in any case. */
  readonly search?: string | undefined
}

/** Accounts of an organisation and all below it, without terminated ones. */
export interface MemberCounts {
  readonly active: number
  readonly suspended: number
  /** Of both, those that were used since a day. */
  readonly used: number
  /** Of both, those with a published certificate. */
  readonly withKey: number
}

/** An account with a certificate that is counted. */
export type KeyHolder = { readonly id: string } & Name

export type Pools = Readonly<Record<PoolResource, Pool>>

export interface OrganisationSuspension extends StateChange {
  readonly reason: string
  /** It is suspended because it ends, which holds no end. */
  readonly byEnd?: boolean
}

/** Throws OrganisationErrors. One contract: organisations.test.ts. */
export interface OrganisationStore {
  /** ORGANISATION_LIMIT when there are `all`, or `ofOne` with the one directly below the server to whom it belongs. */
  insert(
    organisation: NewOrganisation & { id: string; createdOn: string },
    max: { readonly all: number; readonly ofOne: number },
  ): Promise<void>
  find(id: string): Promise<Organisation | undefined>
  /** By name, then id. */
  list(query: {
    after: { name: string; id: string } | undefined
    limit: number
    within: string | undefined
    parentId: string | undefined
    search: string | undefined
  }): Promise<Organisation[]>
  /** The ids of the organisation and all below it; none if it is unknown. */
  within(id: string): Promise<string[]>
  update(id: string, change: OrganisationChange): Promise<void>
  /** ORGANISATION_NOT_EMPTY also while an account is being erased. */
  remove(id: string): Promise<void>
  /**
   * It ends on that day; undefined: not any more. ORGANISATION_ENDING when the day of it, or of one above it, has come before; ORGANISATION_HELD when it, one
   * above or below it, or an account below it, is suspended, or when it ends already, but by nobody `within` the organisation given.
   */
  setEnd(id: string, on: string | undefined, today: string, within?: string): Promise<void>
  /** It ends today, unless something belongs to it: ORGANISATION_NOT_EMPTY. Nothing joins it any more. */
  endEmpty(id: string, today: string): Promise<void>
  /**
   * Those whose day, or that of one above them, has come, while no suspension that would have had setEnd refused holds it; what is below comes before what it is
   * below of.
   */
  ending(today: string): Promise<Organisation[]>
  pools(id: string, today: string): Promise<Pools>
  setBrand(id: string, brand: Omit<Brand, 'hasLogo'>): Promise<void>
  setLogo(id: string, logo: Buffer | undefined): Promise<void>
  logo(id: string): Promise<Buffer | undefined>
  byBrandDomain(domain: string): Promise<Organisation | undefined>
  /** Undefined: to none. False when there is no such account, or it is terminated. */
  moveAccount(accountId: string, to: string | undefined): Promise<boolean>
  /**
   * Suspends it and all below it that are active, and their active accounts, in one transaction; the ids of these accounts. ORGANISATION_HELD when it is
   * suspended already, but by nobody `within` the organisation given.
   */
  suspend(id: string, suspension: OrganisationSuspension): Promise<string[]>
  /** Takes back what `suspend` did with this id; the ids of the accounts. ORGANISATION_ENDING as setEnd, ORGANISATION_HELD as suspend. */
  reinstate(id: string, today: string, change?: StateChange): Promise<string[]>
  /** Counts a use of today; false, and nothing counted, when the pool of the account's organisation has no room. */
  spend(accountId: string, resource: PoolResource, amount: number, today: string): Promise<boolean>
  /** Counts the one certificate that is published for an account; false when it was counted before, or there is no such account. POOL_EXCEEDED. */
  holdKey(accountId: string): Promise<boolean>
  releaseKey(accountId: string): Promise<void>
  /** Accounts whose certificate is counted, by id, after that one. */
  keyHolders(after: string | undefined, limit: number): Promise<KeyHolder[]>
  countMembers(id: string, usedSince: string): Promise<MemberCounts>
  /** Forgets what was spent before a day. */
  forgetSpent(before: string): Promise<void>
}

/** Refusals are OrganisationErrors. */
export interface Organisations {
  create(organisation: NewOrganisation): Promise<Organisation>
  find(id: string): Promise<Organisation | undefined>
  /** As find. Throws ORGANISATION_UNKNOWN. */
  get(id: string): Promise<Organisation>
  /** By name. Throws CURSOR_MALFORMED. */
  list(query: OrganisationQuery): Promise<Page<Organisation>>
  /** Ids of the organisation and of all below it; empty if there is none. */
  within(id: string): Promise<Set<string>>
  /** Undefined: it belongs to the server only, or there is no such account. */
  ofAccount(accountId: string): Promise<Organisation | undefined>
  update(id: string, change: OrganisationChange): Promise<Organisation>
  /** Only when no account, and no organisation, belongs to it. */
  remove(id: string): Promise<void>
  /** It ends, with all below it, on a day that is today or comes. Throws ORGANISATION_ENDING when it has ended before. */
  end(id: string, on: string, by?: Deciding): Promise<Organisation>
  /** It does not end. Throws ORGANISATION_ENDING when its day, or that of one above it, has come. */
  keep(id: string, by?: Deciding): Promise<Organisation>
  /** It ends today. Throws ORGANISATION_NOT_EMPTY, and does nothing, when something belongs to it. */
  endEmpty(id: string): Promise<void>
  /** Those whose day has come and that are not removed yet; what is below comes first. */
  ending(): Promise<Organisation[]>
  pools(id: string): Promise<Pools>
  /** Throws ACCOUNT_UNKNOWN, ACCOUNT_TERMINATED (AccountError). */
  moveAccount(jid: Jid, to: string | undefined): Promise<void>
  /** All of it at once, with everything below it. Throws REASON_MALFORMED (AccountError). */
  suspend(id: string, reason: string, change?: StateChange): Promise<Organisation>
  /** The same because it ends: from then on it goes, with all that belongs to it. */
  suspendForEnd(id: string): Promise<Organisation>
  /** Of what is below it, that which was suspended with it. Throws ORGANISATION_SUSPENDED when one above is suspended. */
  reinstate(id: string, change?: StateChange): Promise<Organisation>
  /** Whether the account may use so much more today; counted if so. An account without an organisation always may. */
  spend(accountId: string, resource: 'mails_per_day', amount: number): Promise<boolean>
  /**
   * Counts the one certificate that is published for an account; false when it was counted before, or there is no such account. Throws POOL_EXCEEDED when its
   * organisation may have no more.
   */
  holdKey(accountId: string): Promise<boolean>
  /** Nothing is published for the account any more. */
  releaseKey(accountId: string): Promise<void>
  /** Accounts whose certificate is counted, in the order of their ids, after that one; at most 200. */
  keyHolders(after: string | undefined): Promise<KeyHolder[]>
  /** Exact, hence for nobody to see as they are. `usedSince`: a day, included. */
  countMembers(id: string, usedSince: string): Promise<MemberCounts>
  /** Forgets what was spent before yesterday. */
  forgetSpent(): Promise<void>
  setBrand(id: string, brand: Omit<Brand, 'hasLogo'>): Promise<Organisation>
  setLogo(id: string, logo: Buffer | undefined): Promise<Organisation>
  logo(id: string): Promise<Buffer | undefined>
  /** Whose pages are on that host. */
  byBrandDomain(domain: string): Promise<Organisation | undefined>
}

const LIMIT_MAX = 200
const ORGANISATIONS_MAX = 10_000
/** Of one that is directly below the server, itself included, so that none takes the room of the others. */
const ORGANISATIONS_OF_ONE_MAX = 1_000

const LIMITS = { all: ORGANISATIONS_MAX, ofOne: ORGANISATIONS_OF_ONE_MAX } as const

export interface OrganisationsParts {
  readonly store: OrganisationStore
  readonly accounts: Pick<AccountStore, 'find' | 'findById'>
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
}

export function createOrganisations(parts: OrganisationsParts): Organisations {
  return new StoredOrganisations(parts)
}

class StoredOrganisations implements Organisations {
  readonly #store: OrganisationStore
  readonly #accounts: OrganisationsParts['accounts']
  readonly #bus: Bus
  readonly #clock: Clock
  readonly #random: Random

  constructor({ store, accounts, bus, clock, random }: OrganisationsParts) {
    this.#store = store
    this.#accounts = accounts
    this.#bus = bus
    this.#clock = clock
    this.#random = random
  }

  async create(organisation: NewOrganisation): Promise<Organisation> {
    const id = this.#random.uuid()
    await this.#store.insert({ ...organisation, id, createdOn: this.#today() }, LIMITS)
    return this.get(id)
  }

  find(id: string): Promise<Organisation | undefined> {
    return this.#store.find(id)
  }

  async get(id: string): Promise<Organisation> {
    const found = await this.find(id)
    if (found === undefined) throw new OrganisationError('ORGANISATION_UNKNOWN')
    return found
  }

  async list({ cursor, limit, within, parentId, search }: OrganisationQuery): Promise<Page<Organisation>> {
    const size = Math.min(Math.max(limit, 1), LIMIT_MAX)
    const after = cursor === undefined ? undefined : parseCursor(cursor)
    const rows = await this.#store.list({ after, limit: size + 1, within, parentId, search })
    const items = rows.slice(0, size)
    const last = items.at(-1)
    return { items, next: rows.length > size && last ? formatCursor(last) : undefined }
  }

  async within(id: string): Promise<Set<string>> {
    return new Set(await this.#store.within(id))
  }

  async ofAccount(accountId: string): Promise<Organisation | undefined> {
    const row = await this.#accounts.findById(accountId)
    return row?.organisationId === undefined ? undefined : this.find(row.organisationId)
  }

  async update(id: string, change: OrganisationChange): Promise<Organisation> {
    await this.#store.update(id, change)
    return this.get(id)
  }

  remove(id: string): Promise<void> {
    return this.#store.remove(id)
  }

  async end(id: string, on: string, { within }: Deciding = {}): Promise<Organisation> {
    await this.#store.setEnd(id, on, this.#today(), within)
    return this.get(id)
  }

  async keep(id: string, { within }: Deciding = {}): Promise<Organisation> {
    await this.#store.setEnd(id, undefined, this.#today(), within)
    return this.get(id)
  }

  endEmpty(id: string): Promise<void> {
    return this.#store.endEmpty(id, this.#today())
  }

  ending(): Promise<Organisation[]> {
    return this.#store.ending(this.#today())
  }

  async pools(id: string): Promise<Pools> {
    return this.#store.pools(id, this.#today())
  }

  async moveAccount({ domain, local }: Jid, to: string | undefined): Promise<void> {
    const row = await this.#accounts.find({ domain, localpart: local })
    if (row === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
    if (!(await this.#store.moveAccount(row.id, to))) throw new AccountError('ACCOUNT_TERMINATED')
    await this.#bus.publish('account/changed', { accountId: row.id })
  }

  async suspend(id: string, reason: string, change: StateChange = {}): Promise<Organisation> {
    if (!SUSPENSION_REASON.test(reason)) throw new AccountError('REASON_MALFORMED')
    return this.#announce(id, await this.#store.suspend(id, { ...change, reason }))
  }

  async suspendForEnd(id: string): Promise<Organisation> {
    return this.#announce(id, await this.#store.suspend(id, { reason: ORGANISATION_END, byEnd: true }))
  }

  async reinstate(id: string, change?: StateChange): Promise<Organisation> {
    return this.#announce(id, await this.#store.reinstate(id, this.#today(), change))
  }

  async #announce(id: string, accountIds: readonly string[]): Promise<Organisation> {
    for (const accountId of accountIds) await this.#bus.publish('account/changed', { accountId })
    return this.get(id)
  }

  spend(accountId: string, resource: 'mails_per_day', amount: number): Promise<boolean> {
    return this.#store.spend(accountId, resource, amount, this.#today())
  }

  holdKey(accountId: string): Promise<boolean> {
    return this.#store.holdKey(accountId)
  }

  releaseKey(accountId: string): Promise<void> {
    return this.#store.releaseKey(accountId)
  }

  keyHolders(after: string | undefined): Promise<KeyHolder[]> {
    return this.#store.keyHolders(after, LIMIT_MAX)
  }

  countMembers(id: string, usedSince: string): Promise<MemberCounts> {
    return this.#store.countMembers(id, usedSince)
  }

  forgetSpent(): Promise<void> {
    return this.#store.forgetSpent(dayOf(this.#clock.now(), -1))
  }

  async setBrand(id: string, brand: Omit<Brand, 'hasLogo'>): Promise<Organisation> {
    await this.#store.setBrand(id, brand)
    return this.get(id)
  }

  async setLogo(id: string, logo: Buffer | undefined): Promise<Organisation> {
    await this.#store.setLogo(id, logo)
    return this.get(id)
  }

  logo(id: string): Promise<Buffer | undefined> {
    return this.#store.logo(id)
  }

  byBrandDomain(domain: string): Promise<Organisation | undefined> {
    return this.#store.byBrandDomain(domain)
  }

  #today(): string {
    return dayOf(this.#clock.now())
  }
}

/** Opaque to clients: name and id of the last one of the page before. */
function formatCursor({ id, name }: Organisation): string {
  return Buffer.from(`${id}/${name}`).toString('base64url')
}

const CURSOR = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([^\0]{1,200})$/

function parseCursor(cursor: string): { name: string; id: string } {
  const [, id, name] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (id === undefined || name === undefined) throw new AccountError('CURSOR_MALFORMED')
  return { id, name }
}
