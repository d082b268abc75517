/** A fresh database on the run's Postgres. */
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** Empty and unmigrated; dropped, with whatever is still connected to it, when disposed. */
export function createTestDatabase(): Promise<TestDatabase> {
  return create('')
}

/** With the schemas of all owners: a copy of the one that the run has migrated, which takes a tenth of the time. */
export function createMigratedDatabase(): Promise<TestDatabase> {
  return create(`template ${inject('migratedDatabase')} strategy file_copy`)
}

async function create(how: string): Promise<TestDatabase> {
  const server = inject('databaseUrl')
  const name = `test_${randomBytes(8).toString('hex')}`
  await run(server, `create database ${name} ${how}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => run(server, `drop database if exists ${name} with (force)`),
  }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
