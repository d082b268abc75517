/** The error vocabulary (STYLE §4): operational errors carry a stable code, everything else is a bug. */
export { strict as assert } from 'node:assert'

/**
 * A failure that a correct program must expect: a peer, an operator or a resource did something else than hoped.
 * `code` is stable and safe to log; `message` is fixed text of ours and holds no identity; `cause` is for the developer only.
 */
export class OperationalError extends Error {
  override name = 'OperationalError'
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The configuration is unusable; `problems` lists all of them, each one sentence that names its variable and no value. */
export class ConfigError extends OperationalError {
  override name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      'CONFIG_INVALID',
      `The configuration has ${String(problems.length)} problem(s): ${problems.join('; ')}`,
    )
    this.problems = problems
  }
}

/** Upper-case words, digits and underscores: the shape of every code that may stand in a log line. */
const CODE = /^[A-Z0-9][A-Z0-9_-]{0,63}$/

/**
 * What a log line may say of any thrown value: the code of an operational or system error, else the class name of the error.
 * Never its message, which may quote what a peer sent.
 */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'NOT_AN_ERROR'
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && CODE.test(code)) return code
  return CODE.test(error.name.toUpperCase()) ? error.name : 'UNKNOWN'
}

/** For the `catch` of what reads a file: undefined for one that is not there; every other error is thrown on. */
export function unlessGone(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
  return undefined
}
