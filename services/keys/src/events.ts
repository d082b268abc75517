/** What the key directory counts. */
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { SearchKind } from './directory/search.ts'

export interface KeysEvents {
  listening(port: number): void
  lookup(kind: SearchKind, found: boolean): void
  lookupRefused(): void
  uploadRefused(): void
}

export function createEvents({ log, metrics }: { log: Log; metrics: Metrics }): KeysEvents {
  const lookups = metrics.counter('keys_lookups_total', 'Lookups answered', ['kind', 'found'])
  const refused = metrics.counter('keys_refused_total', 'Requests refused', ['reason'])
  return {
    listening: (port) => log.info('keys_listening', { port }),
    lookup: (kind, found) => lookups.inc({ kind, found: String(found) }),
    lookupRefused: () => refused.inc({ reason: 'search' }),
    uploadRefused: () => refused.inc({ reason: 'upload' }),
  }
}
