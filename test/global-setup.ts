/** One embedded Postgres for a whole vitest run, without syncs: the tests kill our processes, not the machine. */
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { openDb, sql } from '@sealpost/db'
import { isDirectoryTaken, startEmbeddedPostgres, stopLeftovers, takeDirectory } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { migrateAll } from '@sealpost/service'
import { shareCompiled } from './compile-cache.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser of the run's Postgres; `createTestDatabase` is the way to a database. */
    databaseUrl: string
    /** Name of one with the schemas of all owners, which nobody connects to: `createMigratedDatabase` copies it. */
    migratedDatabase: string
  }
}

const PREFIX = 'sealpost-vitest-'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.stdout.write(`Node ${process.version} runs the tests\n`)
  await clearKilledRuns()
  const directory = await mkdtemp(join(tmpdir(), PREFIX))
  await takeDirectory(directory)
  await chmod(directory, 0o711)
  const postgres = await startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    socketDirectory: join(directory, 'run'),
    clock: systemClock,
    random: systemRandom,
    unsynced: true,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '400', max_wal_size: '2GB' },
  })
  project.provide('databaseUrl', postgres.url)
  project.provide('migratedDatabase', await createMigrated(postgres.url))
  shareCompiled()
  return async () => {
    await postgres[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  }
}

async function createMigrated(server: string): Promise<string> {
  const url = new URL(server)
  await using db = await openDb({ url: server })
  await db.query(sql`create database migrated`)
  url.pathname = '/migrated'
  await migrateAll(url.href)
  return 'migrated'
}

/** A run that was killed leaves its Postgres behind. One that is just beginning has an empty directory. */
async function clearKilledRuns(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const directory of names.map((name) => join(tmpdir(), name))) {
    const entries: string[] = await readdir(directory).catch(() => [])
    if (!entries.includes('postgres') || (await isDirectoryTaken(directory))) continue
    await stopLeftovers(join(directory, 'postgres'))
    await rm(directory, { recursive: true, force: true })
  }
}
