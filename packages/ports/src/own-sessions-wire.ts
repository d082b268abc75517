/** The port for sessions of accounts over HTTP: its path, and its answers as they are read on the other side. */
import { fields, oneOf, text, UUID } from './answer.ts'
import type { OwnSessionVerdict } from './own-sessions.ts'

export const OWN_SESSIONS_PATH = '/internal/api/own-sessions/judge'

/** Throws PORT_FAILED. */
export function readVerdict(answer: unknown): OwnSessionVerdict {
  const given = fields(answer)
  const result = oneOf(given['result'], ['right', 'over', 'foreign'] as const)
  return result === 'right' ? { result, accountId: text(given['accountId'], UUID) } : { result }
}
