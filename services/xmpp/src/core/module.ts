/**
 * The contract between the server and its features. A feature is a value with a name, the specifications it
 * implements, what it needs, and a `setup`; everything it registers through its host is undone in reverse order.
 */
import type { HookEvent, HookHandler, HookResult, Priority } from '@sealpost/hooks'
import type { Jid } from '@sealpost/jid'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Clock, MaybePromise, Random } from '@sealpost/runtime'
import type { Element } from '@sealpost/stanza'
import type { Outcome, QueuedMessage } from '../delivery/copy.ts'
import type { Fate } from '../delivery/retransmissions.ts'
import type { QueueKey } from '../delivery/sealed-store/sealed-store.ts'
import type { AccountDirectory, AccountRef } from './account-directory.ts'
import type { Destinations } from './destinations.ts'
import type { SessionRegistry } from './session-registry.ts'
import type { SavedData, Session } from './session.ts'
import type { Stream } from './stream.ts'

export type { AccountRef } from './account-directory.ts'
export { addressable } from './addressable.ts'
export { chain } from './chain.ts'
export type { SessionLifecycle } from './session-lifecycle.ts'
export type { Session } from './session.ts'
export type { Stream } from './stream.ts'
export { Turns } from './turns.ts'

export type Spec = `${'XEP-' | 'RFC ' | 'draft-'}${string}`

export interface Module {
  readonly name: string
  /** `XEP-0191 1.3`, `RFC 6121`: docs/PROTOCOLS.md is generated from these. */
  readonly implements: readonly Spec[]
  /** Modules whose `provide`d values this one needs; they are set up first. */
  readonly depends?: readonly string[]
  setup(host: ModuleHost): MaybePromise<void>
}

export function defineModule(module: Module): Module {
  return module
}

/** Whom an IQ request is addressed to: the server, the sender's own account, or another local account. */
export type IqTarget = 'host' | 'self' | 'account'

export interface IqQuery {
  readonly to: readonly IqTarget[]
  readonly namespace: string
  readonly name: string
}

export interface IqRequest {
  readonly session: Session
  readonly stanza: Element
  /** The one payload element (RFC 6120 §8.2.3). */
  readonly query: Element
  readonly target: IqTarget
  /** The account addressed by `self` and `account`, which may be a decoy (AccountDirectory); undefined for `host`. */
  readonly owner: AccountRef | undefined
}

/** Returns the payload of the result, or nothing for an empty one; throws StanzaError to refuse. */
export type IqHandler = (request: IqRequest) => MaybePromise<Element | undefined>

/** First-level elements that are not stanzas: SASL, stream management … Not counted by XEP-0198. */
export type NonzaHandler = (stream: Stream, nonza: Element) => MaybePromise<void>

