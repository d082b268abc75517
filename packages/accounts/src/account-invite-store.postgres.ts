/** Invites to make an account in Postgres, schema `account`. */
import { sql, type Db, type Tx } from '@sealpost/db'
import type { AccountInvite, AccountInviteStore } from './account-invites.ts'
import { refusing } from './organisation-store.postgres.ts'
import { AccountSecrets } from './secrets.postgres.ts'
import { insertNew, nameHashes } from './store.postgres.ts'
import type { AccountRow, InsertResult, NewAccount } from './store.ts'

interface SqlInvite {
  id: string
  domain: string
  localpart: string | null
  plan: string | null
  organisation_id: string | null
  uses: number
  used: number
  created_on: string
  expires_at: Date
}

const COLUMNS = sql`id, domain, localpart, plan, organisation_id, uses, used, created_on, expires_at`

/** Undoes the use of an invite with which no account was made. */
class NotMade extends Error {
  readonly result: Exclude<InsertResult, 'created'>

  constructor(result: Exclude<InsertResult, 'created'>) {
    super(result)
    this.result = result
  }
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresAccountInviteStore(db: Db): AccountInviteStore {
  const secrets = new AccountSecrets(db)
  const one = async (where: ReturnType<typeof sql>, now: number): Promise<AccountInvite | undefined> => {
    const rows = await db.query<SqlInvite>(
      sql`select ${COLUMNS} from account.account_invite where ${where} and expires_at > ${new Date(now)}`,
    )
    return rows.map(parse)[0]
  }
  return {
    insert: (invite, tokenHash, max, now) =>
      db.transaction((tx) => insert(tx, { invite, tokenHash, max, now })),
    byToken: (tokenHash, now) => one(sql`token_hash = ${tokenHash}`, now),
    byId: (id, now) => one(sql`id = ${id}::uuid`, now),

    async list({ after, limit, organisationIds, now }) {
      const rows = await db.query<SqlInvite>(sql`
        select ${COLUMNS} from account.account_invite
        where expires_at > ${new Date(now)} and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
          and ${organisationIds === undefined ? sql`true` : sql`organisation_id = any(${[...organisationIds]}::uuid[])`}
        order by id limit ${limit}::int`)
      return rows.map(parse)
    },

    async remove(id) {
      return (await db.execute(sql`delete from account.account_invite where id = ${id}::uuid`)) > 0
    },

    async register(tokenHash, now, account, today) {
      const hashes = await nameHashes(secrets, [account])
      try {
        return await refusing(
          db.transaction((tx) => register(tx, { tokenHash, now, account, today, hashes })),
        )
      } catch (error) {
        if (error instanceof NotMade) return error.result
        throw error
      }
    },
  }
}

/** Writers take turns, so that counting and inserting is one step. */
async function insert(
  tx: Tx,
  { invite, tokenHash, max, now }: { invite: AccountInvite; tokenHash: Buffer; max: number; now: number },
): ReturnType<AccountInviteStore['insert']> {
  await tx.execute(sql`lock table account.account_invite in share row exclusive mode`)
  await tx.execute(sql`delete from account.account_invite where expires_at <= ${new Date(now)}`)
  const { id, domain, localpart = null, plan = null, organisationId = null } = invite
  const [count] = await tx.query<{ full: boolean }>(sql`
    select count(*) >= ${max}::int as full from account.account_invite
    where organisation_id is not distinct from ${organisationId}::uuid`)
  if (count?.full !== false) return 'full'
  const { uses, used, createdOn, expiresAt } = invite
  const [missing] = await tx.query<{ plan: boolean; organisation: boolean }>(sql`
    select
      ${plan}::text is not null and not exists (select from account.plan where name = ${plan}::text for key share) as plan,
      ${organisationId}::uuid is not null and not exists (
        select from account.organisation where id = ${organisationId}::uuid for key share) as organisation`)
  if (missing?.plan !== false) return 'plan-unknown'
  if (missing.organisation) return 'organisation-unknown'
  await tx.execute(sql`
    insert into account.account_invite (id, token_hash, domain, localpart, plan, organisation_id, uses, used, created_on, expires_at)
    values (${id}::uuid, ${tokenHash}, ${domain}, ${localpart}::text, ${plan}::text, ${organisationId}::uuid, ${uses}::int, ${used}::int,
      ${createdOn}::date, ${new Date(expiresAt)})`)
  return 'inserted'
}

interface Registration {
  readonly tokenHash: Buffer
  readonly now: number
  readonly account: NewAccount
  readonly today: string
  readonly hashes: Map<string, Buffer>
}

/** The row of the invite is the lock: of many at once each counts what those before it have used. Throws NotMade. */
async function register(
  tx: Tx,
  { tokenHash, now, account, today, hashes }: Registration,
): Promise<AccountRow | 'gone'> {
  const [used] = await tx.query<SqlInvite>(sql`
    update account.account_invite set used = used + 1
    where token_hash = ${tokenHash} and expires_at > ${new Date(now)} and used < uses returning ${COLUMNS}`)
  if (used === undefined) return 'gone'
  const planned = { ...account, plan: used.plan ?? undefined }
  const [result = 'exists'] = await insertNew(tx, [planned], hashes, today)
  if (result !== 'created') throw new NotMade(result)
  await tx.execute(sql`delete from account.account_invite where id = ${used.id}::uuid and used = uses`)
  const { id, domain, localpart } = account
  return {
    id,
    domain,
    localpart,
    state: 'active',
    reason: undefined,
    suspendedUntil: undefined,
    terminatesOn: undefined,
    suspendedWith: undefined,
    suspendedWithin: undefined,
    terminatesWithin: undefined,
    organisationId: account.organisationId,
    createdOn: today,
    lastUsedOn: undefined,
    signOuts: 0,
  }
}

function parse(row: SqlInvite): AccountInvite {
  return {
    id: row.id,
    domain: row.domain,
    localpart: row.localpart ?? undefined,
    plan: row.plan ?? undefined,
    organisationId: row.organisation_id ?? undefined,
    uses: row.uses,
    used: row.used,
    createdOn: row.created_on,
    expiresAt: row.expires_at.getTime(),
  }
}
