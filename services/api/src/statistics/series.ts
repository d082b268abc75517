/** The series that are kept, and from which metric of which service each is made. All are sums over everybody: there is none about a person. */

/** `level`: what is at a moment. `count`: what happened. `duration`: how long things took, told by percentiles. */
export type SeriesKind = 'level' | 'count' | 'duration'

export interface Series {
  readonly kind: SeriesKind
  readonly unit:
    | 'accounts'
    | 'sessions'
    | 'messages'
    | 'mails'
    | 'bytes'
    | 'seconds'
    | 'requests'
    | 'keys'
    | 'audits'
  /** In English, for the API's document; the panel has its own words. */
  readonly meaning: string
  readonly metric: string
  /** Samples with these labels alone. */
  readonly labels?: Readonly<Record<string, string>>
}

const accounts = (state: string): Series => ({
  kind: 'level',
  unit: 'accounts',
  meaning: `Accounts that are ${state}`,
  metric: 'accounts_total',
  labels: { state },
})

const messages = (type: string, meaning: string): Series => ({
  kind: 'count',
  unit: 'messages',
  meaning,
  metric: 'xmpp_messages_total',
  labels: { type },
})

const pendingShred = (keyring: string, of: string): Series => ({
  kind: 'level',
  unit: 'seconds',
  meaning: `For how long the oldest key of ${of} that was ordered to be destroyed has been on disk since`,
  metric: 'shred_oldest_pending_seconds',
  labels: { keyring },
})

const auditPassed = (keyring: string, of: string): Series => ({
  kind: 'level',
  unit: 'audits',
  meaning: `Whether the last self-audit of ${of} passed: 1, or 0`,
  metric: 'self_audit_passed',
  labels: { keyring },
})

const auditEnded = (keyring: string, of: string): Series => ({
  kind: 'level',
  unit: 'seconds',
  meaning: `When the last self-audit of ${of} ended, in seconds since the epoch`,
  metric: 'self_audit_timestamp_seconds',
  labels: { keyring },
})

const queuedMails = (state: string, meaning: string): Series => ({
  kind: 'level',
  unit: 'mails',
  meaning,
  metric: 'smtp_queue_mails',
  labels: { state },
})

const attempts = (outcome: string, meaning: string): Series => ({
  kind: 'count',
  unit: 'mails',
  meaning,
  metric: 'smtp_attempts_total',
  labels: { outcome },
})

/** Names are for ever: clients and rows know them. */
export const SERIES = {
  'accounts.active': accounts('active'),
  'accounts.suspended': accounts('suspended'),
  'accounts.terminated': accounts('terminated'),
  'chat.online': {
    kind: 'level',
    unit: 'sessions',
    meaning: 'Chat sessions with a connection',
    metric: 'xmpp_sessions_online',
  },
  'chat.queue.messages': {
    kind: 'level',
    unit: 'messages',
    meaning: 'Sealed messages that wait for a device',
    metric: 'xmpp_queue_messages',
  },
  'chat.queue.bytes': {
    kind: 'level',
    unit: 'bytes',
    meaning: 'Their size on disk, padding included',
    metric: 'xmpp_queue_bytes',
  },
  'chat.queue.age': {
    kind: 'level',
    unit: 'seconds',
    meaning: 'Age of the oldest of them',
    metric: 'xmpp_queue_oldest_seconds',
  },
  'chat.messages.encrypted': messages('encrypted', 'End-to-end encrypted messages taken'),
  'chat.messages.receipt': messages('receipt', 'Receipts and markers taken'),
  'chat.messages.call': messages('call', 'Messages of calls taken'),
  'chat.messages.ephemeral': messages('ephemeral', 'Typing notices and the like, never kept'),
  'chat.messages.plaintext': messages('plaintext', 'Readable messages, refused or passed as the policy says'),
  'chat.delivery': {
    kind: 'duration',
    unit: 'seconds',
    meaning: 'From taking a message to its acknowledgement by a device that is online',
    metric: 'xmpp_delivery_seconds',
  },
  'chat.shred': {
    kind: 'duration',
    unit: 'seconds',
    meaning: 'From the order to destroy a key to its overwriting on disk',
    metric: 'shred_lag_seconds',
  },
  'chat.shred.pending': pendingShred('xmpp', 'messages'),
  'mail.shred.pending': pendingShred('smtp', 'mails'),
  'audit.passed': auditPassed('xmpp', 'messages'),
  'audit.at': auditEnded('xmpp', 'messages'),
  'mail.audit.passed': auditPassed('smtp', 'mails'),
  'mail.audit.at': auditEnded('smtp', 'mails'),
  'mail.queue.waiting': queuedMails('waiting', 'Mails that wait for their next attempt'),
  'mail.queue.held': queuedMails('held', 'Mails that are held'),
  'mail.queue.age': {
    kind: 'level',
    unit: 'seconds',
    meaning: 'Age of the oldest mail that waits',
    metric: 'smtp_queue_oldest_seconds',
  },
  'mail.received': {
    kind: 'count',
    unit: 'mails',
    meaning: 'Mails accepted, from accounts and from outside',
    metric: 'smtp_received_total',
    labels: { outcome: 'accepted' },
  },
  'mail.delivered': attempts('delivered', 'Recipients who got a mail'),
  'mail.deferred': attempts('deferred', 'Attempts that are to be repeated'),
  'mail.failed': attempts('failed', 'Recipients who will not get a mail'),
  'mail.delivery': {
    kind: 'duration',
    unit: 'seconds',
    meaning: 'Time of an attempt to deliver a mail',
    metric: 'smtp_attempt_seconds',
  },
  'keys.lookups.found': {
    kind: 'count',
    unit: 'requests',
    meaning: 'Lookups of keys that found one',
    metric: 'keys_lookups_total',
    labels: { found: 'true' },
  },
  'keys.lookups.missed': {
    kind: 'count',
    unit: 'requests',
    meaning: 'Lookups of keys that found none',
    metric: 'keys_lookups_total',
    labels: { found: 'false' },
  },
  'keys.submitted': {
    kind: 'count',
    unit: 'keys',
    meaning: 'Certificates submitted',
    metric: 'keys_submitted_total',
  },
  'backup.verified': {
    kind: 'level',
    unit: 'seconds',
    meaning: 'When a backup was last restored and found whole, in seconds since the epoch',
    metric: 'backup_last_verified_timestamp_seconds',
  },
  'voice.credentials': {
    kind: 'count',
    unit: 'requests',
    meaning: 'Credentials for the TURN relay given out',
    metric: 'turn_credentials_total',
  },
  'api.requests': {
    kind: 'count',
    unit: 'requests',
    meaning: 'HTTP requests answered',
    metric: 'http_requests_total',
  },
} as const satisfies Record<string, Series>

export type SeriesName = keyof typeof SERIES
export const SERIES_NAMES = Object.keys(SERIES) as SeriesName[]
