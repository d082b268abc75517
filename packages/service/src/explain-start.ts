/** A start that failed for what the operator has set: told in terms of the variable to change. */
import type { EnvReader } from '@sealpost/config'
import { DbError, isConnectionError } from '@sealpost/db'
import { OperationalError } from '@sealpost/errors'
import { isDatabaseGiven, portVariable } from './config.ts'

/** Runs `start`. `read` is the table of variables that it was configured from. Errors that no variable explains pass unchanged. */
export async function explainStart<T>(
  read: (env: EnvReader) => unknown,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start()
  } catch (error) {
    throw explainListen(error, read) ?? explainDatabase(error) ?? error
  }
}

function explainListen(error: unknown, read: (env: EnvReader) => unknown): OperationalError | undefined {
  const { syscall, code, port = -1 } = error as { syscall?: unknown; code?: string; port?: number }
  if (code === 'EADDRNOTAVAIL' || syscall === 'getaddrinfo')
    return new OperationalError(String(code), 'SEALPOST_BIND is not an address of this machine')
  const name = syscall === 'listen' ? portVariable(read, port) : undefined
  if (name === undefined) return undefined
  if (code === 'EADDRINUSE')
    return new OperationalError(
      code,
      `Port ${String(port)} is taken by another program: stop that one, or choose another ${name}`,
    )
  if (code === 'EACCES')
    return new OperationalError(
      code,
      `This user may not listen on port ${String(port)}: choose another ${name}`,
    )
  return undefined
}

const NOT_MIGRATED = 'The database is not prepared for this version: run "npm run migrate"'

/** By SQLSTATE. */
const DATABASE_PROBLEMS: Readonly<Record<string, string>> = {
  '22023': NOT_MIGRATED, // A role is missing.
  '28000': 'The Postgres that DATABASE_URL names does not let its user in',
  '28P01': 'The Postgres that DATABASE_URL names refuses user or password',
  '3D000': 'The Postgres that DATABASE_URL names has no such database',
  '3F000': NOT_MIGRATED,
  '42501': 'The user of DATABASE_URL may not create roles and schemas',
  '42703': NOT_MIGRATED,
  '42P01': NOT_MIGRATED,
}

function explainDatabase(error: unknown): OperationalError | undefined {
  if (!isDatabaseGiven() || !(error instanceof DbError)) return undefined
  const problem = isConnectionError(error)
    ? 'The Postgres that DATABASE_URL names cannot be reached'
    : DATABASE_PROBLEMS[error.code]
  return problem === undefined ? undefined : new OperationalError(error.code, problem)
}
