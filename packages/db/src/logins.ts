import { Client } from 'pg'
import { identifier, patientClientConfig } from './connection.ts'
import { toDbError } from './db-error.ts'

/** A user of the database that takes on roles, or reads single views, and can do nothing else. */
export interface Login {
  readonly name: string
  readonly password: string
  /** Roles that it may take on (SET ROLE); it has none of their rights before. */
  readonly roles?: readonly string[]
  /** `schema.view`s that it may read. */
  readonly reads?: readonly string[]
  /** `schema.table`s that it may read and add to. */
  readonly adds?: readonly string[]
  /** May copy the cluster and its log (REPLICATION), which is all that is in it. */
  readonly replicates?: boolean
  readonly connectionsMax: number
}

/** Makes the login, or gives it this password and these rights. */
export async function ensureLogin(url: string, login: Login): Promise<void> {
  const client = new Client(patientClientConfig(url))
  client.on('error', () => undefined)
  const name = identifier(login.name)
  try {
    await client.connect()
    await client.query('begin')
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [name])
    if (rowCount === 0) await client.query(`create role ${name} login noinherit`)
    const { rows } = await client.query<{ statement: string }>(
      `select format('alter role ${name} password %L connection limit %s', $1::text, $2::int) as statement`,
      [login.password, login.connectionsMax],
    )
    for (const { statement } of rows) await client.query(statement)
    if (login.replicates === true) await client.query(`alter role ${name} replication`)
    for (const role of login.roles ?? []) await client.query(`grant ${identifier(role)} to ${name}`)
    for (const view of login.reads ?? []) await grant(client, 'select', view, name)
    for (const table of login.adds ?? []) await grant(client, 'select, insert', table, name)
    await client.query('commit')
  } catch (error) {
    throw toDbError(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function grant(client: Client, rights: string, relation: string, to: string): Promise<void> {
  const [schema = '', name = ''] = relation.split('.').map(identifier)
  await client.query(`grant usage on schema ${schema} to ${to}`)
  await client.query(`grant ${rights} on ${schema}.${name} to ${to}`)
}
