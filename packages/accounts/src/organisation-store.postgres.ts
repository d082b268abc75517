/** Organisations in Postgres, schema `account`. Pools are kept by triggers: what they refuse is turned into words here. */
import { DbError, sql, type Db, type Sql, type Tx } from '@sealpost/db'
import {
  ORGANISATION_END,
  OrganisationError,
  POOL_RESOURCES,
  type Organisation,
  type OrganisationErrorCode,
  type PoolResource,
  type StateChange,
} from './organisation.ts'
import type { KeyHolder, MemberCounts, OrganisationStore, Pools } from './organisations.ts'
import { noteEvent } from './outbox.ts'

interface SqlOrganisation {
  id: string
  name: string
  kind: string
  state: string
  suspension_reason: string | null
  suspended_with: string | null
  parent_id: string | null
  path: string[]
  created_on: string
  terminates_on: string | null
  brand_name: string | null
  brand_colour: string | null
  brand_text_colour: string | null
  brand_domain: string | null
  brand_support_url: string | null
  has_logo: boolean
}

const COLUMNS = sql`
  o.id, o.name, o.kind, o.state, o.suspension_reason, o.suspended_with, o.parent_id, o.path, o.created_on,
  (select min(above.terminates_on) from account.organisation above where above.id = any(o.path)) as terminates_on,
  o.brand_name, o.brand_colour, o.brand_text_colour, o.brand_domain, o.brand_support_url,
  o.brand_logo is not null as has_logo`

const REFUSALS: Readonly<Record<string, OrganisationErrorCode>> = {
  pool_exceeded: 'POOL_EXCEEDED',
  pool_unbounded: 'POOL_UNBOUNDED',
  organisation_kind: 'ORGANISATION_KIND',
  organisation_depth: 'ORGANISATION_DEPTH',
  organisation_suspended: 'ORGANISATION_SUSPENDED',
  organisation_brand_domain_key: 'BRAND_DOMAIN_TAKEN',
  account_organisation_id_fkey: 'ORGANISATION_UNKNOWN',
}
const FOREIGN_KEY_VIOLATION = '23503'

/** Says in words of the domain what a trigger or a constraint about organisations refused; throws anything else as it is. */
export async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const code = error instanceof DbError ? REFUSALS[error.constraint ?? ''] : undefined
    throw code === undefined ? error : new OrganisationError(code)
  }
}

/** Whether whom the column names is the organisation given, or below it; whether nobody bounds who asks: undefined, or null in a column. */
export function isWithin(column: Sql, within: Sql | string | undefined): Sql {
  if (within === undefined) return sql`true`
  const isBelow = (id: Sql): Sql =>
    sql`coalesce(${column} in (select id from account.organisation where path @> array[${id}]), false)`
  return typeof within === 'string'
    ? isBelow(sql`${within}::uuid`)
    : sql`(${within} is null or ${isBelow(within)})`
}

/** Whether an account `a` is suspended, by itself or by an organisation that it is below of, and by nobody within the one given. */
export function isSuspendedAbove(within: Sql | string | undefined): Sql {
  return sql`(${isItselfSuspendedAbove(within)} or exists (
    select from account.organisation own join account.organisation o on o.id = any(own.path)
    where own.id = a.organisation_id and ${isOrganisationSuspendedAbove(within)}))`
}

function isItselfSuspendedAbove(within: Sql | string | undefined): Sql {
  return sql`(a.state = 'suspended' and a.suspended_with is null and not ${isWithin(sql`a.suspended_within`, within)})`
}

/** Of an organisation `o`; that it ends is nothing that was done to it. COMPAT: the release before says that by the reason alone. */
function isOrganisationSuspendedAbove(within: Sql | string | undefined): Sql {
  return sql`(o.state = 'suspended' and not coalesce(o.suspended_by_end, o.suspension_reason = ${ORGANISATION_END})
    and not ${isWithin(sql`o.suspended_within`, within)})`
}

