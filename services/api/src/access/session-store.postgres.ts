/** Sessions of administrators and open challenges in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import { ADMINISTRATOR_COLUMNS, toAdministrator, type SqlAdministrator } from './store.postgres.ts'
import type { ChallengePurpose, SessionMethod, SessionRow, SessionStore } from './store.ts'

interface SqlSession {
  readonly session_id: string
  readonly administrator_id: string
  readonly method: SessionMethod
  readonly started_at: Date
  readonly seen_at: Date
  readonly proved_at: Date
}

interface SqlChallenge {
  readonly challenge_hash: Buffer
  readonly purpose: ChallengePurpose
  readonly administrator_id: string | null
  readonly expires_at: Date
}

const SESSION_COLUMNS = sql`s.id as session_id, s.administrator_id, s.method, s.started_at, s.seen_at, s.proved_at`

/** "challeng" in ASCII: who adds one takes turns, so that counting and adding is one step. */
const CHALLENGE_LOCK = 7163375912484697959n

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresSessionStore(db: Db): SessionStore {
  return {
    async insertSession({ id, administratorId, method, ...times }, tokenHash) {
      await db.execute(sql`
        insert into api.administrator_session (id, token_hash, administrator_id, method, started_at, seen_at, proved_at)
        values (${id}::uuid, ${tokenHash}, ${administratorId}::uuid, ${method}, ${new Date(times.startedAt)},
          ${new Date(times.seenAt)}, ${new Date(times.provedAt)})`)
    },

    async session(tokenHash) {
      const [row] = await db.query<SqlSession & SqlAdministrator>(
        sql`select ${ADMINISTRATOR_COLUMNS}, ${SESSION_COLUMNS}
          from api.administrator_session s join api.administrator a on a.id = s.administrator_id where s.token_hash = ${tokenHash}`,
        { name: 'administrator-session' },
      )
      return row && { session: toSession(row), administrator: toAdministrator(row) }
    },

    async touchSession(id, seenAt) {
      await db.execute(
        sql`update api.administrator_session set seen_at = ${new Date(seenAt)} where id = ${id}::uuid`,
      )
    },

    async proveSession(id, provedAt) {
      await db.execute(
        sql`update api.administrator_session set proved_at = ${new Date(provedAt)} where id = ${id}::uuid`,
      )
    },

    async sessions(administratorId) {
      const rows = await db.query<SqlSession>(sql`
        select ${SESSION_COLUMNS} from api.administrator_session s
        where s.administrator_id = ${administratorId}::uuid order by s.started_at desc, s.id`)
      return rows.map(toSession)
    },

    async endSession(administratorId, id) {
      const ended = await db.execute(sql`
        delete from api.administrator_session where id = ${id}::uuid and administrator_id = ${administratorId}::uuid`)
      return ended > 0
    },

    async eraseSessions(startedBefore, notSeenSince) {
      await db.execute(sql`
        delete from api.administrator_session
        where started_at <= ${new Date(startedBefore)} or seen_at <= ${new Date(notSeenSince)}`)
    },

    insertChallenge: ({ challengeHash, purpose, administratorId, expiresAt }, max, now) =>
      db.transaction(async (tx) => {
        await tx.query(sql`select pg_advisory_xact_lock(${CHALLENGE_LOCK})`)
        await tx.execute(sql`delete from api.challenge where expires_at <= ${new Date(now)}`)
        const inserted = await tx.execute(sql`
          insert into api.challenge (challenge_hash, purpose, administrator_id, expires_at)
          select ${challengeHash}, ${purpose}, ${administratorId ?? null}::uuid, ${new Date(expiresAt)}
          where (select count(*) from api.challenge where purpose = ${purpose}) < ${max}::int`)
        return inserted > 0
      }),

    async takeChallenge(challengeHash, purpose, now) {
      const [row] = await db.query<SqlChallenge>(sql`
        delete from api.challenge
        where challenge_hash = ${challengeHash} and purpose = ${purpose} and expires_at > ${new Date(now)}
        returning challenge_hash, purpose, administrator_id, expires_at`)
      return (
        row && {
          challengeHash: row.challenge_hash,
          purpose: row.purpose,
          administratorId: row.administrator_id ?? undefined,
          expiresAt: row.expires_at.getTime(),
        }
      )
    },
  }
}

function toSession(row: SqlSession): SessionRow {
  return {
    id: row.session_id,
    administratorId: row.administrator_id,
    method: row.method,
    startedAt: row.started_at.getTime(),
    seenAt: row.seen_at.getTime(),
    provedAt: row.proved_at.getTime(),
  }
}
