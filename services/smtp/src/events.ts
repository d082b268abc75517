/** What the mail relay counts. */
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Entrance } from './reception/stage.ts'
import { type ReportEvents, reportEvents } from './reports/report-events.ts'
import { screeningEvents, type ScreeningEvents } from './screening-events.ts'

const SIGN_IN_OUTCOMES = ['accepted', 'refused', 'deferred'] as const

export interface SmtpEvents extends ScreeningEvents, ReportEvents {
  listening(kind: Entrance, port: number): void
  connected(kind: Entrance): void
  /** A connection failed: TLS that did not come about, a peer that went away. `code` is the error's. */
  connectionFailed(kind: Entrance, code: string): void
  signIn(outcome: (typeof SIGN_IN_OUTCOMES)[number]): void
  /** Checking credentials broke; `code` is the error's. */
  signInFailed(code: string): void
  recipientRefused(code: number): void
  /** A stage refused something. */
  stageRefused(stage: string, code: number): void
  /** A stage broke, and the client was asked to come again; `code` is the error's. */
  stageFailed(stage: string, code: string): void
  /** An account or mailbox was put before an administrator. */
  mailReviewed(reason: string): void
  /** DATA is over: accepted, or the code of the refusal. */
  mailReceived(entrance: Entrance, outcome: string): void
  /** The queue could not keep a mail; `code` is the error's. */
  queueRefused(code: string): void
  /** A mail of another service: taken into the queue, or the code of the error. */
  sent(outcome: string): void
  /** A mail on its way into a mailbox: how it is encrypted, or why it is not. */
  arrived(outcome: string): void
  /** Somebody could not be asked for a key; `code` is the error's. */
  keyLookupFailed(code: string): void
  /** What an attempt came to, for each recipient, and how long it took. */
  attempted(outcome: 'delivered' | 'failed' | 'deferred', seconds: number): void
  /** All mails that wait, and the age of the oldest. */
  queueMeasured(now: { waiting: number; held: number; oldestSeconds: number }): void
  /** Something of ours failed; the mail stays. `code` is the error's. */
  queueTroubled(code: string): void
  /** Somebody was asked whether they want mail of a list, confirmed, or left; or too many were to be asked. */
  listMember(what: 'asked' | 'confirmed' | 'left' | 'limited'): void
  /** Sessions at the mailbox server could not be ended; `code` is the error's. */
  mailboxSessionsStay(code: string): void
  /** Old mail at the mailbox server could not be destroyed; the next turn tries again. `code` is the error's. */
  mailboxRetentionFailed(code: string): void
  /** A question to DNS servers was answered; what was cached is not counted. */
  dnsAnswered(type: string, result: 'found' | 'none' | 'failed'): void
}

