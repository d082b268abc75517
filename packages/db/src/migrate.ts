import { runner } from 'node-pg-migrate'
import { Client } from 'pg'
import { OperationalError } from '@sealpost/errors'
import { identifier, patientClientConfig } from './connection.ts'
import { DbError, toDbError } from './db-error.ts'

export interface MigrateOptions {
  readonly url: string
  /** Name of the schema and suffix of the role: `xmpp` owns schema `xmpp` under role `sealpost_xmpp`. */
  readonly owner: string
  /** Where NNNN_name.sql lie: forward only. */
  readonly directory: string
}

/** "sealpost" in ASCII as an int8; one lock for all owners of a database, so that roles and schemas are made one after another. */
const MIGRATION_LOCK = '8315161591532286836'

/**
 * Brings the schema of one owner up to date in one transaction: role (nologin, granted to the connecting user) and schema first, if
 * missing, then the files not yet run, as that role. Any number of processes may call it at once: they take turns, and one of them does it.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const owner = identifier(options.owner)
  const client = new Client(patientClientConfig(options.url))
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await ensureRole(client, `sealpost_${owner}`)
    await ensureSchema(client, owner)
    await client.query(`set role sealpost_${owner}`)
    await runFiles(client, owner, options.directory)
  } catch (error) {
    throw toDbError(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Roles belong to the cluster, the lock to the database: another database may make the role at the same moment. */
async function ensureRole(client: Client, role: string): Promise<void> {
  await client.query(`do $$ begin
    if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
  exception when duplicate_object or unique_violation then null; end $$`)
  // From Postgres 16 on, membership alone does not allow SET ROLE.
  const { rows } = await client.query<{ able: boolean }>(
    `select pg_has_role(current_user, $1::name,
       case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) as able`,
    [role],
  )
  if (rows[0]?.able !== true) await client.query(`grant ${role} to current_user`)
}

async function ensureSchema(client: Client, owner: string): Promise<void> {
  const { rows } = await client.query<{ role: string }>(
    'select pg_get_userbyid(nspowner) as role from pg_namespace where nspname = $1',
    [owner],
  )
  const role = rows[0]?.role
  if (role === undefined) await client.query(`create schema ${owner} authorization sealpost_${owner}`)
  else if (role !== `sealpost_${owner}`)
    throw new DbError('DB_SCHEMA_OWNER', `The schema ${owner} exists and belongs to another role`)
}

async function runFiles(client: Client, owner: string, directory: string): Promise<void> {
  try {
    await runner({
      dbClient: client,
      dir: directory,
      direction: 'up',
      migrationsTable: 'migration',
      migrationsSchema: owner,
      schema: owner,
      singleTransaction: true,
      // The lock is ours already.
      noLock: true,
      log: () => undefined,
    })
  } catch (error) {
    if (error instanceof Error && 'severity' in error) throw error
    const message = error instanceof Error ? error.message : 'unknown'
    throw new OperationalError('MIGRATION_FAILED', `Migration of ${owner} failed: ${message}`)
  }
}
