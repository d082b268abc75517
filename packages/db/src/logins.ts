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
    for (const role of login.roles ?? []) await client.query(`grant ${identifier(role)} to ${name}`)
    for (const view of login.reads ?? []) {
      const [schema = '', relation = ''] = view.split('.').map(identifier)
      await client.query(`grant usage on schema ${schema} to ${name}`)
      await client.query(`grant select on ${schema}.${relation} to ${name}`)
    }
    await client.query('commit')
  } catch (error) {
    throw toDbError(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}