export function createEvents({ log, metrics }: { log: Log; metrics: Metrics }): SmtpEvents {
  const connections = metrics.counter('smtp_connections_total', 'Connections accepted', ['listener'])
  const failures = metrics.counter('smtp_connection_errors_total', 'Connections that failed', ['listener'])
  const signIns = metrics.counter('smtp_sign_ins_total', 'Attempts to sign in', ['outcome'])
  for (const outcome of SIGN_IN_OUTCOMES) signIns.inc({ outcome }, 0)
  const recipients = metrics.counter('smtp_recipients_refused_total', 'Recipients refused', ['code'])
  const stages = metrics.counter('smtp_stage_refusals_total', 'Refusals by stages', ['stage', 'code'])
  const broken = metrics.counter('smtp_stage_failures_total', 'Stages that broke', ['stage'])
  const received = metrics.counter('smtp_received_total', 'Mails received', ['listener', 'outcome'])
  const reviews = metrics.counter('smtp_mail_reviews_total', 'Accounts put before an administrator', [
    'reason',
  ])
  const queue = metrics.counter('smtp_queue_refusals_total', 'Mails the queue could not keep', ['code'])
  const sent = metrics.counter('smtp_sent_total', 'Mails of our own handed on', ['outcome'])
  const arrived = metrics.counter('smtp_arrived_total', 'Mails on their way into mailboxes', ['outcome'])
  const lookups = metrics.counter('smtp_key_lookup_failures_total', 'Keys that could not be asked for', [
    'code',
  ])
  const attempts = metrics.counter('smtp_attempts_total', 'Attempts to deliver, by recipient', ['outcome'])
  const duration = metrics.histogram(
    'smtp_attempt_seconds',
    'Time of an attempt to deliver',
    [0.01, 0.1, 1, 10, 60, 600],
  )
  const members = metrics.counter('smtp_list_members_total', 'Members of mailing lists', ['event'])
  const dns = metrics.counter('smtp_dns_questions_total', 'Questions to DNS servers', ['type', 'result'])
  return {
    listening: (kind, port) => log.info('smtp_listening', { kind, port }),
    connected: (listener) => connections.inc({ listener }),
    connectionFailed: (listener, code) => {
      failures.inc({ listener })
      log.debug('smtp_connection_failed', { kind: listener, code })
    },
    signIn: (outcome) => signIns.inc({ outcome }),
    signInFailed: (code) => log.error('smtp_sign_in_failed', { code }),
    recipientRefused: (code) => recipients.inc({ code }),
    stageRefused: (stage, code) => stages.inc({ stage, code }),
    stageFailed: (stage, code) => {
      broken.inc({ stage })
      log.error('smtp_stage_failed', { module: stage, code })
    },
    mailReviewed: (reason) => {
      reviews.inc({ reason })
      log.warn('smtp_mail_review', { code: reason })
    },
    mailReceived: (listener, outcome) => received.inc({ listener, outcome }),
    queueRefused: (code) => {
      queue.inc({ code })
      log.error('smtp_queue_refused', { code })
    },
    arrived: (outcome) => arrived.inc({ outcome }),
    keyLookupFailed: (code) => lookups.inc({ code }),
    sent: (outcome) => sent.inc({ outcome }),
    attempted: (outcome, seconds) => {
      attempts.inc({ outcome })
      duration.observe(seconds)
    },
    queueTroubled: (code) => log.error('smtp_queue_troubled', { code }),
    listMember: (event) => members.inc({ event }),
    dnsAnswered: (type, result) => dns.inc({ type, result }),
    ...queueMeasures(metrics),
    ...mailboxEvents({ log, metrics }),
    ...screeningEvents({ log, metrics }),
    ...reportEvents(metrics),
  }
}

function queueMeasures(metrics: Metrics): Pick<SmtpEvents, 'queueMeasured'> {
  const mails = metrics.gauge('smtp_queue_mails', 'Mails that wait to go out', ['state'])
  const oldest = metrics.gauge('smtp_queue_oldest_seconds', 'Age of the oldest mail that waits')
  return {
    queueMeasured: ({ waiting, held, oldestSeconds }) => {
      mails.set(waiting, { state: 'waiting' })
      mails.set(held, { state: 'held' })
      oldest.set(oldestSeconds)
    },
  }
}

function mailboxEvents({
  log,
  metrics,
}: {
  log: Log
  metrics: Metrics
}): Pick<SmtpEvents, 'mailboxSessionsStay' | 'mailboxRetentionFailed'> {
  const staying = metrics.counter(
    'smtp_mailbox_session_errors_total',
    'Times that sessions at the mailbox server could not be ended',
    ['code'],
  )
  const unexpunged = metrics.counter(
    'smtp_mailbox_retention_errors_total',
    'Times that old mail at the mailbox server could not be destroyed',
    ['code'],
  )
  return {
    mailboxRetentionFailed: (code) => {
      unexpunged.inc({ code })
      log.warn('smtp_mailbox_retention_failed', { code })
    },
    mailboxSessionsStay: (code) => {
      staying.inc({ code })
      log.warn('smtp_mailbox_sessions_stay', { code })
    },
  }
}
