/** The ports to self-audits, over HTTP: their paths, and their answers as they are read on the other side. */
import { count, fields, flag, oneOf, optional } from './answer.ts'
import { SELF_AUDIT_RESULTS, type SelfAuditState } from './self-audits.ts'

/** By what is sealed. */
export const SELF_AUDIT_PATHS = {
  messages: '/internal/relay/self-audit',
  mails: '/internal/mail/self-audit',
} as const

/** Throws PORT_FAILED, as every other reader does. */
export function readSelfAudit(answer: unknown): SelfAuditState {
  const { possible, running, last } = fields(answer)
  return {
    possible: flag(possible),
    running: flag(running),
    last: optional(last, (value) => {
      const { at, result } = fields(value)
      return { at: count(at), result: oneOf(result, SELF_AUDIT_RESULTS) }
    }),
  }
}

export function readBegun(answer: unknown): boolean {
  return flag(fields(answer)['begun'])
}
