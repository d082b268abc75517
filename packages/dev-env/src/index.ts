/** All of Sealpost in one process, and the embedded Postgres: the body of `npm start` and the fixture of the tests. */
export { startEmbeddedPostgres } from './postgres/embedded-postgres.ts'
export type { EmbeddedPostgres, EmbeddedPostgresOptions } from './postgres/embedded-postgres.ts'
