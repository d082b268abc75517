/** The accounts' store in Postgres, schema `account`. The only code that names these tables. */
import { gather, join, sql, type Db, type Sql, type Tx } from '@sealpost/db'
import type { ScramHash, ScramVerifier } from '@sealpost/sasl'
import type { AccountState } from './account.ts'
import { parseAppLogin } from './app-passwords.ts'
import type { StateChange } from './organisation.ts'
import { isSuspendedAbove, isWithin, refusing } from './organisation-store.postgres.ts'
import { noteEvent } from './outbox.ts'
import { AccountSecrets } from './secrets.postgres.ts'
import type {
  AccountRow,
  AccountStore,
  ForeignVerifier,
  FoundVerifier,
  InsertResult,
  ListQuery,
  Name,
  NewAccount,
  PasswordChange,
  Suspension,
} from './store.ts'

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresAccountStore(db: Db): AccountStore {
  return new PostgresAccountStore(db)
}

interface SqlAccount {
  id: string
  domain: string
  localpart: string
  state: string
  suspension_reason: string | null
  organisation_id: string | null
  suspended_until: string | null
  terminates_on: string | null
  suspended_with: string | null
  suspended_within: string | null
  terminates_within: string | null
  created_on: string
  last_used_on: string | null
  sign_outs: number
}

interface SqlCredential {
  hash: string
  salt: Buffer
  iterations: number
  stored_key: Buffer
  server_key: Buffer
}

const ACCOUNT_COLUMNS = sql`
  a.id, a.domain, a.localpart, a.state, a.suspension_reason, a.organisation_id, a.suspended_until, a.terminates_on, a.suspended_with, a.suspended_within,
  a.terminates_within,  a.created_on, a.last_used_on, a.sign_outs`

/** With 10 ms a burst of sign-ins leaves a fifth of the processor idle; with 2 ms each statement answers too few (`npm run bench -- signin`). */
const VERIFIER_PAUSE_MS = 5

class PostgresAccountStore implements AccountStore {
  readonly #db: Db
  readonly #secrets: AccountSecrets

  readonly #find: (name: Name) => Promise<AccountRow | undefined>
  readonly #verifier: (wanted: Name & { hash: ScramHash }) => Promise<FoundVerifier | undefined>
  readonly #foreignVerifier: (name: Name) => Promise<ForeignVerifier | undefined>

  constructor(db: Db) {
    this.#db = db
    this.#secrets = new AccountSecrets(db)
    this.#find = gather((names) => findAccounts(db, names), { pauseMs: 0 })
    this.#verifier = gather((wanted) => findVerifiers(db, wanted), { pauseMs: VERIFIER_PAUSE_MS })
    this.#foreignVerifier = gather((names) => findForeignVerifiers(db, names), { pauseMs: VERIFIER_PAUSE_MS })
  }