/** Events of the core; the result type is what ends the chain. A module that adds one augments this interface. */
export interface Hooks {
  /** Collects stream features (RFC 6120 §4.3.2) for this stage of the stream. */
  'stream/features'(event: { readonly stream: Stream; readonly features: Element[] }): undefined
  /** A session exists: resource bound (RFC 6120 §7). Its client knows, and has sent nothing on it yet. */
  'session/bound'(event: { readonly session: Session }): undefined
  /** A session lost its stream and may be resumed (XEP-0198 §5). */
  'session/hibernated'(event: { readonly session: Session }): undefined
  /** A hibernated session continues on a new stream (XEP-0198 §5). */
  'session/resumed'(event: { readonly session: Session }): undefined
  /** The server stops, and the session may be resumed at the next process: collects what modules keep of it. */
  'session/save'(event: { readonly session: Session; readonly saved: SavedData }): undefined
  /** A session of the process before; hibernated. Nobody else knows it yet. */
  'session/restored'(event: { readonly session: Session; readonly saved: SavedData }): undefined
  /** The session is over, for whatever reason; it sends and receives nothing any more. */
  'session/closed'(event: { readonly session: Session }): undefined
  /** A stanza of a local session for a domain that no account has and nobody else speaks for, `from` stamped; `true`: a module serves that domain. Throws StanzaError to refuse. */
  'stanza/elsewhere'(event: AddressedStanza): true
  /** A message from a domain that is not served here, `from` checked, before everything else; `true`: it was for the server. */
  'message/foreign'(event: OutboundMessage): true
  /** A message, `from` stamped or checked. A returned element replaces it; throws StanzaError to refuse. */
  'message/outbound'(event: OutboundMessage): OutboundMessage
  /** Delivers a message that passed every filter. */
  'message/deliver'(event: OutboundMessage): true
  /** A storable message was given to its recipient's queues; copies for other devices may follow. */
  'message/delivered'(event: DeliveredMessage): undefined
  /** A message that is not tracked was sent to who is here; copies for other sessions may follow. */
  'message/passed'(event: PassedMessage): undefined
  /** A session broadcast presence; its `presence` and `priority` are set. `initial`: it was not available before. */
  'presence/available'(event: { readonly session: Session; readonly initial: boolean }): undefined
  /** A session is not available any more, because it said so or because it is closed. */
  'presence/unavailable'(event: { readonly session: Session }): undefined
  /** A presence stanza of a local session, `from` stamped; `to` undefined means broadcast. */
  'presence/outbound'(event: OutboundPresence): true
  /** Presence from a domain that is not served here, for an account or one of its resources: available, unavailable or an error. */
  'presence/foreign'(event: ForeignPresence): undefined
  /** An IQ stanza for another account, one of its resources or another domain. Throws StanzaError to refuse; what is no request is dropped then. */
  'iq/outbound'(event: OutboundStanza): undefined
  /** Describes the server to somebody of a domain that is not served here (XEP-0030 §3.1). */
  'disco/foreign'(event: { readonly from: Jid }): readonly Element[]
  /** A message worth waking a device for waits in its queue: no device has acknowledged it at once. */
  'queue/waiting'(event: { readonly queue: QueueKey }): undefined
  /** A message was left out of a queue that is full. */
  'queue/overrun'(event: { readonly queue: QueueKey }): undefined
  /** A device is not known any more: revoked by its owner, away for too long, or others took its place. */
  'device/revoked'(event: { readonly accountId: string; readonly deviceId: string }): undefined
  /** The device may not go on without the password; `identity` as the registry of devices knows it. */
  'device/signed-out'(event: { readonly accountId: string; readonly identity: Buffer }): undefined
  /** Its state or its credentials changed. */
  'account/changed'(event: { readonly accountId: string }): undefined
  /** The account comes from another server, and nobody can sign in to it yet: each module takes what is its own. */
  'account/import'(event: ImportedAccount): undefined
  /** The account's data in this service must be erased. */
  'account/erase'(event: { readonly accountId: string; readonly jid: Jid | undefined }): undefined
}

export interface ImportedAccount {
  readonly owner: AccountRef
  /** Children of a `user` (XEP-0227 §4). */
  readonly parts: readonly Element[]
  /** Counted on by the modules. */
  readonly taken: { contacts: number; items: number; elements: number; refused: number }
}

export interface AddressedStanza extends OutboundStanza {
  readonly session: Session
  /** Completed when the stanza is safe for every target: only then XEP-0198's `h` passes it. */
  readonly receipt: Receipt
}

/** Whom a stanza is from: a session, or somebody of a domain that is not served here. */
export interface Sender {
  readonly jid: Jid
  /** Answers. */
  send(stanza: Element): void
}

export interface OutboundStanza {
  readonly sender: Sender
  /** The sender, when it is one of ours. */
  readonly session: Session | undefined
  readonly stanza: Element
  /** Explicit, or the sender's own bare JID when the stanza had none (RFC 6120 §10.3.1). */
  readonly to: Jid
}