/** Whether an organisation `ended` may not end: it, one above or below it, or an account of these below is suspended, by nobody within the one given. */
function isEndHeld(within: Sql | string | undefined): Sql {
  return sql`(exists (
    select from account.organisation o
    where (o.id = any(ended.path) or o.path @> array[ended.id]) and ${isOrganisationSuspendedAbove(within)})
  or exists (
    select from account.account a join account.organisation own on own.id = a.organisation_id
    where own.path @> array[ended.id] and ${isItselfSuspendedAbove(within)}))`
}

/** Whether the day of an organisation `ended` has come, and nothing holds it. */
function isEnding(today: string): Sql {
  return sql`(ended.terminates_on <= ${today}::date and not ${isEndHeld(sql`ended.terminates_within`)})`
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresOrganisationStore(db: Db): OrganisationStore {
  return new PostgresOrganisationStore(db)
}

class PostgresOrganisationStore implements OrganisationStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  insert: OrganisationStore['insert'] = async ({ id, name, kind, parentId, createdOn, pools }, max) => {
    const insert = this.#db.transaction(async (tx) => {
      await tx.execute(sql`lock table account.organisation in share row exclusive mode`)
      const [count] = await tx.query<{ full: boolean }>(sql`
        select count(*) >= ${max.all}::int or count(*) filter (where path[1] = (
          select above.path[1] from account.organisation above where above.id = ${parentId ?? null}::uuid)) >= ${max.ofOne}::int as full
        from account.organisation`)
      if (count?.full !== false) throw new OrganisationError('ORGANISATION_LIMIT')
      await tx.execute(sql`
        insert into account.organisation (id, name, kind, parent_id, created_on)
        values (${id}::uuid, ${name}, ${kind}, ${parentId ?? null}::uuid, ${createdOn}::date)`)
      await setPools(tx, id, pools)
    })
    await refusing(insert)
  }

  async find(id: string): Promise<Organisation | undefined> {
    const rows = await this.#db.query<SqlOrganisation>(
      sql`select ${COLUMNS} from account.organisation o where o.id = ${id}::uuid`,
      { name: 'organisation-find' },
    )
    return rows.map(parse)[0]
  }

  list: OrganisationStore['list'] = async ({ after, limit, within, parentId, search }) => {
    const pattern = search === undefined ? null : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
    const rows = await this.#db.query<SqlOrganisation>(sql`
      select ${COLUMNS} from account.organisation o
      where (${after?.id ?? null}::uuid is null or (o.name, o.id) > (${after?.name ?? null}::text, ${after?.id ?? null}::uuid))
        and (${within ?? null}::uuid is null or o.path @> array[${within ?? null}::uuid])
        and (${parentId ?? null}::uuid is null or o.parent_id = ${parentId ?? null}::uuid)
        and (${pattern}::text is null or o.name ilike ${pattern})
      order by o.name, o.id limit ${limit}::int`)
    return rows.map(parse)
  }

  async within(id: string): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      sql`select id from account.organisation where path @> array[${id}::uuid]`,
      { name: 'organisation-within' },
    )
    return rows.map((row) => row.id)
  }

  update: OrganisationStore['update'] = async (id, { name, kind, pools = {} }) => {
    const update = this.#db.transaction(async (tx) => {
      const changed = await tx.execute(sql`
        update account.organisation set name = coalesce(${name ?? null}, name), kind = coalesce(${kind ?? null}, kind)
        where id = ${id}::uuid`)
      if (changed === 0) throw new OrganisationError('ORGANISATION_UNKNOWN')
      await setPools(tx, id, pools)
    })
    await refusing(update)
  }

  async remove(id: string): Promise<void> {
    try {
      const removed = await this.#db.execute(sql`delete from account.organisation where id = ${id}::uuid`)
      if (removed === 0) throw new OrganisationError('ORGANISATION_UNKNOWN')
    } catch (error) {
      if (error instanceof DbError && error.code === FOREIGN_KEY_VIOLATION)
        throw new OrganisationError('ORGANISATION_NOT_EMPTY')
      throw error
    }
  }

  setEnd: OrganisationStore['setEnd'] = (id, on, today, within) =>
    this.#db.transaction(async (tx) => {
      await holdBeforeEnd(tx, id, today)
      const changed = await tx.execute(sql`
        update account.organisation ended set terminates_on = ${on ?? null}::date,
          terminates_within = ${on === undefined ? null : (within ?? null)}::uuid
        where id = ${id}::uuid and (terminates_on is null or ${isWithin(sql`terminates_within`, within)})
          and (${on ?? null}::date is null or not ${isEndHeld(within)})`)
      if (changed === 0) throw new OrganisationError('ORGANISATION_HELD')
    })

  async endEmpty(id: string, today: string): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await hold(tx, id)
      const [found] = await tx.query<{ empty: boolean }>(sql`
        select not exists (select from account.account where organisation_id = ${id}::uuid)
          and not exists (select from account.organisation where parent_id = ${id}::uuid) as empty`)
      if (found?.empty !== true) throw new OrganisationError('ORGANISATION_NOT_EMPTY')
      await tx.execute(sql`
        update account.organisation set terminates_on = least(terminates_on, ${today}::date), terminates_within = null, state = 'suspended',
          suspension_reason = ${ORGANISATION_END}, suspended_by_end = true, suspended_with = coalesce(suspended_with, id), suspended_within = null
        where id = ${id}::uuid`)
    })
  }

  async ending(today: string): Promise<Organisation[]> {
    const rows = await this.#db.query<SqlOrganisation>(sql`
      select ${COLUMNS} from account.organisation ended join account.organisation o on o.path @> array[ended.id]
      where ${isEnding(today)}
      group by o.id order by cardinality(o.path) desc, o.id`)
    return rows.map(parse)
  }

  async holdKey(accountId: string): Promise<boolean> {
    const counting = this.#db.execute(sql`
      insert into account.published_key (account_id) select id from account.account where id = ${accountId}::uuid
      on conflict do nothing`)
    return (await refusing(counting)) > 0
  }

  async releaseKey(accountId: string): Promise<void> {
    await this.#db.execute(sql`delete from account.published_key where account_id = ${accountId}::uuid`)
  }

  keyHolders(after: string | undefined, limit: number): Promise<KeyHolder[]> {
    return this.#db.query<KeyHolder>(sql`
      select a.id, a.domain, a.localpart from account.published_key join account.account a on a.id = account_id
      where ${after ?? null}::uuid is null or account_id > ${after ?? null}::uuid order by account_id limit ${limit}::int`)
  }

  async countMembers(id: string, usedSince: string): Promise<MemberCounts> {
    const [row] = await this.#db.query<{
      active: number
      suspended: number
      used: number
      with_key: number
    }>(sql`
      select count(*) filter (where a.state = 'active')::int as active, count(*) filter (where a.state = 'suspended')::int as suspended,
        count(*) filter (where a.last_used_on >= ${usedSince}::date)::int as used, count(k.account_id)::int as with_key
      from account.account a left join account.published_key k on k.account_id = a.id
      where a.state <> 'terminated'
        and a.organisation_id in (select o.id from account.organisation o where o.path @> array[${id}::uuid])`)
    const { active = 0, suspended = 0, used = 0, with_key: withKey = 0 } = row ?? {}
    return { active, suspended, used, withKey }
  }

  async forgetSpent(before: string): Promise<void> {
    await this.#db.execute(sql`delete from account.pool_day where day < ${before}::date`)
  }

  async pools(id: string, today: string): Promise<Pools> {
    const rows = await this.#db.query<{
      resource: PoolResource
      size: number | null
      used: number
      given: number
    }>(sql`
      select p.resource, p.size, coalesce(d.used, p.used) as used, p.given from account.pool p
      left join account.pool_day d on d.organisation_id = p.organisation_id and d.resource = p.resource and d.day = ${today}::date
      where p.organisation_id = ${id}::uuid`)
    if (rows.length < POOL_RESOURCES.length) throw new OrganisationError('ORGANISATION_UNKNOWN')
    const pools = rows.map(({ resource, size, used, given }) => [
      resource,
      { size: size ?? undefined, used, given },
    ])
    return Object.fromEntries(pools) as Pools
  }

  setBrand: OrganisationStore['setBrand'] = async (id, { name, colours, domain, supportUrl }) => {
    const update = this.#db.execute(sql`
      update account.organisation set brand_name = ${name ?? null}, brand_colour = ${colours?.background ?? null},
        brand_text_colour = ${colours?.text ?? null}, brand_domain = ${domain ?? null},
        brand_support_url = ${supportUrl ?? null}
      where id = ${id}::uuid`)
    if ((await refusing(update)) === 0) throw new OrganisationError('ORGANISATION_UNKNOWN')
  }

  async setLogo(id: string, logo: Buffer | undefined): Promise<void> {
    const changed = await this.#db.execute(
      sql`update account.organisation set brand_logo = ${logo ?? null} where id = ${id}::uuid`,
    )
    if (changed === 0) throw new OrganisationError('ORGANISATION_UNKNOWN')
  }

  async logo(id: string): Promise<Buffer | undefined> {
    const [row] = await this.#db.query<{ brand_logo: Buffer | null }>(
      sql`select brand_logo from account.organisation where id = ${id}::uuid`,
    )
    return row?.brand_logo ?? undefined
  }

  async byBrandDomain(domain: string): Promise<Organisation | undefined> {
    const rows = await this.#db.query<SqlOrganisation>(
      sql`select ${COLUMNS} from account.organisation o where o.brand_domain = ${domain}`,
    )
    return rows.map(parse)[0]
  }

  async moveAccount(accountId: string, to: string | undefined): Promise<boolean> {
    const move = this.#db.transaction(async (tx) => {
      // The organisation first, then the account: the order in which a suspension takes them.
      if (to !== undefined) await holdActive(tx, to)
      const [row] = await tx.query<{ held: boolean }>(sql`
        select suspended_with is not null as held from account.account
        where id = ${accountId}::uuid and state <> 'terminated' for no key update`)
      if (row === undefined) return false
      if (row.held) throw new OrganisationError('ORGANISATION_SUSPENDED')
      await tx.execute(sql`
        update account.account set organisation_id = ${to ?? null}::uuid, suspended_within = null where id = ${accountId}::uuid`)
      return true
    })
    return refusing(move)
  }

  suspend: OrganisationStore['suspend'] = (id, { reason, byEnd = false, within, event, onlyWhile }) => {
    return this.#db.transaction(async (tx) => {
      await hold(tx, id)
      await checkDecidedWithin(tx, id, within)
      await checkOnlyWhile(tx, id, onlyWhile)
      await tx.execute(sql`
        update account.organisation set state = 'suspended', suspension_reason = ${reason}, suspended_with = ${id}::uuid,
          suspended_within = ${within ?? null}::uuid, suspended_by_end = ${byEnd}::boolean
        where path @> array[${id}::uuid] and (state = 'active' or suspended_with = ${id}::uuid)`)
      const rows = await tx.query<{ id: string }>(sql`
        update account.account set state = 'suspended', suspension_reason = ${reason}, suspended_with = ${id}::uuid
        where organisation_id in (select o.id from account.organisation o where o.suspended_with = ${id}::uuid)
          and (state = 'active' or suspended_with = ${id}::uuid)
        returning id`)
      await noteEvent(tx, event)
      return rows.map((row) => row.id)
    })
  }

  async reinstate(id: string, today: string, change: StateChange = {}): Promise<string[]> {
    const { within, event, onlyWhile } = change
    return this.#db.transaction(async (tx) => {
      const { suspendedWith } = await holdBeforeEnd(tx, id, today)
      if (suspendedWith === undefined) return []
      if (suspendedWith !== id) throw new OrganisationError('ORGANISATION_SUSPENDED')
      await checkDecidedWithin(tx, id, within)
      await checkOnlyWhile(tx, id, onlyWhile)
      await tx.execute(sql`
        update account.organisation set state = 'active', suspension_reason = null, suspended_with = null, suspended_within = null,
          suspended_by_end = null
        where path @> array[${id}::uuid] and suspended_with = ${id}::uuid`)
      const rows = await tx.query<{ id: string }>(sql`
        update account.account set state = 'active', suspension_reason = null, suspended_with = null
        where suspended_with = ${id}::uuid returning id`)
      await noteEvent(tx, event)
      return rows.map((row) => row.id)
    })
  }

  async spend(accountId: string, resource: PoolResource, amount: number, today: string): Promise<boolean> {
    const [pool] = await this.#db.query<{ id: string; room: number | null }>(
      sql`
        select p.organisation_id as id, p.size - p.given as room from account.account a
        join account.pool p on p.organisation_id = a.organisation_id and p.resource = ${resource}
        where a.id = ${accountId}::uuid`,
      { name: 'pool-of-account' },
    )
    if (pool === undefined || pool.room === null) return true
    if (amount > pool.room) return false
    const spent = await this.#db.execute(sql`
      insert into account.pool_day as d (organisation_id, resource, day, used)
      values (${pool.id}::uuid, ${resource}, ${today}::date, ${amount}::bigint)
      on conflict (organisation_id, resource, day) do update set used = d.used + excluded.used
      where d.used + excluded.used <= ${pool.room}::bigint`)
    return spent > 0
  }
}

/** Until the end of the transaction. Throws ORGANISATION_UNKNOWN. */
async function hold(tx: Tx, id: string): Promise<{ suspendedWith: string | undefined }> {
  const rows = await tx.query<{ suspended_with: string | null }>(
    sql`select suspended_with from account.organisation where path @> array[${id}::uuid] order by cardinality(path), id for no key update`,
  )
  const [top] = rows
  if (top === undefined) throw new OrganisationError('ORGANISATION_UNKNOWN')
  return { suspendedWith: top.suspended_with ?? undefined }
}

/** As hold. Throws ORGANISATION_ENDING when the day of it, or of one above it, has come. */
async function holdBeforeEnd(tx: Tx, id: string, today: string): ReturnType<typeof hold> {
  const held = await hold(tx, id)
  const ended = await tx.query(sql`
    select from account.organisation o join account.organisation ended on ended.id = any(o.path)
    where o.id = ${id}::uuid and ${isEnding(today)}`)
  if (ended.length > 0) throw new OrganisationError('ORGANISATION_ENDING')
  return held
}

/** Throws ORGANISATION_HELD when it is suspended, but by nobody within the organisation given. */
async function checkDecidedWithin(tx: Tx, id: string, within: string | undefined): Promise<void> {
  const held = await tx.query(sql`
    select from account.organisation
    where id = ${id}::uuid and state = 'suspended' and not ${isWithin(sql`suspended_within`, within)}`)
  if (held.length > 0) throw new OrganisationError('ORGANISATION_HELD')
}

/** Throws ORGANISATION_HELD when its suspension has another code than the one given, null: when it is suspended. */
async function checkOnlyWhile(tx: Tx, id: string, onlyWhile: string | null | undefined): Promise<void> {
  if (onlyWhile === undefined) return
  const [found] = await tx.query<{ reason: string | null }>(
    sql`select suspension_reason as reason from account.organisation where id = ${id}::uuid`,
  )
  if (found?.reason !== onlyWhile) throw new OrganisationError('ORGANISATION_HELD')
}

async function holdActive(tx: Tx, id: string): Promise<void> {
  const [row] = await tx.query<{ state: string }>(
    sql`select state from account.organisation where id = ${id}::uuid for share`,
  )
  if (row === undefined) throw new OrganisationError('ORGANISATION_UNKNOWN')
  if (row.state !== 'active') throw new OrganisationError('ORGANISATION_SUSPENDED')
}

async function setPools(tx: Tx, id: string, pools: object): Promise<void> {
  for (const [resource, size] of Object.entries(pools) as [PoolResource, number | undefined][])
    await tx.execute(sql`
      update account.pool set size = ${size ?? null}::bigint where organisation_id = ${id}::uuid and resource = ${resource}`)
}

function parse(row: SqlOrganisation): Organisation {
  const { brand_colour: background, brand_text_colour: text } = row
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as Organisation['kind'],
    state: row.state as Organisation['state'],
    reason: row.suspension_reason ?? undefined,
    suspendedWith: row.suspended_with ?? undefined,
    parentId: row.parent_id ?? undefined,
    path: row.path,
    createdOn: row.created_on,
    terminatesOn: row.terminates_on ?? undefined,
    brand: {
      name: row.brand_name ?? undefined,
      colours: background === null || text === null ? undefined : { background, text },
      domain: row.brand_domain ?? undefined,
      supportUrl: row.brand_support_url ?? undefined,
      hasLogo: row.has_logo,
    },
  }
}
