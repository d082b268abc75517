/** Statistics in Postgres, schema `api`. */
import { sql, type Db } from '@sealpost/db'
import { beginOf, type StatisticsStore, STEPS } from './store.ts'

interface Row {
  readonly name: string
  readonly bucket: string
  readonly at: Date
  readonly sum: number
  readonly samples: number
  readonly max: number
}

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresStatistics(db: Db): StatisticsStore {
  return {
    async add(at, readings) {
      if (readings.length === 0) return
      const [names, buckets, values] = [
        readings.map(({ name }) => name),
        readings.map(({ bucket }) => bucket),
        readings.map(({ value }) => value),
      ]
      const begins = STEPS.map((step) => new Date(beginOf(step, at)))
      await db.execute(sql`
        insert into api.statistics as s (step, name, bucket, at, sum, samples, max)
        select step, name, bucket, at, value, 1, value
          from unnest(${[...STEPS]}::text[], ${begins}::timestamptz[]) as steps (step, at),
               unnest(${names}::text[], ${buckets}::text[], ${values}::double precision[]) as r (name, bucket, value)
        on conflict (step, name, bucket, at) do update set
          sum = s.sum + excluded.sum,
          samples = s.samples + 1,
          max = greatest(s.max, excluded.max)`)
    },
    async read({ step, names, from, until }) {
      const rows = await db.query<Row>(sql`
        select name, bucket, at, sum, samples, max from api.statistics
         where step = ${step} and name = any(${[...names]}) and at >= ${new Date(from)} and at < ${new Date(until)}
         order by at, name collate "C", bucket collate "C"`)
      return rows.map((row) => ({ ...row, at: row.at.getTime() }))
    },
    async erase(step, before) {
      await db.execute(sql`delete from api.statistics where step = ${step} and at < ${new Date(before)}`)
    },
  }
}
