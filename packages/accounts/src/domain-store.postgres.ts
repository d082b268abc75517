/** Policies of domains in Postgres, schema `account`. */
import { sql, type Db } from '@sealpost/db'
import {
  decidesNothing,
  E2EE_POLICIES,
  MAIL_PGP_MODES,
  STORAGE_MODES,
  type DomainPolicy,
  type DomainStore,
} from './domains.ts'

interface SqlPolicy {
  domain: string
  e2ee: string | null
  storage: string | null
  message_ttl_seconds: number | null
  mail_pgp: string | null
}

/** Needs a connection with the role `sealpost_account` on a migrated database. */
export function postgresDomainStore(db: Db): DomainStore {
  return {
    async policies() {
      const rows = await db.query<SqlPolicy>(
        sql`select domain, e2ee, storage, message_ttl_seconds, mail_pgp from account.domain_policy`,
      )
      return new Map(rows.map((row) => [row.domain, toPolicy(row)]))
    },

    async put(domain, policy) {
      if (decidesNothing(policy)) {
        await db.execute(sql`delete from account.domain_policy where domain = ${domain}`)
        return
      }
      const { e2ee = null, storage = null, messageTtlSeconds = null, mailPgp = null } = policy
      await db.execute(sql`
        insert into account.domain_policy (domain, e2ee, storage, message_ttl_seconds, mail_pgp)
        values (${domain}, ${e2ee}, ${storage}, ${messageTtlSeconds}, ${mailPgp})
        on conflict (domain) do update
          set e2ee = excluded.e2ee, storage = excluded.storage, message_ttl_seconds = excluded.message_ttl_seconds,
            mail_pgp = excluded.mail_pgp`)
    },
  }
}

function toPolicy(row: SqlPolicy): DomainPolicy {
  return {
    e2ee: E2EE_POLICIES.find((each) => each === row.e2ee),
    storage: STORAGE_MODES.find((each) => each === row.storage),
    messageTtlSeconds: row.message_ttl_seconds ?? undefined,
    mailPgp: MAIL_PGP_MODES.find((each) => each === row.mail_pgp),
  }
}
