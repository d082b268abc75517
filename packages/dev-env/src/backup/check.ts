/** Whether a restored cluster is whole: every schema is there, every page of every table can be read, and every index agrees with its table. */
import { BackupError } from '@sealpost/backup'
import { openSession, raw, sql, type Tx } from '@sealpost/db'
import { SCHEMA_OWNERS } from '@sealpost/service'

export interface CheckedCluster {
  readonly tables: number
  readonly rows: number
  /** Of the last transaction that was brought back. */
  readonly lastCommitAt: Date | undefined
}

/** Throws BACKUP_INCOMPLETE, and what Postgres says of damaged pages and indexes. */
export async function checkCluster(url: string): Promise<CheckedCluster> {
  await using session = await openSession(url)
  const owners = SCHEMA_OWNERS.map(({ owner }) => owner as string)
  const tables = await session.query<{ name: string; schema: string }>(sql`
    select c.oid::regclass::text as name, n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${owners}) and c.relkind = 'r' order by 1`)
  if (!owners.every((owner) => tables.some(({ schema }) => schema === owner)))
    throw new BackupError('BACKUP_INCOMPLETE', 'The restored database has not all of its schemas')
  let rows = 0
  for (const { name } of tables) {
    const [counted] = await session.query<{ rows: number }>(sql`select count(*) as rows from ${raw(name)}`)
    rows += counted?.rows ?? 0
  }
  const [last] = await session.query<{ at: Date | null }>(sql`select pg_last_xact_replay_timestamp() as at`)
  return { tables: tables.length, rows, lastCommitAt: last?.at ?? undefined }
}

/** By amcheck, where the installation has it; leaves the extension behind, so it is for clusters that are thrown away. */
export async function checkIndexes(url: string): Promise<number> {
  await using session = await openSession(url)
  if (!(await has(session, 'amcheck'))) return 0
  await session.execute(sql`create extension if not exists amcheck`)
  const checked = await session.query(sql`
    select bt_index_check(c.oid::regclass, true) from pg_class c join pg_am a on a.oid = c.relam
    join pg_index i on i.indexrelid = c.oid
    where a.amname = 'btree' and c.relkind = 'i' and i.indisvalid and c.relpersistence = 'p'`)
  return checked.length
}

async function has(session: Tx, extension: string): Promise<boolean> {
  const found = await session.query(sql`select 1 from pg_available_extensions where name = ${extension}`)
  return found.length > 0
}
