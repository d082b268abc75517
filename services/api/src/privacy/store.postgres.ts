/** Privacy requests in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type { PrivacyKind, PrivacyOrigin, PrivacyRequest, PrivacyState, PrivacyStore } from './store.ts'

interface SqlRequest {
  id: string
  account_id: string | null
  kind: PrivacyKind
  state: PrivacyState
  origin: PrivacyOrigin
  details: string | null
  received_on: string
  due_on: string
  closed_on: string | null
  answer: string | null
}

const columns = sql`id, account_id, kind, state, origin, details, received_on::text, due_on::text, closed_on::text, answer`

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresPrivacyStore(db: Db): PrivacyStore {
  return {
    add: (request, openMax) => add(db, request, openMax),
    async find(id) {
      const [row] = await db.query<SqlRequest>(
        sql`select ${columns} from api.privacy_request where id = ${id}::uuid`,
      )
      return row && fromRow(row)
    },
    async list({ after, limit, state, kind, accountId, dueBefore }) {
      const rows = await db.query<SqlRequest>(sql`
        select ${columns} from api.privacy_request
        where (${state ?? null}::text is null or state = ${state ?? null}) and (${kind ?? null}::text is null or kind = ${kind ?? null})
          and (${accountId ?? null}::uuid is null or account_id = ${accountId ?? null}::uuid)
          and (${dueBefore ?? null}::date is null or (state = 'open' and due_on < ${dueBefore ?? null}::date))
          and (${after?.at ?? null}::date is null or (received_on, id) < (${after?.at ?? null}::date, ${after?.id ?? null}::uuid))
        order by received_on desc, id desc limit ${limit}::int`)
      return rows.map(fromRow)
    },
    async close(id, { state, answer, closedOn }) {
      const changed = await db.execute(sql`
        update api.privacy_request set state = ${state}, answer = ${answer}, closed_on = ${closedOn}::date
        where id = ${id}::uuid and state = 'open'`)
      return changed > 0
    },
    async eraseAccount(accountId, today) {
      await db.execute(sql`
        update api.privacy_request set account_id = null, details = null, answer = null,
          closed_on = coalesce(closed_on, ${today}::date), state = case state when 'open' then 'answered' else state end
        where account_id = ${accountId}::uuid`)
    },
    async forget(closedBefore) {
      await db.execute(sql`delete from api.privacy_request where closed_on < ${closedBefore}::date`)
    },
  }
}

/** Of several at once, no more than `openMax` get in: those of one account take turns. */
async function add(db: Db, request: PrivacyRequest, openMax: number): Promise<boolean> {
  const { id, accountId, kind, state, origin, details, receivedOn, dueOn } = request
  return db.transaction(async (tx) => {
    await tx.query(sql`select pg_advisory_xact_lock(hashtextextended('privacy ' || ${accountId}::text, 0))`)
    const added = await tx.execute(sql`
      insert into api.privacy_request (id, account_id, kind, state, origin, details, received_on, due_on)
      select ${id}::uuid, ${accountId}::uuid, ${kind}, ${state}, ${origin}, ${details ?? null}, ${receivedOn}::date, ${dueOn}::date
      where (select count(*) from api.privacy_request where account_id = ${accountId}::uuid and state = 'open') < ${openMax}::int`)
    return added > 0
  })
}

function fromRow(row: SqlRequest): PrivacyRequest {
  return {
    id: row.id,
    accountId: row.account_id ?? undefined,
    kind: row.kind,
    state: row.state,
    origin: row.origin,
    details: row.details ?? undefined,
    receivedOn: row.received_on,
    dueOn: row.due_on,
    closedOn: row.closed_on ?? undefined,
    answer: row.answer ?? undefined,
  }
}
