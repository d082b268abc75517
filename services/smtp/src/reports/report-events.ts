/** What is counted of reports, sent and received. */
import type { ReportKind } from '@sealpost/ports'
import type { Metrics } from '@sealpost/metrics'

export interface ReportEvents {
  /** There was no room to count one mail or session. */
  reportRowDropped(kind: ReportKind): void
  /** What became of a report to one destination. */
  reportSent(kind: ReportKind, outcome: SentOutcome): void
  /** A mail to the address for reports. */
  reportReceived(kind: ReportKind, outcome: ReceivedOutcome): void
}

/** `mail`: in the queue; `https`: taken. `unwanted`: the domain asks no more. `late`: given up. */
export type SentOutcome = 'mail' | 'https' | 'unwanted' | 'unverified' | 'too_large' | 'failed' | 'late'
export type ReceivedOutcome = 'counted' | 'repeated' | 'foreign' | 'unproven' | 'unreadable' | 'busy'

export function reportEvents(metrics: Metrics): ReportEvents {
  const dropped = metrics.counter(
    'smtp_report_rows_dropped_total',
    'Mails and sessions not counted for reports',
    ['kind'],
  )
  const sent = metrics.counter('smtp_reports_sent_total', 'Reports to other domains', ['kind', 'outcome'])
  const received = metrics.counter('smtp_reports_received_total', 'Reports about our domains', [
    'kind',
    'outcome',
  ])
  return {
    reportRowDropped: (kind) => dropped.inc({ kind }),
    reportSent: (kind, outcome) => sent.inc({ kind, outcome }),
    reportReceived: (kind, outcome) => received.inc({ kind, outcome }),
  }
}
