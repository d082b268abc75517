/** API keys and invites in Postgres, schema `account`. */
import { empty, gather, sql, type Db, type Tx } from '@sealpost/db'
import type { ScramVerifier } from '@sealpost/sasl'
import { replaceVerifiers } from './store.postgres.ts'
import type {
  AccessStore,
  ApiKeyRow,
  Appointment,
  InvitePurpose,
  InviteRow,
  PasswordChange,
} from './store.ts'

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresAccessStore(db: Db): AccessStore {
  return new PostgresAccessStore(db)
}

interface SqlApiKey {
  id: string
  label: string
  scopes: string[]
  created_on: string
  expires_on: string | null
  last_used_on: string | null
  organisation_id: string | null
  networks: string[]
  made_by: string | null
}

interface SqlInvite {
  token_hash: Buffer
  purpose: string
  account_id: string | null
  expires_at: Date
  role: string | null
  organisation_id: string | null
  administrator_id: string | null
  invited_by: string | null
}

const KEY_COLUMNS = sql`id, label, scopes, created_on, expires_on, last_used_on, organisation_id, networks, made_by`

const INVITE_COLUMNS = sql`token_hash, purpose, account_id, expires_at, role, organisation_id, administrator_id, invited_by`

class PostgresAccessStore implements AccessStore {
  readonly #db: Db
  readonly #keyByToken: (tokenHash: Buffer) => Promise<ApiKeyRow | undefined>

  constructor(db: Db) {
    this.#db = db
    this.#keyByToken = gather((hashes) => keysByToken(db, hashes), { pauseMs: 0 })
  }

