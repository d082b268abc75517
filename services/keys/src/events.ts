/** What the key directory counts. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Outcome } from './directory/directory.ts'
import type { SearchKind } from './directory/search.ts'

export interface KeysEvents {
  listening(port: number): void
  databaseFailed(error: unknown): void
  lookup(kind: SearchKind, found: boolean): void
  lookupRefused(): void
  submitted(outcome: Outcome): void
  uploadRefused(code: string): void
}

export function createEvents({ log, metrics }: { log: Log; metrics: Metrics }): KeysEvents {
  const lookups = metrics.counter('keys_lookups_total', 'Lookups answered', ['kind', 'found'])
  const refused = metrics.counter('keys_refused_total', 'Requests refused', ['reason'])
  const submitted = metrics.counter('keys_submitted_total', 'Certificates submitted', ['outcome'])
  return {
    listening: (port) => log.info('keys_listening', { port }),
    databaseFailed: (error) => log.warn('database_failed', { code: errorCode(error) }),
    lookup: (kind, found) => lookups.inc({ kind, found: String(found) }),
    lookupRefused: () => refused.inc({ reason: 'search' }),
    submitted: (outcome) => submitted.inc({ outcome }),
    uploadRefused: (code) => refused.inc({ reason: code }),
  }
}
