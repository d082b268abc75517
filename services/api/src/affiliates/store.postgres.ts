/** Affiliates in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type { Affiliate, Statement } from './affiliate.ts'
import type { AffiliateStore, OpenReferral } from './store.ts'

interface SqlAffiliate {
  id: string
  label: string
  code: string
  commission_cents: number
  closed: boolean
  created_on: string
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export class PostgresAffiliates implements AffiliateStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async insert({ id, label, code, commissionCents, createdOn }: Affiliate, max: number): Promise<boolean> {
    const inserted = await this.#db.execute(sql`
      insert into api.affiliate (id, label, code, commission_cents, created_on)
      select ${id}::uuid, ${label}, ${code}, ${commissionCents}::int, ${createdOn}::date
      where (select count(*) from api.affiliate) < ${max}::int`)
    return inserted > 0
  }

  async list(): Promise<Affiliate[]> {
    const rows = await this.#db.query<SqlAffiliate>(
      sql`select id, label, code, commission_cents, closed, created_on from api.affiliate order by created_on, id`,
    )
    return rows.map(
      ({ id, label, code, commission_cents: commissionCents, closed, created_on: createdOn }) => ({
        id,
        label,
        code,
        commissionCents,
        closed,
        createdOn,
      }),
    )
  }

  async close(id: string): Promise<boolean> {
    return (await this.#db.execute(sql`update api.affiliate set closed = true where id = ${id}::uuid`)) > 0
  }

  refer: AffiliateStore['refer'] = async ({ id, affiliateId, subjectId }, today) => {
    const inserted = await this.#db.execute(sql`
      insert into api.referral (id, affiliate_id, subject_id, signed_up_on, counted_on)
      values (${id}::uuid, ${affiliateId}::uuid, ${subjectId}::uuid, ${today}::date, ${today}::date)
      on conflict (subject_id) do nothing`)
    return inserted > 0
  }

  async open(today: string, after: string | undefined, limit: number): Promise<OpenReferral[]> {
    const rows = await this.#db.query<{
      id: string
      subject_id: string
      active_days: number
      counted_on: string
    }>(sql`
      select id, subject_id, active_days, counted_on from api.referral
      where qualified_on is null and subject_id is not null and counted_on < ${today}::date
        and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
      order by id limit ${limit}::int`)
    return rows.map((row) => ({
      id: row.id,
      subjectId: row.subject_id,
      activeDays: row.active_days,
      countedOn: row.counted_on,
    }))
  }

  async counted(id: string, activeDays: number, qualified: boolean, today: string): Promise<void> {
    await this.#db.execute(sql`
      update api.referral set active_days = ${activeDays}::smallint, counted_on = ${today}::date,
        qualified_on = case when ${qualified} then ${today}::date end
      where id = ${id}::uuid and qualified_on is null`)
  }

  async reverse(subjectId: string, today: string): Promise<boolean> {
    const reversed = await this.#db.execute(sql`
      update api.referral set reversed_on = ${today}::date
      where subject_id = ${subjectId}::uuid and qualified_on is not null and reversed_on is null`)
    return reversed > 0
  }

  async chargeBack(subjectId: string, today: string): Promise<void> {
    await this.#db.execute(sql`
      update api.referral set qualified_on = coalesce(qualified_on, ${today}::date), reversed_on = ${today}::date
      where subject_id = ${subjectId}::uuid and reversed_on is null`)
  }

  async forget(before: string): Promise<void> {
    await this.#db.execute(
      sql`update api.referral set subject_id = null where subject_id is not null and qualified_on < ${before}::date`,
    )
  }

  async qualified(affiliateId: string, month: string): Promise<number> {
    const [row] = await this.#db.query<{ count: number }>(sql`
      select (count(*) filter (where date_trunc('month', qualified_on)::date = ${month}::date)
        - count(*) filter (where date_trunc('month', reversed_on)::date = ${month}::date))::int as count
      from api.referral where affiliate_id = ${affiliateId}::uuid`)
    return row?.count ?? 0
  }

  async statements(affiliateId: string): Promise<Statement[]> {
    const rows = await this.#db.query<{
      month: string
      cents: number
      payable_cents: number
      carried_cents: number
      issued_on: string
    }>(sql`
      select month, cents, payable_cents, carried_cents, issued_on from api.affiliate_statement
      where affiliate_id = ${affiliateId}::uuid order by month`)
    return rows.map((row) => ({
      month: row.month,
      cents: row.cents,
      payableCents: row.payable_cents,
      carriedCents: row.carried_cents,
      issuedOn: row.issued_on,
    }))
  }

  async issue(affiliateId: string, statement: Statement): Promise<void> {
    const { month, cents, payableCents, carriedCents, issuedOn } = statement
    await this.#db.execute(sql`
      insert into api.affiliate_statement (affiliate_id, month, cents, payable_cents, carried_cents, issued_on)
      values (${affiliateId}::uuid, ${month}::date, ${cents}::bigint, ${payableCents}::bigint, ${carriedCents}::bigint, ${issuedOn}::date)
      on conflict do nothing`)
  }

  async eraseAccount(accountId: string): Promise<void> {
    await this.#db.execute(
      sql`delete from api.referral where subject_id = ${accountId}::uuid and qualified_on is null`,
    )
    await this.#db.execute(
      sql`update api.referral set subject_id = null where subject_id = ${accountId}::uuid`,
    )
  }
}