  async insertKey(key: ApiKeyRow, tokenHash: Buffer, max: number, pruneBefore: string): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      await tx.execute(sql`lock table account.api_key in share row exclusive mode`)
      await tx.execute(sql`delete from account.api_key where expires_on < ${pruneBefore}::date`)
      const [count] = await tx.query<{ full: boolean }>(
        sql`select count(*) >= ${max}::int as full from account.api_key
          where organisation_id is not distinct from ${key.organisationId ?? null}::uuid`,
      )
      if (count?.full !== false) return false
      await insertKey(tx, key, tokenHash)
      return true
    })
  }

  keyByToken(tokenHash: Buffer): Promise<ApiKeyRow | undefined> {
    return this.#keyByToken(tokenHash)
  }

  async keys(): Promise<ApiKeyRow[]> {
    const rows = await this.#db.query<SqlApiKey>(
      sql`select ${KEY_COLUMNS} from account.api_key order by created_on, id`,
    )
    return rows.map(parseKey)
  }

  async deleteKey(id: string): Promise<boolean> {
    return (await this.#db.execute(sql`delete from account.api_key where id = ${id}::uuid`)) > 0
  }

  async deleteKeysOf(organisationId: string): Promise<void> {
    await this.#db.execute(sql`delete from account.invite where organisation_id = ${organisationId}::uuid`)
    await this.#db.execute(sql`delete from account.api_key where organisation_id = ${organisationId}::uuid`)
  }

  async deleteKeysMadeBy(administratorId: string): Promise<void> {
    await this.#db.execute(sql`delete from account.invite where invited_by = ${administratorId}::uuid`)
    await this.#db.execute(sql`delete from account.api_key where made_by = ${administratorId}::uuid`)
  }

  async recordKeyUse(id: string, day: string): Promise<void> {
    await this.#db.execute(sql`
      update account.api_key set last_used_on = ${day}::date
      where id = ${id}::uuid and last_used_on is distinct from ${day}::date`)
  }

  async insertInvite(invite: InviteRow, adminMax: number, now: number): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      await lockInvites(tx)
      await tx.execute(sql`
        delete from account.invite
        where expires_at <= ${new Date(now)} or account_id = ${invite.accountId ?? null}::uuid
          or administrator_id = ${invite.appointment?.administratorId ?? null}::uuid`)
      const { organisationId, administratorId } = invite.appointment ?? {}
      const isCounted = invite.purpose === 'admin' && administratorId === undefined
      const [count] = await tx.query<{ full: boolean }>(sql`
        select count(*) >= ${adminMax}::int as full from account.invite
        where purpose = 'admin' and administrator_id is null
          and organisation_id is not distinct from ${organisationId ?? null}::uuid`)
      if (isCounted && count?.full !== false) return false
      await insertInvite(tx, invite)
      return true
    })
  }

  async insertFirstInvite(invite: InviteRow, now: number, today: string): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      await lockInvites(tx)
      const administered = await tx.query(sql`
        select 1 from account.invite where role = 'owner' and expires_at > ${new Date(now)}
        union all select 1 from account.api_key
        where '*' = any(scopes) and (expires_on is null or expires_on >= ${today}::date)`)
      if (administered.length > 0) return false
      await insertInvite(tx, invite)
      return true
    })
  }

  async invite(tokenHash: Buffer, now: number): Promise<InviteRow | undefined> {
    const rows = await this.#db.query<SqlInvite>(sql`
      select ${INVITE_COLUMNS} from account.invite
      where token_hash = ${tokenHash} and expires_at > ${new Date(now)}`)
    return rows.map(parseInvite)[0]
  }

  async redeemForKey(
    tokenHash: Buffer,
    now: number,
    make: (appointment: Appointment) => ApiKeyRow,
    keyTokenHash: Buffer,
  ): Promise<ApiKeyRow | undefined> {
    return this.#db.transaction(async (tx) => {
      const appointment = (await consume(tx, tokenHash, now, 'admin', sql`and administrator_id is null`))
        ?.appointment
      if (appointment === undefined) return undefined
      const key = make(appointment)
      await insertKey(tx, key, keyTokenHash)
      return key
    })
  }

  async takeAdminInvite(tokenHash: Buffer, now: number): Promise<InviteRow | undefined> {
    return consume(this.#db, tokenHash, now, 'admin')
  }

  async redeemForVerifiers(
    tokenHash: Buffer,
    now: number,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ) {
    return this.#db.transaction(async (tx) => {
      // The account first, then its invite: the order in which a termination locks them.
      await tx.query(sql`
        select 1 from account.account a join account.invite i on i.account_id = a.id
        where i.token_hash = ${tokenHash} for no key update of a`)
      const invite = await consume(tx, tokenHash, now, 'password')
      if (invite?.accountId === undefined) return undefined
      return (await replaceVerifiers(tx, invite.accountId, verifiers, change)) ? invite.accountId : undefined
    })
  }
}

/** Invites are rare: writers take turns, so that counting and inserting is one step. Readers do not wait. */
async function lockInvites(tx: Tx): Promise<void> {
  await tx.execute(sql`lock table account.invite in share row exclusive mode`)
}

async function insertKey(tx: Tx, key: ApiKeyRow, tokenHash: Buffer): Promise<void> {
  await tx.execute(sql`
    insert into account.api_key (id, token_hash, label, scopes, created_on, expires_on, organisation_id, networks, made_by)
    values (${key.id}::uuid, ${tokenHash}, ${key.label}, ${[...key.scopes]}::text[], ${key.createdOn}::date,
      ${key.expiresOn ?? null}::date, ${key.organisationId ?? null}::uuid, ${[...key.networks]}::text[],
      ${key.madeBy ?? null}::uuid)`)
}

async function insertInvite(tx: Tx, invite: InviteRow): Promise<void> {
  const { role, organisationId, administratorId, invitedBy } = invite.appointment ?? {}
  await tx.execute(sql`
    insert into account.invite (${INVITE_COLUMNS})
    values (${invite.tokenHash}, ${invite.purpose}, ${invite.accountId ?? null}::uuid, ${new Date(invite.expiresAt)},
      ${role ?? null}, ${organisationId ?? null}::uuid, ${administratorId ?? null}::uuid, ${invitedBy ?? null}::uuid)`)
}

/** Of many at once exactly one gets the row: a delete takes its lock. */
async function consume(tx: Tx, tokenHash: Buffer, now: number, purpose: InvitePurpose, besides = empty) {
  const rows = await tx.query<SqlInvite>(sql`
    delete from account.invite
    where token_hash = ${tokenHash} and purpose = ${purpose} and expires_at > ${new Date(now)} ${besides}
    returning ${INVITE_COLUMNS}`)
  return rows.map(parseInvite)[0]
}

/** In the order of the hashes. */
async function keysByToken(db: Db, hashes: readonly Buffer[]): Promise<(ApiKeyRow | undefined)[]> {
  const rows = await db.query<SqlApiKey & { token_hash: Buffer }>(
    sql`select token_hash, ${KEY_COLUMNS} from account.api_key where token_hash = any (${hashes}::bytea[])`,
    { name: 'api-key-by-token' },
  )
  const found = new Map(rows.map((row) => [row.token_hash.toString('hex'), parseKey(row)]))
  return hashes.map((hash) => found.get(hash.toString('hex')))
}

function parseKey(row: SqlApiKey): ApiKeyRow {
  return {
    id: row.id,
    label: row.label,
    scopes: row.scopes,
    createdOn: row.created_on,
    expiresOn: row.expires_on ?? undefined,
    lastUsedOn: row.last_used_on ?? undefined,
    organisationId: row.organisation_id ?? undefined,
    networks: row.networks,
    madeBy: row.made_by ?? undefined,
  }
}

function parseInvite(row: SqlInvite): InviteRow {
  return {
    tokenHash: row.token_hash,
    purpose: row.purpose as InvitePurpose,
    accountId: row.account_id ?? undefined,
    appointment: parseAppointment(row),
    expiresAt: row.expires_at.getTime(),
  }
}

function parseAppointment(row: SqlInvite): Appointment | undefined {
  if (row.role === null) return undefined
  return {
    role: row.role,
    organisationId: row.organisation_id ?? undefined,
    administratorId: row.administrator_id ?? undefined,
    invitedBy: row.invited_by ?? undefined,
  }
}
