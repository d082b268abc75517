/** How every connection of this package is made. */
import { TypeOverrides, types } from 'pg'
import type { ClientConfig } from 'pg'
import { DbError } from './db-error.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** The server ends a statement after its time; this side stops to wait a little later, in case the server is gone without a word. */
const STATEMENT_TIMEOUT_MS = 30_000
const GRACE_MS = 5_000
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000

/** Names of roles, schemas and channels, which cannot be parameters: refused unless harmless. */
export function identifier(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new DbError('DB_IDENTIFIER', 'Not a plain SQL identifier')
  return name
}

/** Settings of a client that answers requests. `role` is taken on at the start of the session. */
export function clientConfig(
  url: string,
  role: string | undefined,
  statementMs = STATEMENT_TIMEOUT_MS,
): ClientConfig {
  return {
    ...connectionTarget(url, [
      ...(role === undefined ? [] : [`-c role=${identifier(role)}`]),
      '-c timezone=UTC', // what is kept by the day is kept by the day everybody has
      `-c statement_timeout=${String(statementMs)}`,
      `-c idle_in_transaction_session_timeout=${String(IDLE_IN_TRANSACTION_TIMEOUT_MS)}`,
    ]),
    query_timeout: statementMs + GRACE_MS,
  }
}

/** Settings of a client whose statements may take long (migrations). */
export function patientClientConfig(url: string): ClientConfig {
  return connectionTarget(url, [])
}

function connectionTarget(url: string, options: readonly string[]): ClientConfig {
  const { connectionString, options: theirs } = takeOptions(url)
  return {
    connectionString,
    options: [theirs, ...options].join(' ').trim(),
    application_name: 'sealpost',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: typeOverrides(),
  }
}

/** `options` in the URL would replace ours in the driver; taken out, they go first. */
function takeOptions(url: string): { connectionString: string; options: string } {
  const [base = '', query = ''] = url.split('?', 2)
  const parameters = new URLSearchParams(query)
  const options = parameters.get('options') ?? ''
  parameters.delete('options')
  return { connectionString: parameters.size === 0 ? base : `${base}?${parameters.toString()}`, options }
}

/** `date` stays the text YYYY-MM-DD; int8 is a number and must be a safe one. Everything else as the driver has it. */
function typeOverrides(): TypeOverrides {
  const overrides = new TypeOverrides()
  overrides.setTypeParser(types.builtins.DATE, (text) => text)
  overrides.setTypeParser(types.builtins.INT8, parseInt8)
  return overrides
}

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new DbError('DB_INT8_RANGE', 'An int8 is beyond 2^53')
  return value
}
