/**
 * A session: one bound resource of an account (RFC 6120 §7). It outlives its stream while it is hibernated
 * (XEP-0198 §5). Delivery state lives in its outbox and inbox; features keep theirs in `data`.
 */
import type { Credential } from '@sealpost/accounts'
import type { Jid } from '@sealpost/jid'
import type { Element } from '@sealpost/stanza'
import type { SessionQueues } from '../delivery/device-registry.ts'
import type { Inbox } from '../delivery/inbox.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { AccountRef } from './account-directory.ts'
import type { Stream } from './stream.ts'

/** State that a module keeps per session; augmented by the module: `declare module '../core/session.ts'`. */
// eslint-disable-next-line typescript/no-empty-object-type
export interface SessionData {}

/** What of it outlives the process in a clean stop, as JSON; written in `session/save`, read in `session/restored`. Augmented likewise. */
// eslint-disable-next-line typescript/no-empty-object-type
export interface SavedData {}

/** As much of a credential as tells whether it is still good. */
export type SessionCredential = Pick<Credential, 'appPassword' | 'signOuts'>

export class Session {
  /** Random, never derived from the user; also the `stream` of log lines. */
  readonly id: string
  readonly account: AccountRef
  /** What it was signed in with, or resumed: the session ends with it. */
  credential: SessionCredential
  /** Full JID. */
  readonly jid: Jid
  /** `jid` as text, for stamping. */
  readonly jidText: string
  readonly data: SessionData = {}
  readonly inbox: Inbox
  readonly outbox: Outbox
  /** Which queues it takes from. */
  readonly queues: SessionQueues
  /** Position in the account's queue up to which a newly registered device takes it over. */
  readonly inheritUntil: number | undefined
  /** How long it may be without a stream (XEP-0198 §5); 0: not at all. */
  resumeTimeoutMs = 0
  /** The last broadcast presence without `type` (RFC 6121 §4.2); undefined while not available. */
  presence: Element | undefined
  /** RFC 6121 §4.7.2.3; meaningful while `presence` is set. */
  priority = 0
  /** Undefined while hibernated. */
  stream: Stream | undefined
  closed = false

  constructor(options: {
    id: string
    account: AccountRef
    credential: SessionCredential
    jid: Jid
    inbox: Inbox
    outbox: Outbox
    stream: Stream | undefined
    queues: SessionQueues
    inheritUntil: number | undefined
  }) {
    this.id = options.id
    this.account = options.account
    this.credential = options.credential
    this.jid = options.jid
    this.jidText = options.jid.toString()
    this.inbox = options.inbox
    this.outbox = options.outbox
    this.stream = options.stream
    this.queues = options.queues
    this.inheritUntil = options.inheritUntil
  }

  /** Available with a priority that takes part in bare-JID delivery (RFC 6121 §8.5.2.1.1). */
  get receivesMessages(): boolean {
    return this.presence !== undefined && this.priority >= 0
  }

  /** Sends a stanza that is worth nothing once the session is over: presence, IQ, notifications. */
  send(stanza: Element | string): void {
    if (!this.closed) this.outbox.send(typeof stanza === 'string' ? stanza : stanza.toString())
  }

  /** Sends what is worth little while nobody looks at the client; `key`: what it replaces. Outbox.sendWhenActive. */
  sendWhenActive(key: string, xml: string, kept = true): void {
    if (!this.closed) this.outbox.sendWhenActive(key, xml, kept)
  }

  /** Sends a message that must never be on disk, not even sealed in the record of a session that outlives the process. */
  sendUnkept(stanza: Element | string): void {
    if (!this.closed)
      this.outbox.send(typeof stanza === 'string' ? stanza : stanza.toString(), undefined, false)
  }
}
