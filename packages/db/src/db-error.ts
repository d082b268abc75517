import { OperationalError } from '@sealpost/errors'

/**
 * A failure of the database. `code` is the SQLSTATE, the code of the socket error, or `DB_UNAVAILABLE`,
 * `DB_TIMEOUT`, `DB_BUSY`, `DB_CLOSED`.
 * Postgres quotes values in its messages and details, so neither they nor the original error are kept; only messages of
 * class 42 (a statement that cannot be right, which quotes nothing but our own text) are.
 */
export class DbError extends OperationalError {
  override name = 'DbError'
  /** Name of the violated constraint (class 23). */
  readonly constraint: string | undefined

  constructor(code: string, message: string, constraint?: string) {
    super(code, message)
    this.constraint = constraint
  }
}

/** What the driver throws, wrapped; a DbError passes unchanged, errors that are not the driver's too. */
export function toDbError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OperationalError) return error
  const { code, constraint, severity } = error as { code?: unknown; constraint?: unknown; severity?: unknown }
  if (typeof code === 'string' && typeof severity === 'string') {
    const name = typeof constraint === 'string' ? constraint : undefined
    const detail = code.startsWith('42') ? `: ${error.message}` : name === undefined ? '' : ` (${name})`
    return new DbError(code, `Postgres refused a statement with ${code}${detail}`, name)
  }
  if (typeof code === 'string' && CONNECTION_CODES.has(code))
    return new DbError(code, `The connection to Postgres failed with ${code}`)
  for (const [pattern, wrapped, message] of DRIVER_MESSAGES)
    if (pattern.test(error.message)) return new DbError(wrapped, message)
  return error
}

/** Fixed texts of the driver, which gives these errors no code. */
const DRIVER_MESSAGES = [
  [/read timeout/i, 'DB_TIMEOUT', 'Postgres did not answer in time'],
  [/pool after calling end/i, 'DB_CLOSED', 'The database was closed'],
  [
    /connection|connect|not queryable|client was closed/i,
    'DB_UNAVAILABLE',
    'The connection to Postgres is lost or was not to be had in time',
  ],
] as const

const CONNECTION_CODES = new Set([
  'EACCES',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

const DRIVER_CODES = new Set(['DB_UNAVAILABLE', 'DB_TIMEOUT', 'DB_BUSY'])

/** Admin shutdown, crash shutdown, cannot connect now, too many connections. */
const SERVER_GONE = new Set(['57P01', '57P02', '57P03', '53300'])

/**
 * Whether Postgres could not be reached or went away: the statement may or may not have happened, and trying again later can help.
 * A caller that got it from a COMMIT does not know the outcome.
 */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof DbError)) return false
  const { code } = error
  return (
    DRIVER_CODES.has(code) || code.startsWith('08') || SERVER_GONE.has(code) || CONNECTION_CODES.has(code)
  )
}

/** SQLSTATE 23505, of the named constraint if one is named. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!(error instanceof DbError) || error.code !== '23505') return false
  return constraint === undefined || error.constraint === constraint
}
