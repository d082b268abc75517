/** What the API service counts and logs. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'

const SIGN_IN_RESULTS = ['ok', 'refused', 'limited', 'busy'] as const
export type SignInResult = (typeof SIGN_IN_RESULTS)[number]
const ADMINISTRATOR_METHODS = ['passkey', 'totp', 'recovery', 'enrolment'] as const
const ADMINISTRATOR_RESULTS = ['ok', 'refused', 'limited'] as const

export type ImportResult = 'created' | 'completed' | 'exists' | 'invalid'

export interface ApiEvents {
  /** An attempt at HTTP Basic on behalf of an account. */
  signIn(result: SignInResult): void
  /** An attempt of an administrator, or a proof while signed in. */
  administratorSignIn(
    method: (typeof ADMINISTRATOR_METHODS)[number],
    result: (typeof ADMINISTRATOR_RESULTS)[number],
  ): void
  /** A request with a token that is none. */
  tokenRefused(): void
  importEnded(counts: Readonly<Record<ImportResult, number>>, ms: number): void
  importFailed(code: string): void
  /** An action was taken and its outcome could not be recorded. */
  auditFailed(code: string): void
  /** The server's own prober ended, or cannot be understood; it is started again. */
  proberTroubled(code: string): void
  /** Days of the status could not be written, or old ones not be forgotten; it is tried again. */
  statusFailed(error: unknown): void
  /** Numbers could not be collected or kept, or a service did not tell its own. */
  statisticsFailed(error: unknown): void
  /** An attempt to deliver: delivered, gone, or why not. */
  webhookAttempt(outcome: string): void
  webhookDisabled(reason: string): void
  /** Nothing could be read or written; it is tried again. */
  webhooksFailed(code: string): void
  /** Something due by the day about rights, or the mails of a notice, failed; it is tried again. */
  rightsTaskFailed(code: string): void
  /** Something about subscriptions, suspensions or terminations that fell due could not be done; it is tried again. */
  lifecycleFailed(code: string): void
  /** An event of the billing system, by what became of it. */
  billingEvent(result: 'done' | 'repeated' | 'refused'): void
  /** A person's part of this service's data could not be erased; it is tried again. */
  erasureFailed(code: string): void
}

export function createEvents(log: Log, metrics: Metrics): ApiEvents {
  const signIns = metrics.counter('api_sign_ins_total', 'Sign-ins to the API by result', ['result'])
  const administrators = metrics.counter(
    'api_administrator_sign_ins_total',
    'Sign-ins and proofs of administrators by method and result',
    ['method', 'result'],
  )
  for (const result of SIGN_IN_RESULTS) signIns.inc({ result }, 0)
  for (const method of ADMINISTRATOR_METHODS)
    for (const result of ADMINISTRATOR_RESULTS) administrators.inc({ method, result }, 0)
  const tokens = metrics.counter('api_tokens_refused_total', 'Requests with an unknown API key')
  const webhooks = metrics.counter('api_webhook_attempts_total', 'Attempts to deliver webhooks by result', [
    'result',
  ])
  const imported = metrics.counter('api_imported_lines_total', 'Lines of imports by result', ['result'])
  const billing = metrics.counter('api_billing_events_total', 'Events of the billing system by result', [
    'result',
  ])
  return {
    signIn: (result) => signIns.inc({ result }),
    administratorSignIn: (method, result) => administrators.inc({ method, result }),
    tokenRefused: () => tokens.inc(),
    importEnded(counts, ms) {
      for (const [result, count] of Object.entries(counts)) imported.inc({ result }, count)
      log.info('import_ended', { count: counts.created, ms })
    },
    importFailed: (code) => log.warn('import_failed', { code }),
    auditFailed: (code) => log.error('audit_failed', { code }),
    proberTroubled: (code) => log.warn('prober_troubled', { code }),
    statusFailed: (error) => log.warn('status_failed', { code: errorCode(error) }),
    statisticsFailed: (error) => log.warn('statistics_failed', { code: errorCode(error) }),
    webhookAttempt: (outcome) =>
      webhooks.inc({ result: outcome === 'delivered' || outcome === 'gone' ? outcome : 'failed' }),
    webhookDisabled: (reason) => log.warn('webhook_disabled', { code: reason }),
    webhooksFailed: (code) => log.error('webhooks_failed', { code }),
    rightsTaskFailed: (code) => log.warn('rights_task_failed', { code }),
    lifecycleFailed: (code) => log.error('lifecycle_failed', { code, module: 'api' }),
    billingEvent: (result) => billing.inc({ result }),
    erasureFailed: (code) => log.error('erasure_failed', { code, module: 'api' }),
  }
}
