/** Phone numbers in Postgres, schema `api`. */
import { type Db, sql } from '@sealpost/db'
import { PhoneError } from './phone-error.ts'
import type { PhoneStore } from './store.ts'

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresPhoneStore(db: Db): PhoneStore {
  return {
    async find(accountId, now) {
      const [row] = await db.query<{ confirmed_on: string | null; expires_at: Date | null }>(
        sql`select confirmed_on, expires_at from api.phone where account_id = ${accountId}::uuid`,
      )
      const until = row?.expires_at?.getTime() ?? 0
      return { confirmedOn: row?.confirmed_on ?? undefined, pendingUntil: until > now ? until : undefined }
    },

    countSend: (subjects, day, max) =>
      db.transaction(async (tx) => {
        // In one order, so that two who send at once do not wait for each other.
        for (const subject of subjects.toSorted((one, other) => one.compare(other))) {
          const counted = await tx.execute(sql`
            insert into api.phone_send (subject, day, sends) values (${subject}, ${day}::date, 1)
            on conflict (subject, day) do update set sends = phone_send.sends + 1 where phone_send.sends < ${max}::int`)
          if (counted === 0) throw new PhoneError('PHONE_SENDS')
        }
      }),

    async await(accountId, { numberHash, codeHash, expiresAt }) {
      await db.execute(sql`
        insert into api.phone (account_id, pending_hash, code_hash, expires_at)
        values (${accountId}::uuid, ${numberHash}, ${codeHash}, ${new Date(expiresAt)})
        on conflict (account_id) do update
          set pending_hash = excluded.pending_hash, code_hash = excluded.code_hash, expires_at = excluded.expires_at, tries = 0`)
    },

    async try(accountId, now, max) {
      const [row] = await db.query<{ code_hash: Buffer }>(sql`
        update api.phone set tries = tries + 1
        where account_id = ${accountId}::uuid and expires_at > ${new Date(now)} and tries < ${max}::int returning code_hash`)
      return row?.code_hash
    },

    async confirm(accountId, codeHash, day) {
      const confirmed = await db.execute(sql`
        update api.phone set number_hash = pending_hash, confirmed_on = ${day}::date,
          pending_hash = null, code_hash = null, expires_at = null, tries = 0
        where account_id = ${accountId}::uuid and code_hash = ${codeHash}`)
      return confirmed > 0
    },

    async eraseAccount(accountId) {
      await db.execute(sql`delete from api.phone where account_id = ${accountId}::uuid`)
    },

    async forget(before) {
      await db.execute(sql`delete from api.phone_send where day < ${before}::date`)
    },
  }
}
