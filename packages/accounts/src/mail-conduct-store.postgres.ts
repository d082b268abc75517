/** Limits and reviews of accounts' mail in Postgres, schema `account`. */
import { sql, type Db } from '@sealpost/db'
import { MAIL_REVIEW_REASONS, type MailConductStore } from './mail-conduct.ts'

interface SqlReview {
  account_id: string
  reason: string
  noticed_on: string
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresMailConductStore(db: Db): MailConductStore {
  const limitOf = async (accountId: string): Promise<number | undefined> => {
    const [row] = await db.query<{ messages_per_day: number }>(
      sql`select messages_per_day from account.mail_limit where account_id = ${accountId}::uuid`,
    )
    return row?.messages_per_day
  }
  return {
    limit: limitOf,

    async setLimit(accountId, messagesPerDay, narrowerOnly) {
      if (messagesPerDay === undefined) {
        if (narrowerOnly) return (await limitOf(accountId)) === undefined
        await db.execute(sql`delete from account.mail_limit where account_id = ${accountId}::uuid`)
        return true
      }
      const changed = await db.execute(sql`
        insert into account.mail_limit (account_id, messages_per_day)
        select id, ${messagesPerDay}::int from account.account where id = ${accountId}::uuid
        on conflict (account_id) do update set messages_per_day = excluded.messages_per_day
        where not ${narrowerOnly}::boolean or excluded.messages_per_day <= mail_limit.messages_per_day`)
      return changed > 0
    },

    async notice({ accountId, reason, noticedOn }, forgetBefore) {
      await db.execute(sql`delete from account.mail_review where noticed_on < ${forgetBefore}::date`)
      await db.execute(sql`
        insert into account.mail_review (account_id, reason, noticed_on)
        select id, ${reason}, ${noticedOn}::date from account.account where id = ${accountId}::uuid
        on conflict (account_id, reason) do update set noticed_on = excluded.noticed_on`)
    },

    async reviews(since, limit, accountId) {
      const rows = await db.query<SqlReview>(sql`
        select account_id, reason, noticed_on::text from account.mail_review
        where noticed_on >= ${since}::date and account_id = coalesce(${accountId ?? null}::uuid, account_id) order by noticed_on desc, account_id, reason limit ${limit}`)
      return rows.flatMap((row) => {
        const reason = MAIL_REVIEW_REASONS.find((each) => each === row.reason)
        return reason === undefined ? [] : [{ accountId: row.account_id, reason, noticedOn: row.noticed_on }]
      })
    },

    async clear(accountId) {
      await db.execute(sql`delete from account.mail_review where account_id = ${accountId}::uuid`)
    },
  }
}
