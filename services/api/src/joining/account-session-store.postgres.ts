/** Sessions of account owners in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type { AccountSessionRow, AccountSessionStore } from './account-session-store.ts'

interface SqlSession {
  id: string
  account_id: string
  sign_outs: number
  started_at: Date
  seen_at: Date
  rest_seconds: number
  ends_at: Date
}

const COLUMNS = sql`id, account_id, sign_outs, started_at, seen_at, rest_seconds, ends_at`

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresAccountSessionStore(db: Db): AccountSessionStore {
  return {
    insert: (tokenHash, { id, accountId, signOuts, startedAt, seenAt, restMs, endsAt }, max) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`
          insert into api.account_session (id, token_hash, account_id, sign_outs, started_at, seen_at, rest_seconds, ends_at)
          values (${id}::uuid, ${tokenHash}, ${accountId}::uuid, ${signOuts}::int, ${new Date(startedAt)}, ${new Date(seenAt)},
            ${Math.ceil(restMs / 1000)}::int, ${new Date(endsAt)})`)
        await tx.execute(sql`
          delete from api.account_session where token_hash in (
            select token_hash from api.account_session where account_id = ${accountId}::uuid
            order by token_hash = ${tokenHash} desc, started_at desc offset ${max}::int)`)
      }),

    async find(tokenHash) {
      const [row] = await db.query<SqlSession>(
        sql`select ${COLUMNS} from api.account_session where token_hash = ${tokenHash}`,
        { name: 'account-session' },
      )
      return row && parse(row)
    },

    async list(accountId) {
      const rows = await db.query<SqlSession>(sql`
        select ${COLUMNS} from api.account_session where account_id = ${accountId}::uuid order by started_at desc, id`)
      return rows.map(parse)
    },

    async endOne(accountId, id) {
      const ended = await db.execute(
        sql`delete from api.account_session where account_id = ${accountId}::uuid and id = ${id}::uuid`,
      )
      return ended > 0
    },

    async touch(tokenHash, seenAt) {
      await db.execute(
        sql`update api.account_session set seen_at = ${new Date(seenAt)} where token_hash = ${tokenHash}`,
      )
    },

    async renew(tokenHash, signOuts) {
      await db.execute(
        sql`update api.account_session set sign_outs = ${signOuts}::int where token_hash = ${tokenHash}`,
      )
    },

    async end(tokenHash) {
      await db.execute(sql`delete from api.account_session where token_hash = ${tokenHash}`)
    },

    async eraseAccount(accountId) {
      await db.execute(sql`delete from api.account_session where account_id = ${accountId}::uuid`)
    },

    async eraseOver(now) {
      await db.execute(sql`
        delete from api.account_session
        where ends_at <= ${new Date(now)} or seen_at + rest_seconds * interval '1 second' <= ${new Date(now)}`)
    },
  }
}

function parse(row: SqlSession): AccountSessionRow {
  return {
    id: row.id,
    accountId: row.account_id,
    signOuts: row.sign_outs,
    startedAt: row.started_at.getTime(),
    seenAt: row.seen_at.getTime(),
    restMs: row.rest_seconds * 1000,
    endsAt: row.ends_at.getTime(),
  }
}
