/** Configuration of the mail relay. */
import type { EnvReader } from '@sealpost/config'

export interface SmtpConfig {
  /** From other mail servers; STARTTLS offered. 0 takes a free port, as for the others. */
  readonly mxPort: number
  /** From our users' mail clients; STARTTLS required. */
  readonly submissionPort: number
  /** The same with TLS from the first byte. */
  readonly submissionsPort: number
}

export function readConfig(env: EnvReader): SmtpConfig {
  return {
    mxPort: env.port('SMTP_PORT', 2525),
    submissionPort: env.port('SUBMISSION_PORT', 2587),
    submissionsPort: env.port('SUBMISSIONS_PORT', 2465),
  }
}
