/** Plans in Postgres, schema `account`. */
import { sql, type Db } from '@sealpost/db'
import { refusing } from './organisation-store.postgres.ts'
import { parsePlanLimits, type PlanStore } from './plans.ts'

interface SqlPlan {
  name: string
  limits: unknown
}

/** Needs a connection with the role `sealpost_account` on a migrated database. Throws PLAN_MALFORMED for what nobody here has written. */
export function postgresPlanStore(db: Db): PlanStore {
  return {
    async list() {
      const rows = await db.query<SqlPlan & { accounts: number }>(sql`
        select name, limits, (select count(*)::int from account.account_plan where plan = name) as accounts
        from account.plan order by name`)
      return rows.map(({ name, limits, accounts }) => ({ name, limits: parsePlanLimits(limits), accounts }))
    },

    async put({ name, limits }, max) {
      const put = db.execute(sql`
        insert into account.plan (name, limits)
        select ${name}::text, ${JSON.stringify(limits)}::jsonb
        where exists (select from account.plan where name = ${name}) or (select count(*) from account.plan) < ${max}::int
        on conflict (name) do update set limits = excluded.limits`)
      return (await refusing(put)) > 0
    },

    async remove(name) {
      const removed = await db.execute(sql`
        delete from account.plan where name = ${name}
          and not exists (select from account.account_plan where plan = ${name})`)
      if (removed > 0) return 'removed'
      const rows = await db.query(sql`select from account.plan where name = ${name}`)
      return rows.length > 0 ? 'used' : 'unknown'
    },

    async of(accountId) {
      const [row] = await db.query<SqlPlan>(sql`
        select name, limits from account.plan join account.account_plan on plan = name where account_id = ${accountId}::uuid`)
      return row && { name: row.name, limits: parsePlanLimits(row.limits) }
    },

    async namesOf(accountIds) {
      const rows = await db.query<{ account_id: string; plan: string }>(sql`
        select account_id, plan from account.account_plan where account_id = any(${[...accountIds]}::uuid[])`)
      return new Map(rows.map(({ account_id: id, plan }) => [id, plan]))
    },

    async assign(accountId, name) {
      if (name === undefined) {
        await refusing(
          db.execute(sql`delete from account.account_plan where account_id = ${accountId}::uuid`),
        )
        return true
      }
      const assign = db.execute(sql`
        insert into account.account_plan (account_id, plan)
        select account.id, plan.name from account.account, account.plan where account.id = ${accountId}::uuid and plan.name = ${name}
        on conflict (account_id) do update set plan = excluded.plan`)
      return (await refusing(assign)) > 0
    },
  }
}
