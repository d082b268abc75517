/** Postgres: typed statements, a pool under a role, transactions, LISTEN, advisory locks, migrations, replication. Knows no table. */
export { default as sql, empty, join, raw, Sql } from 'sql-template-tag'
export { gather, type GatherOptions } from './gather.ts'
export { DbError, isConnectionError, isUniqueViolation } from './db-error.ts'
export { ensureLogin, type Login } from './logins.ts'
export { migrate } from './migrate.ts'
export { openDb } from './open-db.ts'
export { poolFigures, type PoolFigures } from './pools.ts'
export type { Db, DbOptions, QueryOptions, Tx } from './open-db.ts'
export {
  type BaseBackupStream,
  type LogPosition,
  type LogStream,
  openReplication,
  type ReplicationSession,
} from './replication.ts'
export { openSession } from './session.ts'
