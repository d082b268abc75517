/** App passwords in Postgres, schema `account`. Their verifiers are looked up with those of accounts: store.postgres.ts. */
import { sql, type Db, type Tx } from '@sealpost/db'
import type { ScramVerifier } from '@sealpost/sasl'
import type { AppPassword, AppPasswordStore, AppScope } from './app-passwords.ts'

interface SqlAppPassword {
  id: string
  tag: string
  name: string
  scopes: AppScope[]
  created_on: string
  last_used_on: string | null
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresAppPasswordStore(db: Db): AppPasswordStore {
  return {
    insert: (accountId, appPassword, verifiers, max) =>
      db.transaction(async (tx) => {
        // The account's row is the lock: of its owner's requests, and against a termination.
        const alive = await tx.query(sql`
          select from account.account where id = ${accountId}::uuid and state <> 'terminated' for no key update`)
        if (alive.length === 0) return 'gone'
        const [count] = await tx.query<{ full: boolean }>(sql`
          select count(*) >= ${max}::int as full from account.app_password where account_id = ${accountId}::uuid`)
        if (count?.full !== false) return 'full'
        return (await insert(tx, accountId, appPassword, verifiers)) ? 'inserted' : 'taken'
      }),

    async of(accountId) {
      const rows = await db.query<SqlAppPassword>(sql`
        select id, tag, name, scopes, created_on, last_used_on from account.app_password
        where account_id = ${accountId}::uuid order by created_on, id`)
      return rows.map(({ created_on, last_used_on, ...row }) => ({
        ...row,
        createdOn: created_on,
        lastUsedOn: last_used_on ?? undefined,
      }))
    },

    remove: (accountId, id) =>
      db.execute(sql`
        delete from account.app_password
        where account_id = ${accountId}::uuid and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)`),

    async recordUse(ids, day) {
      await db.execute(sql`
        with used as (
          select id from account.app_password
          where id = any(${[...ids]}::uuid[]) and last_used_on is distinct from ${day}::date
          order by id for no key update
        )
        update account.app_password p set last_used_on = ${day}::date from used where p.id = used.id`)
    },
  }
}

/** False when the account has one of that tag. */
async function insert(
  tx: Tx,
  accountId: string,
  { id, tag, name, scopes, createdOn }: AppPassword,
  verifiers: readonly ScramVerifier[],
): Promise<boolean> {
  const inserted = await tx.execute(sql`
    insert into account.app_password (id, account_id, tag, name, scopes, created_on)
    values (${id}::uuid, ${accountId}::uuid, ${tag}, ${name}, ${[...scopes]}::text[], ${createdOn}::date)
    on conflict (account_id, tag) do nothing`)
  if (inserted === 0) return false
  for (const { hash, salt, iterations, storedKey, serverKey } of verifiers)
    await tx.execute(sql`
      insert into account.app_credential (app_password_id, hash, salt, iterations, stored_key, server_key)
      values (${id}::uuid, ${hash}, ${salt}, ${iterations}::int, ${storedKey}, ${serverKey})`)
  return true
}
