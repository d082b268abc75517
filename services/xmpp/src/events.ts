/** Everything this service counts: one function per event. Nothing here takes an identity, and nothing here throws. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import { MESSAGE_CLASSES, type MessageClass } from './policy/classify.ts'

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
  /** Stanzas that a client sent, by what they are, refused ones included. */
  readonly stanzas: Record<StanzaKind, number>
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
  readonly componentConnected: () => void
  readonly componentGone: () => void
  /** The stream of a component ended with an error. */
  readonly componentFailed: (condition: string) => void
  /** What became of an attempt to have a device woken (XEP-0357). */
  readonly pushed: (outcome: (typeof PUSH_OUTCOMES)[number]) => void
  readonly plaintextRefused: () => void
  /** Messages by what they are to a server that reads none: refused or taken. */
  readonly messages: Record<MessageClass, number>
  /** Of some of the messages that a device acknowledged while it was there. */
  readonly delivered: (seconds: number) => void
  /** Of everybody: sessions with a connection, sealed messages and their bytes, the age of the oldest. */
  readonly measured: (now: {
    sessions: number
    messages: number
    bytes: number
    oldestSeconds: number
  }) => void
  /** Copies of messages by what happened in the sealed queue; expired: nobody took them in time. */
  readonly copies: Record<SealedEvent, number>
  readonly drainFailed: (error: unknown) => void
  /** A slot was granted or refused, a file stored, broken off, fetched whole, or destroyed for one of three reasons. */
  readonly uploadHappened: (what: UploadEvent) => void
  /** Of everybody. */
  readonly uploadsMeasured: (now: { files: number; bytes: number }) => void
}

const UPLOAD_EVENTS = [
  'granted',
  'refused',
  'stored',
  'broken',
  'fetched',
  'deleted',
  'expired',
  'used_up',
] as const
export type UploadEvent = (typeof UPLOAD_EVENTS)[number]

const STANZA_KINDS = ['message', 'presence', 'iq'] as const
export type StanzaKind = (typeof STANZA_KINDS)[number]
/** Of signing in; others come with what clients do wrong (RFC 6120 §6.5). */
const SIGN_IN_OUTCOMES = ['success', 'not-authorized', 'temporary-auth-failure'] as const
const SEALED_EVENTS = ['stored', 'shredded', 'expired', 'refused'] as const
export type SealedEvent = (typeof SEALED_EVENTS)[number]

const PUSH_OUTCOMES = ['taken', 'refused', 'later'] as const

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
  const measures = { ...createMeasures(metrics), ...createForeign(metrics) }
  for (const outcome of SIGN_IN_OUTCOMES) signIns.inc({ outcome }, 0)
  const failure = (event: string) => (error: unknown) => log.error(event, { code: errorCode(error) })
  return {
    streamOpened: () => streams.inc(),
    streamClosed: () => streams.dec(),
    streamRefused: () => refused.inc(),
    streamFailed: (condition) => streamErrors.inc({ condition }),
    streamCrashed: failure('stream_crashed'),
    stanzaFailed: failure('stanza_failed'),
    taskFailed: failure('task_failed'),
    ...createTallies(metrics),
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
    ...measures,
    drainFailed: failure('drain_failed'),
    ...createUploadEvents(metrics),
  }
}

function createUploadEvents(metrics: Metrics): Pick<XmppEvents, 'uploadHappened' | 'uploadsMeasured'> {
  const uploads = metrics.counter('xmpp_uploads_total', 'Uploaded files by what happened', ['what'])
  for (const what of UPLOAD_EVENTS) uploads.inc({ what }, 0)
  const files = metrics.gauge('xmpp_upload_files', 'Uploaded files that are there')
  const bytes = metrics.gauge('xmpp_upload_bytes', 'Bytes of uploaded files that are there')
  return {
    uploadHappened: (what) => uploads.inc({ what }),
    uploadsMeasured: (now) => {
      files.set(now.files)
      bytes.set(now.bytes)
    },
  }
}

function createForeign(
  metrics: Metrics,
): Pick<XmppEvents, 'componentConnected' | 'componentGone' | 'componentFailed' | 'pushed'> {
  const components = metrics.gauge('xmpp_components', 'External components that are connected')
  const errors = metrics.counter(
    'xmpp_component_errors_total',
    'Streams of external components ended with an error',
    ['condition'],
  )
  const pushes = metrics.counter('xmpp_pushes_total', 'Requests to wake a device by outcome', ['outcome'])
  for (const outcome of PUSH_OUTCOMES) pushes.inc({ outcome }, 0)
  return {
    componentConnected: () => components.inc(),
    componentGone: () => components.dec(),
    componentFailed: (condition) => errors.inc({ condition }),
    pushed: (outcome) => pushes.inc({ outcome }),
  }
}

const DELIVERY_BUCKETS_SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

function createMeasures(metrics: Metrics): Pick<XmppEvents, 'delivered' | 'measured'> {
  const delivery = metrics.histogram(
    'xmpp_delivery_seconds',
    'From taking a message to its acknowledgement by a device that is there; one in sixteen is measured',
    DELIVERY_BUCKETS_SECONDS,
  )
  const online = metrics.gauge('xmpp_sessions_online', 'Sessions with a connection')
  const waiting = metrics.gauge('xmpp_queue_messages', 'Sealed messages that wait')
  const bytes = metrics.gauge('xmpp_queue_bytes', 'Bytes of sealed messages that wait, padding included')
  const oldest = metrics.gauge('xmpp_queue_oldest_seconds', 'Age of the oldest message that waits')
  return {
    delivered: (seconds) => delivery.observe(seconds),
    measured: (now) => {
      online.set(now.sessions)
      waiting.set(now.messages)
      bytes.set(now.bytes)
      oldest.set(now.oldestSeconds)
    },
  }
}

/** What happens with every message is counted where it happens, and read when somebody asks. */
function createTallies(metrics: Metrics): Pick<XmppEvents, 'stanzas' | 'messages' | 'copies'> {
  const tally = <K extends string>(name: string, help: string, label: string, kinds: readonly K[]) => {
    const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<K, number>
    for (const kind of kinds) metrics.tallied(name, help, { [label]: kind }, () => counts[kind])
    return counts
  }
  return {
    stanzas: tally('xmpp_stanzas_total', 'Stanzas of clients by kind', 'kind', STANZA_KINDS),
    messages: tally('xmpp_messages_total', 'Messages by what they are', 'type', MESSAGE_CLASSES),
    copies: tally(
      'xmpp_sealed_messages_total',
      'Message copies by what happened in the sealed queue',
      'what',
      SEALED_EVENTS,
    ),
  }
}
