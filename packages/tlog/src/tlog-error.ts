/** What is wrong with something of a log that came from outside. The messages repeat nothing of it. */
import { OperationalError } from '@sealpost/errors'

export class TlogError extends OperationalError {
  override name = 'TlogError'
}

/** TLOG_MALFORMED: not of the form that its specification says. */
export function malformed(what: string): TlogError {
  return new TlogError('TLOG_MALFORMED', `This is no ${what}, or it was changed on its way.`)
}

/** TLOG_SIGNATURE: no signature by a key that is trusted, or one that is wrong. */
export function unsigned(what: string): TlogError {
  return new TlogError('TLOG_SIGNATURE', `The ${what} is not signed by the key that should have signed it.`)
}

/** TLOG_PROOF: a proof does not prove what it should. */
export function unproven(what: string): TlogError {
  return new TlogError('TLOG_PROOF', `The proof that ${what} does not hold.`)
}
