/** Everything this service counts: one function per event. Nothing here takes an identity, and nothing here throws. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'

export interface XmppEvents {
  readonly streamOpened: () => void
  readonly streamClosed: () => void
  readonly streamRefused: () => void
  /** A stream ended with an error (RFC 6120 §4.9.3). */
  readonly streamFailed: (condition: string) => void
  /** A bug: a handler failed and took its stream along. */
  readonly streamCrashed: (error: unknown) => void
  /** A bug: a handler failed; the sender got internal-server-error. */
  readonly stanzaFailed: (error: unknown) => void
  readonly taskFailed: (error: unknown) => void
  /** A connection to Postgres was lost while idle; the pool makes a new one. */
  readonly databaseFailed: (error: unknown) => void
  readonly signedIn: () => void
  readonly signInRefused: (condition: string) => void
  /** A FAST token was used by two: it, and all of its device, are worthless now. */
  readonly tokenReused: () => void
  /** The accounts could not be asked. */
  readonly signInBroken: (error: unknown) => void
  readonly sessionBound: () => void
  readonly sessionResumed: () => void
  /** As the server stopped, for the next process. */
  readonly sessionsSealed: (count: number) => void
  /** From the process before. */
  readonly sessionsRestored: (count: number) => void
  /** Sessions could not be sealed: their clients sign in anew. */
  readonly handoverFailed: (error: unknown) => void
  readonly plaintextRefused: () => void
  readonly stored: () => void
  readonly shredded: () => void
  readonly storeRefused: () => void
  readonly drainFailed: (error: unknown) => void
}

export function createXmppEvents(log: Log, metrics: Metrics): XmppEvents {
  const streams = metrics.gauge('xmpp_streams', 'Open streams')
  const refused = metrics.counter(
    'xmpp_streams_refused_total',
    'Connections closed because too many were signing in',
  )
  const streamErrors = metrics.counter('xmpp_stream_errors_total', 'Streams ended with an error', [
    'condition',
  ])
  const signIns = metrics.counter('xmpp_sign_ins_total', 'Sign-ins by outcome', ['outcome'])
  const sessions = metrics.counter('xmpp_sessions_total', 'Sessions by how they came about', ['how'])
  const plaintext = metrics.counter(
    'xmpp_plaintext_refused_total',
    'Messages refused because they were readable',
  )
  const messages = metrics.counter(
    'xmpp_sealed_messages_total',
    'Message copies by what happened in the sealed queue',
    ['what'],
  )
  const failure = (event: string) => (error: unknown) => log.error(event, { code: errorCode(error) })
  return {
    streamOpened: () => streams.inc(),
    streamClosed: () => streams.dec(),
    streamRefused: () => refused.inc(),
    streamFailed: (condition) => streamErrors.inc({ condition }),
    streamCrashed: failure('stream_crashed'),
    stanzaFailed: failure('stanza_failed'),
    taskFailed: failure('task_failed'),
    databaseFailed: failure('database_failed'),
    signedIn: () => signIns.inc({ outcome: 'success' }),
    signInRefused: (condition) => signIns.inc({ outcome: condition }),
    tokenReused: () => log.warn('fast_token_reused'),
    signInBroken: failure('sign_in_broken'),
    sessionBound: () => sessions.inc({ how: 'bound' }),
    sessionResumed: () => sessions.inc({ how: 'resumed' }),
    sessionsSealed: (count) => log.info('sessions_sealed', { count }),
    sessionsRestored: (count) => log.info('sessions_restored', { count }),
    handoverFailed: failure('session_handover_failed'),
    plaintextRefused: () => plaintext.inc(),
    stored: () => messages.inc({ what: 'stored' }),
    shredded: () => messages.inc({ what: 'shredded' }),
    storeRefused: () => messages.inc({ what: 'refused' }),
    drainFailed: failure('drain_failed'),
  }
}
