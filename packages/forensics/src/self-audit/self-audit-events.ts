/** What is counted and logged of self-audits. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { SelfAuditRecord } from './self-audit.ts'

export interface SelfAuditEvents {
  /** Just now, or before this process began. */
  ended(record: SelfAuditRecord): void
  /** It came to no result, and is tried again within the hour. */
  failed(error: unknown): void
}

/** `keyring`: whose, a word. Gauges are there only once there was one: a zero would say that it failed. */
export function selfAuditEvents(log: Log, metrics: Metrics, keyring: string): SelfAuditEvents {
  const labels = ['keyring']
  return {
    ended: ({ at, result }) => {
      const when = metrics.gauge('self_audit_timestamp_seconds', 'When the last self-audit ended', labels)
      when.set(at / 1_000, { keyring })
      const passed = metrics.gauge('self_audit_passed', 'Whether the last self-audit passed', labels)
      passed.set(result === 'passed' ? 1 : 0, { keyring })
      log[result === 'passed' ? 'info' : 'error']('self_audit', { state: result, kind: keyring })
    },
    failed: (error) => log.error('self_audit_broken', { code: errorCode(error), kind: keyring }),
  }
}
