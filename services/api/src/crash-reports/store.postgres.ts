/** Crash reports in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import { COUNTS_MAX, type CrashStore, type CrashTrace, TRACES_MAX } from './store.ts'

interface GroupRow {
  readonly signature: string
  readonly title: string
  readonly count: number
  readonly first: string
  readonly last: string
  readonly applications: readonly string[]
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresCrashes(db: Db, countsMax = COUNTS_MAX): CrashStore {
  return {
    add: ({ signature, day, application, version, platform, title, trace }) =>
      db.transaction(async (tx) => {
        const kind = Buffer.from(signature, 'hex')
        const counted = await tx.query<{ count: number }>(sql`
          insert into api.crash_count as c (signature, day, application, version, platform, title, count)
          select ${kind}, ${day}::date, ${application}, ${version}, ${platform}, ${title}, 1
           where (select count(*) from (select 1 from api.crash_count limit ${countsMax}) known) < ${countsMax}
              or exists (select from api.crash_count
                          where signature = ${kind} and day = ${day}::date and application = ${application}
                            and version = ${version} and platform = ${platform})
          on conflict (signature, day, application, version, platform) do update set count = c.count + 1
          returning count`)
        if (counted.length === 0) return false
        await tx.execute(sql`
          insert into api.crash_trace (signature, day, application, version, platform, trace)
          values (${kind}, ${day}::date, ${application}, ${version}, ${platform}, ${trace})`)
        await tx.execute(sql`
          delete from api.crash_trace where signature = ${kind} and id not in (
            select id from api.crash_trace where signature = ${kind} order by id desc limit ${TRACES_MAX})`)
        return true
      }),
    async groups(limit) {
      const rows = await db.query<GroupRow>(sql`
        select encode(signature, 'hex') as signature, min(title collate "C") as title, sum(count)::integer as count,
               min(day)::text as first, max(day)::text as last,
               array_agg(distinct application || ' ' || version order by application || ' ' || version) as applications
          from api.crash_count group by crash_count.signature
         order by sum(count) desc, crash_count.signature limit ${limit}`)
      return rows.map(({ first, last, ...row }) => ({ ...row, firstOn: first, lastOn: last }))
    },
    traces: (signature) =>
      db.query<CrashTrace>(sql`
        select day::text as day, application, version, platform, trace from api.crash_trace
         where signature = ${Buffer.from(signature, 'hex')} order by id desc`),
    async erase(before) {
      await db.execute(sql`delete from api.crash_count where day < ${before}::date`)
      await db.execute(sql`delete from api.crash_trace where day < ${before}::date`)
    },
  }
}
