/** What the key directory counts. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Outcome } from './directory/directory.ts'
import type { SearchKind } from './directory/search.ts'
import { SUBMISSION_STEPS, type SubmissionStep } from './web-key-service/web-key-service.ts'

const VERIFICATION_STEPS = ['requested', 'confirmed', 'unpublished', 'deleted'] as const
const OWN_KEY_STEPS = ['uploaded', 'published', 'unpublished', 'deleted'] as const
const SIGN_IN_OUTCOMES = ['ok', 'refused', 'limited', 'busy'] as const

export interface KeysEvents {
  listening(port: number): void
  databaseFailed(error: unknown): void
  lookup(kind: SearchKind, found: boolean): void
  lookupRefused(): void
  submitted(outcome: Outcome): void
  uploadRefused(code: string): void
  /** Mails with links asked for, and links used. */
  verification(step: (typeof VERIFICATION_STEPS)[number]): void
  /** By an account, signed in. */
  ownKey(step: (typeof OWN_KEY_STEPS)[number]): void
  signIn(outcome: (typeof SIGN_IN_OUTCOMES)[number]): void
  reminderSent(): void
  /** Mails to a submission address. */
  mailTaken(step: SubmissionStep): void
  /** Of something that nobody waits for. */
  taskFailed(error: unknown): void
}

export function createEvents({ log, metrics }: { log: Log; metrics: Metrics }): KeysEvents {
  const lookups = metrics.counter('keys_lookups_total', 'Lookups answered', ['kind', 'found'])
  const refused = metrics.counter('keys_refused_total', 'Requests refused', ['reason'])
  const submitted = metrics.counter('keys_submitted_total', 'Certificates submitted', ['outcome'])
  const verifications = metrics.counter('keys_verifications_total', 'Steps of verification by mail', ['step'])
  const ownKeys = metrics.counter('keys_own_total', 'What accounts did with their own keys', ['step'])
  const signIns = metrics.counter('keys_sign_ins_total', 'Attempts to sign in', ['outcome'])
  const reminders = metrics.counter('keys_reminders_total', 'Reminders of expiry sent')
  const mails = metrics.counter('keys_submission_mails_total', 'Mails to a submission address', ['step'])
  for (const step of VERIFICATION_STEPS) verifications.inc({ step }, 0)
  for (const step of OWN_KEY_STEPS) ownKeys.inc({ step }, 0)
  for (const outcome of SIGN_IN_OUTCOMES) signIns.inc({ outcome }, 0)
  for (const step of SUBMISSION_STEPS) mails.inc({ step }, 0)
  const failures = metrics.counter('keys_task_failures_total', 'Failures that nobody waited for', ['code'])
  return {
    listening: (port) => log.info('keys_listening', { port }),
    databaseFailed: (error) => log.warn('database_failed', { code: errorCode(error) }),
    lookup: (kind, found) => lookups.inc({ kind, found: String(found) }),
    lookupRefused: () => refused.inc({ reason: 'search' }),
    submitted: (outcome) => submitted.inc({ outcome }),
    uploadRefused: (code) => refused.inc({ reason: code }),
    verification: (step) => verifications.inc({ step }),
    ownKey: (step) => ownKeys.inc({ step }),
    signIn: (outcome) => signIns.inc({ outcome }),
    reminderSent: () => reminders.inc(),
    mailTaken: (step) => mails.inc({ step }),
    taskFailed: (error) => {
      const code = errorCode(error)
      failures.inc({ code })
      log.warn('keys_task_failed', { code })
    },
  }
}
