/** Requests of authorities in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type {
  LegalChange,
  LegalCount,
  LegalKind,
  LegalRequest,
  LegalState,
  LegalStore,
  LegalWay,
  Refusal,
  Sought,
} from './store.ts'

interface SqlRequest {
  id: string
  state: LegalState
  kind: LegalKind
  authority: string
  official_address: string | null
  letterhead: boolean
  username: string | null
  account_id: string | null
  sought: Sought[]
  sought_otherwise: string | null
  device_type: string | null
  legal_basis: string
  received_how: LegalWay
  received_on: string
  gag_until: string | null
  refused_because: Refusal[]
  closed_on: string | null
  notified_on: string | null
}

const columns = sql`id, state, kind, authority, official_address, letterhead, username, account_id, sought, sought_otherwise, device_type, legal_basis,
  received_how, received_on::text, gag_until::text, refused_because, closed_on::text, notified_on::text`

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresLegalStore(db: Db): LegalStore {
  return { ...requests(db), ...ofAccounts(db), ...reports(db) }
}

type Requests = Pick<LegalStore, 'add' | 'find' | 'list' | 'change' | 'document' | 'forget'>
type OfAccounts = Pick<LegalStore, 'notified' | 'toNotify' | 'ofAccount' | 'eraseAccount'>

function requests(db: Db): Requests {
  return {
    add: (request) => add(db, request),
    async find(id) {
      const [row] = await db.query<SqlRequest>(
        sql`select ${columns} from api.legal_request where id = ${id}::uuid`,
      )
      return row && fromRow(row)
    },
    async list({ after, limit, state }) {
      const rows = await db.query<SqlRequest>(sql`
        select ${columns} from api.legal_request
        where (${state ?? null}::text is null or state = ${state ?? null})
          and (${after?.at ?? null}::date is null or (received_on, id) < (${after?.at ?? null}::date, ${after?.id ?? null}::uuid))
        order by received_on desc, id desc limit ${limit}::int`)
      return rows.map(fromRow)
    },
    change: (id, from, to, change) => changeState(db, id, from, to, change),
    async document(id) {
      const [row] = await db.query<{ document: string }>(
        sql`select document from api.legal_production where request_id = ${id}::uuid`,
      )
      return row?.document
    },
    async forget(closedBefore, producedBefore) {
      await db.execute(sql`delete from api.legal_request where closed_on < ${closedBefore}::date`)
      await db.execute(sql`delete from api.legal_production where produced_on < ${producedBefore}::date`)
    },
  }
}

async function add(db: Db, request: LegalRequest): Promise<void> {
  await db.execute(sql`
    insert into api.legal_request (id, state, kind, authority, official_address, letterhead, username, account_id, sought, sought_otherwise,
      device_type, legal_basis, received_how, received_on, gag_until, refused_because, closed_on)
    values (${request.id}::uuid, ${request.state}, ${request.kind}, ${request.authority}, ${request.officialAddress ?? null}, ${request.letterhead},
      ${request.username ?? null}, ${request.accountId ?? null}::uuid, ${request.sought}::text[], ${request.soughtOtherwise ?? null},
      ${request.deviceType ?? null}, ${request.legalBasis}, ${request.receivedHow}, ${request.receivedOn}::date, ${request.gagUntil ?? null}::date,
      ${request.refusedBecause}::text[], ${request.closedOn ?? null}::date)`)
}

function changeState(
  db: Db,
  id: string,
  from: readonly LegalState[],
  to: LegalState,
  { refusedBecause = [], closedOn, document }: LegalChange = {},
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const changed = await tx.execute(sql`
      update api.legal_request set state = ${to}, refused_because = ${refusedBecause}::text[], closed_on = ${closedOn ?? null}::date
      where id = ${id}::uuid and state = any(${from}::text[])`)
    if (changed > 0 && document !== undefined)
      await tx.execute(sql`
        insert into api.legal_production (request_id, document, produced_on) values (${id}::uuid, ${document}, ${closedOn ?? null}::date)`)
    return changed > 0
  })
}

function ofAccounts(db: Db): OfAccounts {
  const mayKnow = (today: string) =>
    sql`state in ('approved', 'produced') and (gag_until is null or gag_until < ${today}::date)`
  return {
    async notified(id, on) {
      await db.execute(sql`update api.legal_request set notified_on = ${on}::date where id = ${id}::uuid`)
    },
    async toNotify(today) {
      const rows = await db.query<SqlRequest>(sql`
        select ${columns} from api.legal_request where ${mayKnow(today)} and notified_on is null and account_id is not null
        order by received_on desc, id desc`)
      return rows.map(fromRow)
    },
    async ofAccount(accountId, today) {
      const rows = await db.query<SqlRequest>(sql`
        select ${columns} from api.legal_request where ${mayKnow(today)} and account_id = ${accountId}::uuid
        order by received_on desc, id desc`)
      return rows.map(fromRow)
    },
    async eraseAccount(accountId) {
      await db.execute(sql`
        with of_account as (
          update api.legal_request set account_id = null, username = null where account_id = ${accountId}::uuid returning id)
        delete from api.legal_production using of_account where request_id = of_account.id`)
    },
  }
}

function reports(db: Db): Pick<LegalStore, 'counts' | 'report' | 'findReport'> {
  const findReport = async (period: string): Promise<string | undefined> => {
    const [row] = await db.query<{ document: string }>(
      sql`select document from api.transparency_report where period = ${period}::date`,
    )
    return row?.document
  }
  return {
    counts: (from, until) =>
      db.query<LegalCount>(sql`
        select kind, result, count(*)::int as count from (
          select kind, 'received' as result, received_on as day from api.legal_request
          union all select kind, state, closed_on from api.legal_request where state in ('refused', 'produced')) as counted
        where day >= ${from}::date and day < ${until}::date group by kind, result order by kind collate "C", result collate "C"`),
    async report(period, document) {
      await db.execute(
        sql`insert into api.transparency_report (period, document) values (${period}::date, ${document}) on conflict do nothing`,
      )
      return (await findReport(period)) ?? document
    },
    findReport,
  }
}

function fromRow(row: SqlRequest): LegalRequest {
  return {
    id: row.id,
    state: row.state,
    kind: row.kind,
    authority: row.authority,
    officialAddress: row.official_address ?? undefined,
    letterhead: row.letterhead,
    username: row.username ?? undefined,
    accountId: row.account_id ?? undefined,
    sought: row.sought,
    soughtOtherwise: row.sought_otherwise ?? undefined,
    deviceType: row.device_type ?? undefined,
    legalBasis: row.legal_basis,
    receivedHow: row.received_how,
    receivedOn: row.received_on,
    gagUntil: row.gag_until ?? undefined,
    refusedBecause: row.refused_because,
    closedOn: row.closed_on ?? undefined,
    notifiedOn: row.notified_on ?? undefined,
  }
}
