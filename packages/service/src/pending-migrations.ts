/** What an upgrade is about to change: migrations that have not run yet on a database. Looks, and changes nothing. */
import { openSession, raw, sql } from '@sealpost/db'
import { migrationsOf, SCHEMA_OWNERS } from './migrate-all.ts'

export interface PendingMigrations {
  /** Whether anything of ours is in the database. */
  readonly installed: boolean
  /** `owner/NNNN_name`, in the order in which they will run. */
  readonly names: readonly string[]
}

export async function pendingMigrations(url: string): Promise<PendingMigrations> {
  await using session = await openSession(url)
  let installed = false
  const names: string[] = []
  for (const { owner, directory } of SCHEMA_OWNERS) {
    const [found] = await session.query<{ there: boolean }>(
      sql`select to_regclass(${`${owner}.migration`}) is not null as there`,
    )
    const ran =
      found?.there === true
        ? await session.query<{ name: string }>(sql`select name from ${raw(owner)}.migration`)
        : []
    if (ran.length > 0) installed = true
    const known = new Set(ran.map(({ name }) => name))
    names.push(
      ...migrationsOf(directory)
        .filter((name) => !known.has(name))
        .map((name) => `${owner}/${name}`),
    )
  }
  return { installed, names }
}
