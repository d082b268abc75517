/** Approvals in Postgres, schema `api`. */
import { empty, sql, type Db, type Sql } from '@sealpost/db'
import type { ApprovalRow, ApprovalState, ApprovalStore } from './approval-store.ts'

interface SqlApproval {
  readonly id: string
  readonly action: string
  readonly target_kind: string | null
  readonly target_id: string | null
  readonly details: string
  readonly reason: string | null
  readonly request_hash: Buffer
  readonly requester_kind: 'administrator' | 'key'
  readonly requester_id: string
  readonly asked_by: string | null
  readonly organisation_id: string | null
  readonly state: ApprovalState
  readonly decided_by: string | null
  readonly asked_at: Date
  readonly expires_at: Date
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresApprovalStore(db: Db): ApprovalStore {
  return {
    ask: (row, max) =>
      db.transaction(async (tx) => {
        // Who asks twice at once gets one answer.
        await tx.query(
          sql`select pg_advisory_xact_lock(hashtextextended(${`sealpost approval ${row.requester.id}`}, 0))`,
        )
        await tx.execute(sql`delete from api.approval where expires_at <= ${new Date(row.askedAt)}`)
        const [same] = await tx.query<SqlApproval>(sql`
          select * from api.approval where requester_id = ${row.requester.id}::uuid and request_hash = ${row.requestHash}
            and state in ('open', 'approved')`)
        if (same !== undefined) return toApproval(same)
        const [count] = await tx.query<{ full: boolean }>(sql`
          select count(*) >= ${max}::int as full from api.approval
          where requester_id = ${row.requester.id}::uuid and state = 'open'`)
        if (count?.full !== false) return undefined
        await tx.execute(insert(row))
        return row
      }),

    async find(id, now) {
      const rows = await db.query<SqlApproval>(
        sql`select * from api.approval where id = ${id}::uuid and expires_at > ${new Date(now)}`,
      )
      return rows.map(toApproval)[0]
    },

    async list({ before, limit, state, organisationIds, now }) {
      const asked = state === undefined ? empty : sql`and state = ${state}`
      const within = organisationIds && sql`and organisation_id = any (${[...organisationIds]}::uuid[])`
      const older =
        before && sql`and (asked_at, id) < (select asked_at, id from api.approval where id = ${before}::uuid)`
      const rows = await db.query<SqlApproval>(sql`
        select * from api.approval where expires_at > ${new Date(now)} ${asked} ${within ?? empty} ${older ?? empty}
        order by asked_at desc, id desc limit ${limit}`)
      return rows.map(toApproval)
    },

    async decide(id, state, by, now) {
      const rows = await db.query<SqlApproval>(sql`
        update api.approval set state = ${state}, decided_by = ${by ?? null}::uuid
        where id = ${id}::uuid and state = 'open' and expires_at > ${new Date(now)} returning *`)
      return rows.map(toApproval)[0]
    },

    async use(id, requesterId, requestHash, now) {
      const used = await db.execute(sql`
        update api.approval set state = 'used' where id = ${id}::uuid and requester_id = ${requesterId}::uuid
          and request_hash = ${requestHash} and state = 'approved' and expires_at > ${new Date(now)}`)
      return used > 0
    },
  }
}

function insert(row: ApprovalRow): Sql {
  const { target, requester } = row
  return sql`
    insert into api.approval (id, action, target_kind, target_id, details, reason, request_hash, requester_kind, requester_id,
      asked_by, organisation_id, state, asked_at, expires_at)
    values (${row.id}::uuid, ${row.action}, ${target?.kind ?? null}, ${target?.id ?? null}, ${row.details}, ${row.reason ?? null},
      ${row.requestHash}, ${requester.kind}, ${requester.id}::uuid, ${row.askedBy ?? null}::uuid,
      ${row.organisationId ?? null}::uuid, ${row.state}, ${new Date(row.askedAt)}, ${new Date(row.expiresAt)})`
}

function toApproval(row: SqlApproval): ApprovalRow {
  return {
    id: row.id,
    action: row.action,
    target:
      row.target_kind === null || row.target_id === null
        ? undefined
        : { kind: row.target_kind, id: row.target_id },
    details: row.details,
    reason: row.reason ?? undefined,
    requestHash: row.request_hash,
    requester: { kind: row.requester_kind, id: row.requester_id },
    askedBy: row.asked_by ?? undefined,
    organisationId: row.organisation_id ?? undefined,
    state: row.state,
    decidedBy: row.decided_by ?? undefined,
    askedAt: row.asked_at.getTime(),
    expiresAt: row.expires_at.getTime(),
  }
}
