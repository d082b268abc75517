/** Sealed answers in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type { AnswerStore } from './answer-store.ts'

interface Row {
  readonly request_hash: Buffer
  readonly running_until: Date
  readonly status: number | null
  readonly answer: Buffer | null
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresAnswers(db: Db): AnswerStore {
  return {
    claim: ({ keyHash, requestHash, runningUntil, expiresAt }, now) =>
      db.transaction(async (tx) => {
        await tx.execute(
          sql`delete from api.idempotent_answer where key_hash = ${keyHash} and expires_at <= ${new Date(now)}`,
        )
        const claimed = await tx.execute(sql`
          insert into api.idempotent_answer (key_hash, request_hash, running_until, expires_at)
          values (${keyHash}, ${requestHash}, ${new Date(runningUntil)}, ${new Date(expiresAt)}) on conflict (key_hash) do nothing`)
        if (claimed > 0) return undefined
        const [row] = await tx.query<Row>(
          sql`select request_hash, running_until, status, answer from api.idempotent_answer where key_hash = ${keyHash}`,
        )
        if (row === undefined) return { requestHash, runningUntil, status: undefined, sealed: undefined } // Released this moment.
        return {
          requestHash: row.request_hash,
          runningUntil: row.running_until.getTime(),
          status: row.status ?? undefined,
          sealed: row.answer ?? undefined,
        }
      }),
    async answer(keyHash, status, sealed) {
      await db.execute(sql`
        update api.idempotent_answer set status = ${status}, answer = ${sealed ?? null} where key_hash = ${keyHash}`)
    },
    async release(keyHash) {
      await db.execute(sql`delete from api.idempotent_answer where key_hash = ${keyHash} and status is null`)
    },
    async eraseExpired(now) {
      await db.execute(sql`delete from api.idempotent_answer where expires_at <= ${new Date(now)}`)
    },
  }
}
