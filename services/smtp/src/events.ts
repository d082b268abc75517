/** What the mail relay counts. */
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { ListenerKind } from './listener.ts'

export interface SmtpEvents {
  listening(kind: ListenerKind, port: number): void
  connected(kind: ListenerKind): void
  /** A connection failed: TLS that did not come about, a peer that went away. `code` is the error's. */
  connectionFailed(kind: ListenerKind, code: string): void
  signIn(outcome: 'accepted' | 'refused' | 'deferred'): void
  recipientRefused(code: number): void
  /** A mail of ours: accepted by the next server, or the code of the error. */
  sent(outcome: string): void
  /** A question to DNS servers was answered; what was cached is not counted. */
  dnsAnswered(type: string, result: 'found' | 'none' | 'failed'): void
}

export function createEvents({ log, metrics }: { log: Log; metrics: Metrics }): SmtpEvents {
  const connections = metrics.counter('smtp_connections_total', 'Connections accepted', ['listener'])
  const failures = metrics.counter('smtp_connection_errors_total', 'Connections that failed', ['listener'])
  const signIns = metrics.counter('smtp_sign_ins_total', 'Attempts to sign in', ['outcome'])
  const recipients = metrics.counter('smtp_recipients_refused_total', 'Recipients refused', ['code'])
  const sent = metrics.counter('smtp_sent_total', 'Mails of our own handed on', ['outcome'])
  const dns = metrics.counter('smtp_dns_questions_total', 'Questions to DNS servers', ['type', 'result'])
  return {
    listening: (kind, port) => log.info('smtp_listening', { kind, port }),
    connected: (listener) => connections.inc({ listener }),
    connectionFailed: (listener, code) => {
      failures.inc({ listener })
      log.debug('smtp_connection_failed', { kind: listener, code })
    },
    signIn: (outcome) => signIns.inc({ outcome }),
    recipientRefused: (code) => recipients.inc({ code }),
    sent: (outcome) => sent.inc({ outcome }),
    dnsAnswered: (type, result) => dns.inc({ type, result }),
  }
}
