/** Policies in Postgres, schema `api`. */
import { isUniqueViolation, sql, type Db } from '@sealpost/db'
import type { Acceptance, PolicyKind, PolicyStore, PolicyText, PolicyVersion } from './store.ts'

interface SqlVersion {
  kind: PolicyKind
  version: number
  published_on: string
  effective_on: string
  notice_id: string | null
  languages: string[]
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresPolicyStore(db: Db): PolicyStore {
  return {
    add: (version, text) => add(db, version, text),
    async addText(kind, version, { language, title, body }) {
      const added = await db.execute(sql`
        insert into api.policy_text (kind, version, language, title, body)
        select kind, version, ${language}, ${title}, ${body} from api.policy where kind = ${kind} and version = ${version}::int
        on conflict do nothing`)
      return added > 0
    },
    async versions() {
      const rows = await db.query<SqlVersion>(sql`
        select kind, version, published_on::text, effective_on::text, notice_id,
          array(select language from api.policy_text t where t.kind = p.kind and t.version = p.version order by language) as languages
        from api.policy p order by kind collate "C", version desc`)
      return rows.map(({ published_on, effective_on, notice_id, ...row }) => ({
        ...row,
        publishedOn: published_on,
        effectiveOn: effective_on,
        noticeId: notice_id ?? undefined,
      }))
    },
    async text(kind, version, language) {
      const [row] = await db.query<PolicyText>(sql`
        select language, title, body from api.policy_text
        where kind = ${kind} and version = ${version}::int and language = ${language}`)
      return row
    },
    async accept(accountId, { kind, version, acceptedOn }) {
      await db.execute(sql`
        insert into api.policy_acceptance (account_id, kind, version, accepted_on)
        values (${accountId}::uuid, ${kind}, ${version}::int, ${acceptedOn}::date) on conflict do nothing`)
    },
    accepted: (accountId) =>
      db.query<Acceptance>(sql`
        select kind, version, accepted_on::text as "acceptedOn" from api.policy_acceptance
        where account_id = ${accountId}::uuid order by kind collate "C", version`),
    async acceptances(kind, version) {
      const [row] = await db.query<{ count: number }>(sql`
        select (erased_acceptances + (select count(*) from api.policy_acceptance a where a.kind = p.kind and a.version = p.version))::int as count
        from api.policy p where kind = ${kind} and version = ${version}::int`)
      return row?.count ?? 0
    },
    async eraseAccount(accountId) {
      await db.execute(sql`
        with gone as (delete from api.policy_acceptance where account_id = ${accountId}::uuid returning kind, version)
        update api.policy p set erased_acceptances = erased_acceptances + 1 from gone where p.kind = gone.kind and p.version = gone.version`)
    },
  }
}

async function add(db: Db, version: PolicyVersion, text: PolicyText): Promise<boolean> {
  const { kind, version: number, publishedOn, effectiveOn, noticeId } = version
  try {
    await db.transaction(async (tx) => {
      await tx.execute(sql`
        insert into api.policy (kind, version, published_on, effective_on, notice_id)
        values (${kind}, ${number}::int, ${publishedOn}::date, ${effectiveOn}::date, ${noticeId ?? null}::uuid)`)
      await tx.execute(sql`
        insert into api.policy_text (kind, version, language, title, body)
        values (${kind}, ${number}::int, ${text.language}, ${text.title}, ${text.body})`)
    })
    return true
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
}