  async insert(rows: readonly NewAccount[], today: string): Promise<InsertResult[]> {
    const hashes = await nameHashes(this.#secrets, rows)
    return refusing(this.#db.transaction((tx) => insertNew(tx, rows, hashes, today)))
  }

  async taken(names: readonly Name[]): Promise<boolean[]> {
    const rows = await this.#db.query<Name>(sql`
      select a.domain, a.localpart from account.account a
      join unnest(${names.map((n) => n.domain)}::text[], ${names.map((n) => n.localpart)}::text[])
        as n (domain, localpart) on a.domain = n.domain and a.localpart = n.localpart`)
    const taken = new Set(rows.map(nameKey))
    return names.map((name) => taken.has(nameKey(name)))
  }

  async retired(name: Name): Promise<boolean> {
    const hash = await this.#secrets.nameHash(name)
    return (await this.#db.query(sql`select from account.tombstone where name_hash = ${hash}`)).length > 0
  }

  find(name: Name): Promise<AccountRow | undefined> {
    return this.#find(name)
  }

  async findById(id: string): Promise<AccountRow | undefined> {
    const rows = await this.#db.query<SqlAccount>(
      sql`select ${ACCOUNT_COLUMNS} from account.account a where a.id = ${id}::uuid`,
      { name: 'account-find-by-id' },
    )
    return rows.map(parseAccount)[0]
  }

  async activeAfter(id: string | undefined, limit: number): Promise<AccountRow[]> {
    const rows = await this.#db.query<SqlAccount>(sql`
      select ${ACCOUNT_COLUMNS} from account.account a
      where a.state = 'active' and (${id ?? null}::uuid is null or a.id > ${id ?? null}::uuid) order by a.id limit ${limit}::int`)
    return rows.map(parseAccount)
  }

  verifier(name: Name, hash: ScramHash): Promise<FoundVerifier | undefined> {
    return this.#verifier({ ...name, hash })
  }

  foreignVerifier(name: Name): Promise<ForeignVerifier | undefined> {
    return this.#foreignVerifier(name)
  }

  async setForeignVerifier(id: string, verifier: ScramVerifier): Promise<boolean> {
    const { hash, salt, iterations, storedKey, serverKey } = verifier
    return this.#db.transaction(async (tx) => {
      if (!(await holdAlive(tx, id))) return false
      const set = await tx.execute(sql`
        insert into account.foreign_verifier (account_id, hash, salt, iterations, stored_key, server_key)
        select ${id}::uuid, ${hash}, ${salt}::bytea, ${iterations}::int, ${storedKey}::bytea, ${serverKey}::bytea
        where not exists (select from account.credential where account_id = ${id}::uuid)
        on conflict (account_id) do update set hash = excluded.hash, salt = excluded.salt, iterations = excluded.iterations,
          stored_key = excluded.stored_key, server_key = excluded.server_key`)
      return set > 0
    })
  }

  async replaceForeignVerifier(id: string, verifiers: readonly ScramVerifier[]): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      if (!(await holdAlive(tx, id))) return false
      const gone = await tx.execute(sql`delete from account.foreign_verifier where account_id = ${id}::uuid`)
      return gone > 0 && replaceVerifiers(tx, id, verifiers)
    })
  }

  decoySecret(): Promise<Buffer> {
    return this.#secrets.get('decoy')
  }

  async replaceVerifiers(
    id: string,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ): Promise<boolean> {
    return this.#db.transaction((tx) => replaceVerifiers(tx, id, verifiers, change))
  }

  async signOut(id: string): Promise<boolean> {
    return (await signOut(this.#db, id)) > 0
  }

  async isGood(id: string, signOuts: number, appPasswordId: string | undefined): Promise<boolean> {
    const rows = await this.#db.query(
      sql`select from account.account a
        where a.id = ${id}::uuid and a.state = 'active' and a.sign_outs = ${signOuts}::int
          and (${appPasswordId ?? null}::uuid is null or exists (
            select from account.app_password p where p.id = ${appPasswordId ?? null}::uuid and p.account_id = a.id))`,
      { name: 'account-credential-is-good' },
    )
    return rows.length > 0
  }

  setState(name: Name, suspension: Suspension | undefined, change: StateChange = {}) {
    const { within, event, onlyWhile } = change
    const state = suspension === undefined ? 'active' : 'suspended'
    return this.#db.transaction(async (tx) => {
      const rows = await tx.query<SqlAccount>(sql`
      update account.account a set state = ${state}, suspension_reason = ${suspension?.reason ?? null},
        suspended_until = ${suspension?.until ?? null}::date, suspended_with = null,
        suspended_within = ${suspension === undefined ? null : (within ?? null)}::uuid
      where a.domain = ${name.domain} and a.localpart = ${name.localpart} and a.state <> 'terminated'
        and (${state} = 'suspended' or (a.suspended_with is null and not exists (
          select from account.organisation o where o.id = a.organisation_id and o.state = 'suspended')))
        and (a.state = 'active' or ${isWithin(sql`a.suspended_within`, within)})
        and (${onlyWhile === undefined}::boolean or a.suspension_reason is not distinct from ${onlyWhile ?? null}::text)
      returning ${ACCOUNT_COLUMNS}`)
      if (rows.length > 0) await noteEvent(tx, event)
      return rows.map(parseAccount)[0]
    })
  }

  async terminate(name: Name, owners: readonly string[], today: string): Promise<AccountRow | undefined> {
    const hash = await this.#secrets.nameHash(name)
    return this.#db.transaction(async (tx) => {
      const [row] = await tx.query<SqlAccount>(sql`
        update account.account a set state = 'terminated', suspension_reason = null, suspended_until = null, suspended_with = null,
          suspended_within = null, terminates_on = null, terminates_within = null
        where a.domain = ${name.domain} and a.localpart = ${name.localpart}
        returning ${ACCOUNT_COLUMNS}`)
      if (row === undefined) return undefined
      await tx.execute(sql`delete from account.credential where account_id = ${row.id}::uuid`)
      await tx.execute(sql`delete from account.foreign_verifier where account_id = ${row.id}::uuid`)
      await tx.execute(sql`delete from account.app_password where account_id = ${row.id}::uuid`)
      await tx.execute(sql`delete from account.invite where account_id = ${row.id}::uuid`)
      await tx.execute(sql`insert into account.tombstone (name_hash) values (${hash}) on conflict do nothing`)
      await tx.execute(sql`
        insert into account.erasure (account_id, owner, requested_on, done_on)
        select ${row.id}::uuid, owner, ${today}::date, case when owner = 'account' then ${today}::date end
        from unnest(${[...owners]}::text[]) as owner on conflict do nothing`)
      return parseAccount(row)
    })
  }

  async recordUse(ids: readonly string[], day: string): Promise<void> {
    // Rows are locked in the order of their ids, so that two processes flushing at once cannot deadlock.
    await this.#db.execute(sql`
      with used as (
        select id from account.account
        where id = any(${[...ids]}::uuid[]) and last_used_on is distinct from ${day}::date
        order by id for no key update
      )
      update account.account a set last_used_on = ${day}::date from used where a.id = used.id`)
  }

  async counts(): Promise<Record<AccountState, number>> {
    const rows = await this.#db.query<{ state: AccountState; count: number }>(
      sql`select state, count(*)::integer as count from account.account group by state`,
    )
    const counted = Object.fromEntries(rows.map(({ state, count }) => [state, count]))
    return { active: 0, suspended: 0, terminated: 0, ...counted }
  }

  async setTermination({ domain, localpart }: Name, on: string | undefined, within?: string) {
    const rows = await this.#db.query<SqlAccount>(sql`
      update account.account a set terminates_on = ${on ?? null}::date,
        terminates_within = ${on === undefined ? null : (within ?? null)}::uuid
      where a.domain = ${domain} and a.localpart = ${localpart} and a.state <> 'terminated'
        and (a.terminates_on is null or ${isWithin(sql`a.terminates_within`, within)})
        and (${on ?? null}::date is null or not ${isSuspendedAbove(within)})
      returning ${ACCOUNT_COLUMNS}`)
    return rows.map(parseAccount)[0]
  }

  async liftSuspensions(today: string, limit: number): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(sql`
      update account.account set state = 'active', suspension_reason = null, suspended_until = null, suspended_within = null
      where id in (
        select a.id from account.account a where a.suspended_until <= ${today}::date and not exists (
          select from account.organisation o where o.id = a.organisation_id and o.state = 'suspended')
        order by a.id limit ${limit}::int for no key update)
      returning id`)
    return rows.map((row) => row.id)
  }

  async leaving(today: string, limit: number): Promise<AccountRow[]> {
    const rows = await this.#db.query<SqlAccount>(sql`
      select ${ACCOUNT_COLUMNS} from account.account a
      where a.terminates_on <= ${today}::date and a.state <> 'terminated'
        and not ${isSuspendedAbove(sql`a.terminates_within`)} order by a.id limit ${limit}::int`)
    return rows.map(parseAccount)
  }

  async list(query: ListQuery): Promise<AccountRow[]> {
    const rows = await this.#db.query<SqlAccount>(sql`
      select ${ACCOUNT_COLUMNS} from account.account a where ${join(conditions(query), ' and ')}
      order by a.domain, a.localpart limit ${query.limit}::int`)
    return rows.map(parseAccount)
  }

  async erasuresPending(owner: string, limit: number): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(sql`
      select account_id as id from account.erasure
      where owner = ${owner} and done_on is null order by requested_on, account_id limit ${limit}::int`)
    return rows.map((row) => row.id)
  }

  async erasureDone(owner: string, accountId: string, today: string): Promise<void> {
    await this.#db.transaction(async (tx) => {
      // Two owners finishing at once must see each other: the account row is their lock.
      await tx.query(sql`select 1 from account.account where id = ${accountId}::uuid for no key update`)
      await tx.execute(sql`
        update account.erasure set done_on = ${today}::date
        where account_id = ${accountId}::uuid and owner = ${owner} and done_on is null`)
      const removed = await tx.execute(sql`
        delete from account.account a where a.id = ${accountId}::uuid and a.state = 'terminated'
          and not exists (select 1 from account.erasure e where e.account_id = a.id and e.done_on is null)`)
      if (removed > 0)
        await tx.execute(sql`delete from account.erasure where account_id = ${accountId}::uuid`)
    })
  }
}

/** By id. */
export async function nameHashes(
  secrets: AccountSecrets,
  rows: readonly NewAccount[],
): Promise<Map<string, Buffer>> {
  const hashes = new Map<string, Buffer>()
  for (const row of rows) hashes.set(row.id, await secrets.nameHash(row))
  return hashes
}

/** One result per row, in order. */
export async function insertNew(
  tx: Tx,
  rows: readonly NewAccount[],
  hashes: Map<string, Buffer>,
  today: string,
): Promise<InsertResult[]> {
  const created = await insertAccounts(tx, rows, today)
  const createdRows = rows.filter((row) => created.has(row.id))
  const retired = await withdrawRetired(tx, createdRows, hashes)
  const made = createdRows.filter((row) => !retired.has(row.id))
  await insertVerifiers(tx, made)
  await insertPlans(tx, made)
  return rows.map((row) => {
    if (retired.has(row.id)) return 'retired'
    return created.has(row.id) ? 'created' : 'exists'
  })
}

/** Only of what was asked for: each has its index, and the planner sees which serves best. */
function conditions(query: ListQuery): Sql[] {
  const { after, domain, state, search, organisationIds, plan, reason } = query
  const { createdAfter, createdBefore, lastUsedAfter, lastUsedBefore } = query
  const found = [
    after && sql`(a.domain, a.localpart) > (${after.domain}, ${after.localpart})`,
    domain !== undefined && sql`a.domain = ${domain}`,
    // Said as the partial index says it.
    state !== undefined &&
      (state === 'active' ? sql`a.state = 'active'` : sql`a.state <> 'active' and a.state = ${state}`),
    search !== undefined && namedLike(search),
    organisationIds && sql`a.organisation_id = any(${[...organisationIds]}::uuid[])`,
    plan !== undefined && sql`a.plan_name = ${plan}`,
    reason !== undefined && sql`a.suspension_reason = ${reason}`,
    createdAfter !== undefined && sql`a.created_on > ${createdAfter}::date`,
    createdBefore !== undefined && sql`a.created_on < ${createdBefore}::date`,
    lastUsedAfter !== undefined && sql`a.last_used_on > ${lastUsedAfter}::date`,
    lastUsedBefore !== undefined && sql`a.last_used_on < ${lastUsedBefore}::date`,
  ]
  return [sql`true`, ...found.filter((each) => typeof each === 'object')]
}

/** The index knows pieces of names; whether they stand together is for LIKE. One character has no piece, and many have it. */
function namedLike(search: string): Sql {
  const like = sql`a.localpart like ${`%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`}`
  return search.length < 2 ? like : sql`account.pieces(a.localpart) @> account.pieces(${search}) and ${like}`
}

/** In the order of `names`. */
async function findAccounts(db: Db, names: readonly Name[]): Promise<(AccountRow | undefined)[]> {
  const rows = await db.query<SqlAccount>(
    sql`
      select ${ACCOUNT_COLUMNS}
      from unnest(${names.map((name) => name.domain)}::text[], ${names.map((name) => name.localpart)}::text[]) as n (domain, localpart)
      join account.account a on a.domain = n.domain and a.localpart = n.localpart`,
    { name: 'account-find' },
  )
  const found = new Map(rows.map((row) => [nameKey(row), parseAccount(row)]))
  return names.map((name) => found.get(nameKey(name)))
}

type WantedVerifier = Name & { readonly hash: ScramHash }

/** In the order of `wanted`. An account comes before an app password of that name, which it can only have had before there were any. */
async function findVerifiers(
  db: Db,
  wanted: readonly WantedVerifier[],
): Promise<(FoundVerifier | undefined)[]> {
  const found = await findOwnVerifiers(db, wanted)
  const logins = wanted.flatMap(({ domain, localpart, hash }, place) => {
    const login = found[place] === undefined ? parseAppLogin(localpart) : undefined
    return login === undefined ? [] : [{ place, domain, localpart: login.owner, tag: login.tag, hash }]
  })
  if (logins.length > 0)
    for (const [place, verifier] of await findAppVerifiers(db, logins)) found[place] = verifier
  return found
}

async function findOwnVerifiers(
  db: Db,
  wanted: readonly WantedVerifier[],
): Promise<(FoundVerifier | undefined)[]> {
  const rows = await db.query<SqlAccount & SqlCredential & { place: number }>(
    sql`
      select n.place, ${ACCOUNT_COLUMNS}, c.hash, c.salt, c.iterations, c.stored_key, c.server_key
      from unnest(${wanted.map((each) => each.domain)}::text[], ${wanted.map((each) => each.localpart)}::text[],
        ${wanted.map((each) => each.hash)}::text[]) with ordinality as n (domain, localpart, hash, place)
      join account.account a on a.domain = n.domain and a.localpart = n.localpart
      join account.credential c on c.account_id = a.id and c.hash = n.hash`,
    { name: 'account-verifiers' },
  )
  const found = wanted.map((): FoundVerifier | undefined => undefined)
  for (const row of rows)
    found[row.place - 1] = { row: parseAccount(row), verifier: parseVerifier(row), appPassword: undefined }
  return found
}

/** In the order of `names`. */
async function findForeignVerifiers(
  db: Db,
  names: readonly Name[],
): Promise<(ForeignVerifier | undefined)[]> {
  const rows = await db.query<SqlCredential & { account_id: string; place: number }>(
    sql`
      select n.place, f.account_id::text, f.hash, f.salt, f.iterations, f.stored_key, f.server_key
      from unnest(${names.map((name) => name.domain)}::text[], ${names.map((name) => name.localpart)}::text[])
        with ordinality as n (domain, localpart, place)
      join account.account a on a.domain = n.domain and a.localpart = n.localpart
      join account.foreign_verifier f on f.account_id = a.id`,
    { name: 'account-foreign-verifiers' },
  )
  const found = names.map((): ForeignVerifier | undefined => undefined)
  for (const row of rows) found[row.place - 1] = { accountId: row.account_id, verifier: parseVerifier(row) }
  return found
}

interface SqlAppPassword {
  app_password_id: string
  tag: string
  scopes: string[]
}

async function findAppVerifiers(
  db: Db,
  wanted: readonly (WantedVerifier & { place: number; tag: string })[],
): Promise<[place: number, FoundVerifier][]> {
  const rows = await db.query<SqlAccount & SqlCredential & SqlAppPassword & { place: number }>(
    sql`
      select n.place, ${ACCOUNT_COLUMNS}, p.id as app_password_id, p.tag, p.scopes,
        c.hash, c.salt, c.iterations, c.stored_key, c.server_key
      from unnest(${wanted.map((each) => each.place)}::int[], ${wanted.map((each) => each.domain)}::text[],
        ${wanted.map((each) => each.localpart)}::text[], ${wanted.map((each) => each.tag)}::text[],
        ${wanted.map((each) => each.hash)}::text[]) as n (place, domain, localpart, tag, hash)
      join account.account a on a.domain = n.domain and a.localpart = n.localpart
      join account.app_password p on p.account_id = a.id and p.tag = n.tag
      join account.app_credential c on c.app_password_id = p.id and c.hash = n.hash`,
    { name: 'account-app-verifiers' },
  )
  return rows.map((row) => {
    const appPassword = { id: row.app_password_id, tag: row.tag, scopes: row.scopes }
    return [row.place, { row: parseAccount(row), verifier: parseVerifier(row), appPassword }]
  })
}

/** Answers with the ids of the rows that were really inserted. */
async function insertAccounts(tx: Tx, rows: readonly NewAccount[], today: string): Promise<Set<string>> {
  const inserted = await tx.query<{ id: string }>(sql`
    insert into account.account (id, domain, localpart, state, organisation_id, created_on)
    select id, domain, localpart, 'active', organisation_id, ${today}::date
    from unnest(${rows.map((r) => r.id)}::uuid[], ${rows.map((r) => r.domain)}::text[], ${rows.map((r) => r.localpart)}::text[],
      ${rows.map((r) => r.organisationId ?? null)}::uuid[]) as n (id, domain, localpart, organisation_id)
    on conflict do nothing returning id`)
  return new Set(inserted.map((row) => row.id))
}

/**
 * Takes back the accounts whose name is retired and answers with their ids. NOTE: it must be a statement after the insert: only
 * then does its snapshot hold the tombstone of a row whose removal the insert waited for.
 */
async function withdrawRetired(
  tx: Tx,
  rows: readonly NewAccount[],
  hashes: Map<string, Buffer>,
): Promise<Set<string>> {
  const candidates = rows.map((row) => hashes.get(row.id))
  const found = await tx.query<{ name_hash: Buffer }>(
    sql`select name_hash from account.tombstone where name_hash = any(${candidates}::bytea[])`,
  )
  const retiredHashes = new Set(found.map((row) => row.name_hash.toString('hex')))
  const retired = rows
    .filter((row) => retiredHashes.has(hashes.get(row.id)?.toString('hex') ?? ''))
    .map((row) => row.id)
  if (retired.length > 0)
    await tx.execute(sql`delete from account.account where id = any(${retired}::uuid[])`)
  return new Set(retired)
}

async function insertPlans(tx: Tx, rows: readonly NewAccount[]): Promise<void> {
  const having = rows.flatMap(({ id, plan }) => (plan === undefined ? [] : [{ id, plan }]))
  if (having.length === 0) return
  await tx.execute(sql`
    insert into account.account_plan (account_id, plan)
    select * from unnest(${having.map(({ id }) => id)}::uuid[], ${having.map(({ plan }) => plan)}::text[])`)
}

async function insertVerifiers(tx: Tx, rows: readonly Pick<NewAccount, 'id' | 'verifiers'>[]): Promise<void> {
  const flat = rows.flatMap(({ id, verifiers }) => verifiers.map((verifier) => ({ id, verifier })))
  if (flat.length === 0) return
  await tx.execute(sql`
    insert into account.credential (account_id, hash, salt, iterations, stored_key, server_key)
    select * from unnest(
      ${flat.map((each) => each.id)}::uuid[], ${flat.map((each) => each.verifier.hash)}::text[],
      ${flat.map((each) => each.verifier.salt)}::bytea[], ${flat.map((each) => each.verifier.iterations)}::int[],
      ${flat.map((each) => each.verifier.storedKey)}::bytea[], ${flat.map((each) => each.verifier.serverKey)}::bytea[])`)
}

/** False when the account is missing or terminated; the lock on its row keeps a termination from slipping in between. */
async function holdAlive(tx: Tx, id: string): Promise<boolean> {
  const alive = await tx.query(
    sql`select 1 from account.account where id = ${id}::uuid and state <> 'terminated' for no key update`,
  )
  return alive.length > 0
}

/** False when the account is missing or terminated. */
export async function replaceVerifiers(
  tx: Tx,
  id: string,
  verifiers: readonly ScramVerifier[],
  change?: PasswordChange,
): Promise<boolean> {
  if (!(await holdAlive(tx, id))) return false
  await tx.execute(sql`delete from account.credential where account_id = ${id}::uuid`)
  await tx.execute(sql`delete from account.foreign_verifier where account_id = ${id}::uuid`)
  await insertVerifiers(tx, [{ id, verifiers }])
  if (change?.signOut === true) await signOut(tx, id)
  if (change?.appPasswords === true)
    await tx.execute(sql`delete from account.app_password where account_id = ${id}::uuid`)
  return true
}

function signOut(tx: Pick<Tx, 'execute'>, id: string): Promise<number> {
  return tx.execute(sql`
    update account.account set sign_outs = sign_outs + 1 where id = ${id}::uuid and state <> 'terminated'`)
}

function parseAccount(row: SqlAccount): AccountRow {
  return {
    id: row.id,
    domain: row.domain,
    localpart: row.localpart,
    state: row.state as AccountState,
    reason: row.suspension_reason ?? undefined,
    organisationId: row.organisation_id ?? undefined,
    suspendedUntil: row.suspended_until ?? undefined,
    terminatesOn: row.terminates_on ?? undefined,
    suspendedWith: row.suspended_with ?? undefined,
    suspendedWithin: row.suspended_within ?? undefined,
    terminatesWithin: row.terminates_within ?? undefined,
    createdOn: row.created_on,
    lastUsedOn: row.last_used_on ?? undefined,
    signOuts: row.sign_outs,
  }
}

function parseVerifier(row: SqlCredential): ScramVerifier {
  return {
    hash: row.hash as ScramHash,
    salt: row.salt,
    iterations: row.iterations,
    storedKey: row.stored_key,
    serverKey: row.server_key,
  }
}

function nameKey(name: Name): string {
  return `${name.domain}\0${name.localpart}`
}
