/** Subscriptions in Postgres, schema `api`. */
import { raw, sql, type Db, type Sql } from '@sealpost/db'
import type { Tell } from '../webhooks/webhooks.ts'
import type { Reminder, SubscriptionQuery, SubscriptionStore } from './store.ts'
import type { Fee, Subject, Subscription } from './subscription.ts'

interface SqlSubscription {
  id: string
  organisation_id: string | null
  account_id: string | null
  reference: string | null
  billing_method: string | null
  term_months: number
  started_on: string
  renews_on: string
  fee: string
  suspends_on: string | null
  state: string
  billed_at: Date | null
}

const COLUMNS = sql`
  id, organisation_id, account_id, reference, billing_method, term_months, started_on, renews_on, fee, suspends_on, state, billed_at`
/** Fixed words of ours, never of a request. */
const OF = { organisation: raw('organisation_id'), account: raw('account_id') } as const
const DAY = { renewal: raw('renews_on'), suspension: raw('suspends_on') } as const
const REMINDED = { renewal: raw('reminded_renewal'), suspension: raw('reminded_suspension') } as const

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export class PostgresSubscriptions implements SubscriptionStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async find({ kind, id }: Subject): Promise<Subscription | undefined> {
    const found = await this.#query(
      sql`select ${COLUMNS} from api.subscription where ${OF[kind]} = ${id}::uuid`,
    )
    return found[0]
  }

  put: SubscriptionStore['put'] = async (id, { kind, id: subjectId }, terms, billedAt) => {
    const said = billedAt === undefined ? null : new Date(billedAt)
    const { reference, billingMethod, termMonths, startedOn, renewsOn, fee, suspendsOn } = terms
    const [put] = await this.#query(sql`
      insert into api.subscription (id, ${OF[kind]}, reference, billing_method, term_months, started_on, renews_on, fee, suspends_on, state, billed_at)
      values (${id}::uuid, ${subjectId}::uuid, ${reference ?? null}, ${billingMethod ?? null}, ${termMonths}::smallint, ${startedOn}::date,
        ${renewsOn}::date, ${fee}, ${suspendsOn ?? null}::date, 'running', ${said}::timestamptz)
      on conflict (${OF[kind]}) do update set reference = excluded.reference,
        billing_method = excluded.billing_method, term_months = excluded.term_months,
        started_on = excluded.started_on, renews_on = excluded.renews_on, fee = excluded.fee, suspends_on = excluded.suspends_on,
        billed_at = coalesce(excluded.billed_at, subscription.billed_at)
      where coalesce(excluded.billed_at >= subscription.billed_at, true)
      returning ${COLUMNS}`)
    return put
  }

  list({ after, limit, fee, state, organisationIds }: SubscriptionQuery): Promise<Subscription[]> {
    return this.#query(sql`
      select ${COLUMNS} from api.subscription
      where (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
        and (${fee ?? null}::text is null or fee = ${fee ?? null})
        and (${state ?? null}::text is null or state = ${state ?? null})
        and (${organisationIds === undefined} or organisation_id = any(${[...(organisationIds ?? [])]}::uuid[]))
      order by id limit ${limit}::int`)
  }

  async remove({ kind, id }: Subject): Promise<boolean> {
    return (await this.#db.execute(sql`delete from api.subscription where ${OF[kind]} = ${id}::uuid`)) > 0
  }

  remindable(reminder: Reminder, today: string, until: string, limit: number): Promise<Subscription[]> {
    return this.#query(sql`
      select ${COLUMNS} from api.subscription
      where state = 'running' and ${DAY[reminder]} between ${today}::date and ${until}::date
        and ${REMINDED[reminder]} is distinct from ${DAY[reminder]}
      order by id limit ${limit}::int`)
  }

  async reminded(id: string, reminder: Reminder, day: string, tell?: Tell): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.execute(
        sql`update api.subscription set ${REMINDED[reminder]} = ${day}::date where id = ${id}::uuid`,
      )
      await tell?.(tx)
    })
  }

  suspendable(today: string, after: string | undefined, limit: number): Promise<Subscription[]> {
    return this.#query(sql`
      select ${COLUMNS} from api.subscription
      where state = 'running' and suspends_on <= ${today}::date and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
      order by id limit ${limit}::int`)
  }

  refundDue: SubscriptionStore['refundDue'] = ({ kind, id }, today, tell) =>
    this.#db.transaction(async (tx) => {
      const [due] = await tx.query<SqlSubscription>(sql`
      update api.subscription set state = 'refund-due', refund_since = ${today}::date, fee = 'none', suspends_on = null
      where ${OF[kind]} = ${id}::uuid and state = 'running' returning ${COLUMNS}`)
      if (due !== undefined) await tell?.(tx)
      return due && parse(due)
    })

  async refunded(id: string): Promise<boolean> {
    const removed = await this.#db.execute(
      sql`delete from api.subscription where id = ${id}::uuid and state = 'refund-due'`,
    )
    return removed > 0
  }

  async eraseRefunds(before: string): Promise<void> {
    await this.#db.execute(sql`delete from api.subscription where refund_since < ${before}::date`)
  }

  eraseAccount(id: string): Promise<void> {
    return this.#erase({ kind: 'account', id })
  }

  eraseOrganisation(id: string): Promise<void> {
    return this.#erase({ kind: 'organisation', id })
  }

  async #erase({ kind, id }: Subject): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.execute(
        sql`delete from api.subscription where ${OF[kind]} = ${id}::uuid and state = 'running'`,
      )
      await tx.execute(sql`update api.subscription set ${OF[kind]} = null where ${OF[kind]} = ${id}::uuid`)
    })
  }

  async isDone(eventHash: Buffer): Promise<boolean> {
    const rows = await this.#db.query(sql`select from api.billing_event where id_hash = ${eventHash}`)
    return rows.length > 0
  }

  async done(eventHash: Buffer, now: number, forgetBefore: number): Promise<void> {
    await this.#db.execute(sql`delete from api.billing_event where done_at < ${new Date(forgetBefore)}`)
    await this.#db.execute(sql`
      insert into api.billing_event (id_hash, done_at) values (${eventHash}, ${new Date(now)}) on conflict do nothing`)
  }

  async #query(statement: Sql): Promise<Subscription[]> {
    return (await this.#db.query<SqlSubscription>(statement)).map(parse)
  }
}

function parse(row: SqlSubscription): Subscription {
  return {
    id: row.id,
    subject: subjectOf(row),
    reference: row.reference ?? undefined,
    billingMethod: row.billing_method ?? undefined,
    termMonths: row.term_months,
    startedOn: row.started_on,
    renewsOn: row.renews_on,
    fee: row.fee as Fee,
    suspendsOn: row.suspends_on ?? undefined,
    state: row.state as Subscription['state'],
    billedAt: row.billed_at?.getTime(),
  }
}

function subjectOf({
  organisation_id: organisation,
  account_id: account,
}: SqlSubscription): Subject | undefined {
  if (organisation !== null) return { kind: 'organisation', id: organisation }
  return account === null ? undefined : { kind: 'account', id: account }
}
