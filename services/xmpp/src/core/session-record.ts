/**
 * A session that may be resumed (XEP-0198 §5), written down for the next process: who, both counters, what is unacknowledged. It is
 * only ever on disk sealed under a key that is used once (core/session-handover.ts).
 */
import { parseJid } from '@sealpost/jid'
import { readElement } from '@sealpost/stanza'
import type { Copy } from '../delivery/copy.ts'
import type { SessionQueues } from '../delivery/device-registry.ts'
import type { OutboxState } from '../delivery/outbox.ts'
import type { SavedData, Session, SessionCredential } from './session.ts'

const VERSION = 2

/**
 * An unacknowledged stanza: its text; or the id of the sealed message that it is; or 0, when it need not be sent again, or must not be
 * on disk: then it keeps its place in the count.
 */
type SavedStanza = string | readonly [id: string] | 0

export interface SessionRecord {
  readonly version: typeof VERSION
  readonly accountId: string
  readonly credential: SessionCredential
  /** Full JID. */
  readonly jid: string
  readonly queues: Pick<SessionQueues, 'own' | 'device' | 'inherited'>
  /** Milliseconds since the epoch. */
  readonly untilMs: number
  readonly resumeTimeoutMs: number
  /** Stanzas of the client that are safe. */
  readonly h: number
  readonly outbox: Omit<OutboxState, 'unacknowledged'> & { readonly unacknowledged: readonly SavedStanza[] }
  readonly presence: string | undefined
  readonly priority: number
  readonly saved: SavedData
}

export function recordOf(session: Session, untilMs: number, saved: SavedData): SessionRecord {
  const { own, device, inherited } = session.queues
  const { unacknowledged, ...counts } = session.outbox.state
  return {
    version: VERSION,
    accountId: session.account.id,
    credential: { appPassword: session.credential.appPassword, signOuts: session.credential.signOuts },
    jid: session.jidText,
    queues: { own, device, inherited },
    untilMs,
    resumeTimeoutMs: session.resumeTimeoutMs,
    h: session.inbox.handled,
    outbox: { ...counts, unacknowledged: unacknowledged.map(savedStanza) },
    presence: session.presence?.toString(),
    priority: session.priority,
    saved,
  }
}

function savedStanza({ xml, copy, kept }: OutboxState['unacknowledged'][number]): SavedStanza {
  if (!copy) return kept ? xml : 0
  const isSealed = copy.state === 'sealed' || copy.state === 'sealing'
  return isSealed && copy.id !== undefined ? [copy.id] : 0
}

/** Gives a new session the state of a record. `copyOf` finds a sealed message; without an id, it gives one that is gone. */
export function applyRecord(
  session: Session,
  record: SessionRecord,
  copyOf: (id: string | undefined) => Copy,
): void {
  session.resumeTimeoutMs = record.resumeTimeoutMs
  session.presence = record.presence === undefined ? undefined : readElement(record.presence)
  session.priority = record.priority
  session.inbox.enable(record.h)
  const unacknowledged = record.outbox.unacknowledged.map((stanza) =>
    typeof stanza === 'string'
      ? { xml: stanza, copy: undefined, kept: true }
      : { xml: '', copy: copyOf(stanza === 0 ? undefined : stanza[0]), kept: true },
  )
  session.outbox.restore({ ...record.outbox, unacknowledged })
}

export function encodeRecord(record: SessionRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record)}\n`)
}

/** All records of a text; those of another version are left out, as if the process before had been killed. */
export function decodeRecords(text: string): SessionRecord[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SessionRecord)
    .filter(({ version }) => version === VERSION)
}

export function accountOf({ accountId, jid, credential: { signOuts } }: SessionRecord) {
  return { id: accountId, jid: parseJid(jid).bare, state: 'active', signOuts } as const
}
