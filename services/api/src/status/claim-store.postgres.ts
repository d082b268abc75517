/** Claims in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import type { Component } from './component.ts'
import type { Claim, ClaimState, ClaimStore, ClaimSubject } from './claims.ts'

interface Row {
  readonly id: string
  readonly kind: ClaimSubject['kind']
  readonly subject_id: string
  readonly month: string
  readonly component: Component
  readonly filed: string
  readonly decided: string | null
  readonly state: ClaimState
  readonly credit_permille: number | null
}

const columns = sql`id, subject_kind as kind, subject_id, month, component, filed_on::text as filed,
  decided_on::text as decided, state, credit_permille`

function toClaim(row: Row): Claim {
  return {
    id: row.id,
    subject: { kind: row.kind, id: row.subject_id },
    month: row.month,
    component: row.component,
    filedOn: row.filed,
    decidedOn: row.decided ?? undefined,
    state: row.state,
    credit: row.credit_permille ?? undefined,
  }
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresClaims(db: Db): ClaimStore {
  return {
    async insert({ id, subject, month, component, filedOn, state }) {
      const rows = await db.query<{ id: string }>(sql`
        insert into api.credit_claim (id, subject_kind, subject_id, month, component, filed_on, state)
        values (${id}::uuid, ${subject.kind}, ${subject.id}::uuid, ${month}, ${component}, ${filedOn}::date, ${state})
        on conflict (subject_id, month, component) do nothing returning id`)
      return rows.length > 0
    },
    async find(id) {
      const [row] = await db.query<Row>(sql`select ${columns} from api.credit_claim where id = ${id}::uuid`)
      return row && toClaim(row)
    },
    async list({ state, subjectId, after, limit }) {
      const rows = await db.query<Row>(sql`
        select ${columns} from api.credit_claim
         where (${state ?? null}::text is null or state = ${state ?? null})
           and (${subjectId ?? null}::uuid is null or subject_id = ${subjectId ?? null}::uuid)
           and (${after === undefined} or (filed_on, id) > (${after?.filedOn ?? null}::date, ${after?.id ?? null}::uuid))
         order by filed_on, id limit ${limit}`)
      return rows.map(toClaim)
    },
    async decide(id, state, credit, day) {
      const rows = await db.query<{ id: string }>(sql`
        update api.credit_claim
           set state = ${state}, credit_permille = ${credit ?? null}, decided_on = ${day}::date
         where id = ${id}::uuid and state = 'open' returning id`)
      return rows.length > 0
    },
    async erase(id) {
      await db.execute(sql`delete from api.credit_claim where subject_id = ${id}::uuid`)
    },
    async eraseDecided(before) {
      await db.execute(sql`delete from api.credit_claim where decided_on < ${before}::date`)
    },
  }
}
