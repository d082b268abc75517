/** The audit log in Postgres, schema `audit`. */
import { empty, join, sql, type Db, type Sql } from '@sealpost/db'
import { chain, type AuditActor, type AuditEntry, type AuditPhase } from './entry.ts'
import type { AuditQuery, AuditStore } from './store.ts'

/** "audit" in ASCII: entries are chained one after another, whoever adds them. */
const CHAIN_LOCK = 418565089652

interface Row {
  readonly seq: number
  readonly at: Date
  readonly actor_kind: AuditActor['kind']
  readonly actor_id: string | null
  readonly organisation_id: string | null
  readonly action: string
  readonly target_kind: string | null
  readonly target_id: string | null
  readonly reason: string | null
  readonly phase: AuditPhase
  readonly begun_seq: number | null
  readonly details: string
  readonly previous_hash: Buffer
  readonly hash: Buffer
}

/** Needs a role that may add to `audit.entry` and read it, on a migrated database. */
export function postgresAuditStore(db: Db): AuditStore {
  return {
    append: (said) =>
      db.transaction(async (tx) => {
        await tx.query(sql`select pg_advisory_xact_lock(${CHAIN_LOCK})`)
        const [last] = await tx.query<Pick<Row, 'seq' | 'hash'>>(
          sql`select seq, hash from audit.entry order by seq desc limit 1`,
        )
        const entry = chain(last, said)
        await tx.execute(insert(entry))
        return entry
      }),

    async find(query) {
      const rows = await db.query<Row>(
        sql`select * from audit.entry ${where(query)} order by seq desc limit ${query.limit}`,
      )
      return rows.map(toEntry)
    },

    async after(seq, limit) {
      const rows = await db.query<Row>(
        sql`select * from audit.entry where seq > ${seq} order by seq limit ${limit}`,
      )
      return rows.map(toEntry)
    },
  }
}

function insert({
  seq,
  at,
  actor,
  action,
  target,
  reason,
  phase,
  begun,
  details,
  ...hashes
}: AuditEntry): Sql {
  return sql`
    insert into audit.entry (seq, at, actor_kind, actor_id, organisation_id, action, target_kind, target_id, reason, phase, begun_seq, details,
      previous_hash, hash)
    values (${seq}, ${new Date(at)}, ${actor.kind}, ${actor.id ?? null}, ${actor.organisationId ?? null}::uuid, ${action},
      ${target?.kind ?? null}, ${target?.id ?? null}, ${reason ?? null}, ${phase}, ${begun ?? null}, ${details},
      ${hashes.previousHash}, ${hashes.hash})`
}

function where(query: AuditQuery): Sql {
  const conditions = [
    query.before === undefined ? [] : [sql`seq < ${query.before}`],
    query.action === undefined ? [] : [sql`action = ${query.action}`],
    query.actorId === undefined ? [] : [sql`actor_id = ${query.actorId}`],
    query.targetId === undefined ? [] : [sql`target_id = ${query.targetId}`],
    query.organisationId === undefined ? [] : [sql`organisation_id = ${query.organisationId}::uuid`],
    query.from === undefined ? [] : [sql`at >= ${new Date(query.from)}`],
    query.until === undefined ? [] : [sql`at < ${new Date(query.until)}`],
  ].flat()
  return conditions.length === 0 ? empty : sql`where ${join(conditions, ' and ')}`
}

function toEntry(row: Row): AuditEntry {
  return {
    seq: row.seq,
    at: row.at.getTime(),
    actor: {
      kind: row.actor_kind,
      id: row.actor_id ?? undefined,
      organisationId: row.organisation_id ?? undefined,
    },
    action: row.action,
    target:
      row.target_kind === null || row.target_id === null
        ? undefined
        : { kind: row.target_kind, id: row.target_id },
    reason: row.reason ?? undefined,
    phase: row.phase,
    begun: row.begun_seq ?? undefined,
    details: row.details,
    previousHash: row.previous_hash,
    hash: row.hash,
  }
}