export interface OutboundMessage extends OutboundStanza {
  /** Completed when the message is safe for every target: only then XEP-0198's `h` passes it. */
  readonly receipt: Receipt
  /** What the encryption policy found out about it; undefined before the policy ran. */
  readonly handling?: MessageHandling
  /** Domains of all whom it reaches, when these are more than that of `to`. */
  readonly audience?: readonly string[]
}

export interface PassedMessage extends OutboundMessage {
  /** Undefined: nobody of ours. */
  readonly recipient: AccountRef | undefined
  /** The session addressed by full JID, when the message went to it alone. */
  readonly direct: Session | undefined
}

export interface DeliveredMessage extends PassedMessage {
  readonly queued: QueuedMessage
  readonly outcome: Outcome
}

/** How a message may be treated after the policy classified it. */
export interface MessageHandling {
  /** False: delivered to whoever is here now, never stored. */
  readonly storable: boolean
  /** False: held in memory by the session that it was written to, and nowhere else (STORAGE_MODE none). */
  readonly kept: boolean
  /** It carries ciphertext of a right structure. */
  readonly encrypted: boolean
  /** It says that another message came or was read, and nothing else. */
  readonly receipt: boolean
  /** Whether a device that is away should hear that it waits. */
  readonly wakes: boolean
  /** Longest life of a stored copy, in seconds. */
  readonly ttlSeconds: number
  /** False: no carbon copies (XEP-0280 §8, XEP-0334). */
  readonly copied: boolean
}

export interface OutboundPresence {
  readonly session: Session
  readonly stanza: Element
  readonly to: Jid | undefined
}

export interface ForeignPresence extends Pick<OutboundPresence, 'stanza'> {
  readonly sender: Sender
  readonly to: Jid
}

/** Counts what must still happen before an inbound stanza is safe; see delivery/. */
export interface Receipt extends Fate {
  /** One more target that must become safe first. */
  hold(): void
  /** One target is safe, or the stanza was answered. */
  release(): void
  /** The sender is told that it failed. */
  refuse(): void
}

/** Typed replacement for globals: what modules offer each other. Augmented by the provider. */
// eslint-disable-next-line typescript/no-empty-object-type
export interface Provided {}

export interface ModuleHost {
  /** Advertises a feature of the server (XEP-0030 §3). */
  feature(namespace: string): void
  /** Advertises a feature of every account's bare JID (XEP-0030 §3). */
  accountFeature(namespace: string): void
  onIq(type: 'get' | 'set', query: IqQuery, handler: IqHandler): void
  onNonza(namespace: string, name: string, handler: NonzaHandler): void
  hook<K extends keyof Hooks>(name: K, handler: HookHandler<Hooks[K]>, priority?: Priority): void
  fire<K extends keyof Hooks>(
    name: K,
    event: HookEvent<Hooks[K]>,
  ): MaybePromise<HookResult<Hooks[K]> | undefined>
  /**
   * Sends an IQ set of an account or of the server to somebody of a domain that is not served here; resolves with the result, rejects with the StanzaError that
   * came back, or that says that nobody answered.
   */
  requestAway(from: Jid, to: Jid, payload: Element): Promise<Element>
  /** Sends an IQ get from the server to a session; resolves with the result, rejects with its StanzaError or a time-out. */
  request(session: Session, payload: Element): Promise<Element>
  provide<K extends keyof Provided>(name: K, value: Provided[K]): void
  /** Only what a module listed in `depends` provides. */
  need<K extends keyof Provided>(name: K): Provided[K]
  every(intervalMs: number, task: () => MaybePromise<void>): void
  /** Disposed of with the modules. */
  use(resource: Disposable): void
  /** Runs a task in the background; a rejection becomes one coded log line. */
  spawn(task: Promise<unknown>): void
  readonly features: { readonly host: readonly string[]; readonly account: readonly string[] }
  readonly sessions: SessionRegistry
  readonly destinations: Destinations
  readonly accounts: AccountDirectory
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}
