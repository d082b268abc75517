/** Reports of abuse in Postgres, schema `api`. */
import { join, sql, type Db } from '@sealpost/db'
import type { AbuseStore, ReportCount, StoredReport } from './store.ts'

interface Row {
  readonly id: string
  readonly source: StoredReport['source']
  readonly category: StoredReport['category']
  readonly named: boolean
  readonly account_id: string | null
  readonly reporter_id: string | null
  readonly reporter: Buffer | null
  readonly content: Buffer | null
  readonly state: StoredReport['state']
  readonly outcome: NonNullable<StoredReport['outcome']> | null
  readonly actions: string[]
  readonly received_on: string
  readonly closed_on: string | null
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresAbuse(db: Db): AbuseStore {
  return { ...reading(db), ...writing(db) }
}

function reading(db: Db): Pick<AbuseStore, 'find' | 'list' | 'counts'> {
  return {
    async find(id) {
      const [row] = await db.query<Row>(sql`select * from api.abuse_report where id = ${id}::uuid`)
      return row && toReport(row)
    },

    async list({ state, named, source, accountId, after, limit }) {
      const conditions = [
        sql`true`,
        ...(state === undefined ? [] : [sql`state = ${state}`]),
        ...(named === undefined ? [] : [sql`named = ${named}`]),
        ...(source === undefined ? [] : [sql`source = ${source}`]),
        ...(accountId === undefined ? [] : [sql`account_id = ${accountId}::uuid`]),
        ...(after === undefined ? [] : [sql`id > ${after}::uuid`]),
      ]
      const rows = await db.query<Row>(
        sql`select * from api.abuse_report where ${join(conditions, ' and ')} order by id limit ${limit}`,
      )
      return rows.map(toReport)
    },

    async counts() {
      const rows = await db.query<
        Omit<ReportCount, 'outcome'> & { outcome: NonNullable<ReportCount['outcome']> | null }
      >(sql`
        select source, category, named, state, outcome, count(*) as count from api.abuse_report
        group by source, category, named, state, outcome order by source, category, named, state, outcome`)
      return rows.map(({ outcome, ...row }) => ({ ...row, outcome: outcome ?? undefined }))
    },
  }
}

function writing(db: Db): Pick<AbuseStore, 'add' | 'change' | 'acted' | 'eraseAccount' | 'eraseOld'> {
  return {
    add: (report, openMax, tell) => {
      const { id, source, category, named, accountId, reporterId, reporter, content, receivedOn } = report
      return db.transaction(async (tx) => {
        const added = await tx.execute(sql`
          insert into api.abuse_report (id, source, category, named, account_id, reporter_id, reporter, content, state, received_on)
          select ${id}::uuid, ${source}, ${category}, ${named}::boolean, ${accountId ?? null}::uuid, ${reporterId ?? null}::uuid,
            ${reporter ?? null}::bytea, ${content ?? null}::bytea, 'new', ${receivedOn}::date
          where (select count(*) from api.abuse_report where state <> 'closed' and named = ${named}) < ${openMax}::int
          on conflict (id) do nothing`)
        if (added > 0) await tell?.(tx)
        return added > 0
      })
    },

    change: (id, { state, outcome, closedOn }, tell) =>
      db.transaction(async (tx) => {
        const [row] = await tx.query<Row>(sql`
          update api.abuse_report set state = coalesce(${state ?? null}, state), outcome = ${outcome ?? null}, closed_on = ${closedOn ?? null}::date
          where id = ${id}::uuid returning *`)
        if (row !== undefined) await tell?.(tx)
        return row && toReport(row)
      }),

    async acted(id, action) {
      await db.execute(sql`
        update api.abuse_report set actions = actions || ${[action]}::text[] where id = ${id}::uuid and not ${action} = any(actions)`)
    },

    async eraseAccount(accountId) {
      await db.execute(sql`delete from api.abuse_report where account_id = ${accountId}::uuid`)
      await db.execute(sql`
        update api.abuse_report set reporter_id = null, reporter = null, named = false where reporter_id = ${accountId}::uuid`)
    },

    async eraseOld(closedBefore, receivedBefore) {
      await db.execute(sql`
        delete from api.abuse_report where closed_on < ${closedBefore}::date or received_on < ${receivedBefore}::date`)
    },
  }
}

function toReport(row: Row): StoredReport {
  return {
    id: row.id,
    source: row.source,
    category: row.category,
    named: row.named,
    accountId: row.account_id ?? undefined,
    reporterId: row.reporter_id ?? undefined,
    reporter: row.reporter ?? undefined,
    content: row.content ?? undefined,
    state: row.state,
    outcome: row.outcome ?? undefined,
    actions: row.actions,
    receivedOn: row.received_on,
    closedOn: row.closed_on ?? undefined,
  }
}
