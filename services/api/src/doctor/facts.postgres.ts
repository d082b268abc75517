/** What Postgres says about itself. */
import { type Db, sql } from '@sealpost/db'

export interface PostgresFacts {
  /** By name, as `show` prints them; without those that this role may not see. */
  readonly settings: ReadonlyMap<string, string>
  /** Milliseconds since the epoch. */
  readonly now: number
}

export async function readPostgresFacts(db: Db): Promise<PostgresFacts> {
  const rows = await db.query<{ name: string; setting: string }>(sql`select name, setting from pg_settings`)
  const [time] = await db.query<{ now: Date }>(sql`select clock_timestamp() as now`)
  return {
    settings: new Map(rows.map(({ name, setting }) => [name, setting])),
    now: time?.now.getTime() ?? 0,
  }
}
