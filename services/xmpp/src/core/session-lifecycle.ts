/**
 * The life of a session: bound to a resource (RFC 6120 §7), detached from a lost stream and resumed on another
 * (XEP-0198 §5), ended. Whatever the cause, its unacknowledged messages end up in their queues.
 */
import type { Accounts, SignedIn } from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import type { Hooks as HookBus } from '@sealpost/hooks'
import { JidError, type Jid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { StanzaError, StreamError } from '@sealpost/stanza'
import type { Delivery } from '../delivery/delivery.ts'
import type { DeviceRegistry, SessionQueues } from '../delivery/device-registry.ts'
import { Inbox } from '../delivery/inbox.ts'
import { Outbox } from '../delivery/outbox.ts'
import type { XmppEvents } from '../events.ts'
import type { AccountDirectory, AccountRef } from './account-directory.ts'
import type { Hooks } from './module.ts'
import type { Requests } from './requests.ts'
import type { SessionRegistry } from './session-registry.ts'
import { Session, type SessionCredential } from './session.ts'
import type { Stream } from './stream.ts'

/** Sessions of one account at a time, hibernated ones included. */
const SESSIONS_PER_ACCOUNT_MAX = 20

export interface LifecycleOptions {
  readonly hooks: HookBus<Hooks>
  readonly sessions: SessionRegistry
  readonly requests: Requests
  readonly directory: AccountDirectory
  readonly accounts: Pick<Accounts, 'touch' | 'isGood'>
  readonly devices: DeviceRegistry
  readonly delivery: Delivery
  readonly clock: Clock
  readonly random: Random
  readonly events: XmppEvents
  /** Runs what listeners do in the background. */
  readonly spawn: (task: Promise<unknown>) => void
}

interface NewSession {
  readonly account: AccountRef
  readonly credential: SessionCredential
  readonly jid: Jid
  readonly queues: SessionQueues
}

export class SessionLifecycle {
  readonly #options: LifecycleOptions
  /** Sessions without a stream, and until when they may be resumed (milliseconds since the epoch). */
  readonly #hibernated = new Map<Session, { readonly timer: Disposable; readonly untilMs: number }>()

  constructor(options: LifecycleOptions) {
    this.#options = options
  }

  /** RFC 6120 §7.6, §7.7: the client's resource, or a random one. */
  async bind(
    stream: Stream,
    account: SignedIn,
    requested: string | undefined,
    announce: (session: Session) => void,
  ): Promise<Session> {
    const jid = fullJid(account.jid, requested ?? this.#options.random.token(12))
    const queues = await this.identify(account, jid.resource, stream.userAgent)
    return this.open(stream, account, { jid, queues, announce })
  }

  /** Records that a device signs in: the client installation, or without one the resource. */
  async identify(
    account: AccountRef,
    resource: string,
    userAgent: string | undefined,
  ): Promise<SessionQueues> {
    const { devices } = this.#options
    const queues = await (userAgent === undefined
      ? devices.signIn(account, resource)
      : devices.signInInstallation(account, userAgent))
    this.#endDropped(account, queues.dropped)
    return queues
  }

  /**
   * Makes the session of a device that signed in; older sessions of that name or device give way. `announce` is called when
   * the session exists and before anything is sent on it.
   */
  async open(
    stream: Stream,
    account: SignedIn,
    { jid, queues, announce }: { jid: Jid; queues: SessionQueues; announce: (session: Session) => void },
  ): Promise<Session> {
    const { sessions, devices, accounts } = this.#options
    const current = await this.#options.directory.find(account.jid)
    const { credential } = account
    // Of an account's own password the directory knows all that can have happened since the proof.
    const good = credential.appPassword === undefined || (await accounts.isGood(account.id, credential))
    if (stream.closed) throw new StreamError('reset')
    if (current?.state !== 'active' || current.signOuts !== credential.signOuts || !good)
      throw new StreamError('not-authorized')
    for (const other of sessions.of(jid)) {
      const replaced = other.jid.resource === jid.resource || other.queues.device.id === queues.device.id
      if (replaced) this.end(other, new StreamError('conflict')) // RFC 6120 §7.7.2.2, XEP-0386 §3.2
    }
    if (sessions.of(jid).length >= SESSIONS_PER_ACCOUNT_MAX)
      throw new StanzaError('wait', 'resource-constraint')
    const session = this.#create({ account, credential, jid, queues, stream })
    sessions.add(session)
    stream.attach(session)
    announce(session)
    session.outbox.connect(stream)
    const { devices: known } = await devices.queuesOf(account)
    if (!known.some(({ id }) => id === queues.device.id)) this.end(session, new StreamError('not-authorized')) // revoked meanwhile
    await accounts.touch(account.id, credential)
    if (session.closed) throw new StreamError('reset')
    await this.#options.hooks.fire('session/bound', { session })
    this.#options.events.sessionBound()
    return session
  }

  #create(of: NewSession & { stream: Stream | undefined }): Session {
    const { delivery, clock, random, devices } = this.#options
    const inbox = new Inbox((xml) => session.stream?.send(xml))
    const outbox = new Outbox(
      delivery,
      clock,
      () => random.token(12),
      () => this.end(session, new StreamError('resource-constraint')),
    )
    const { inherited, device } = of.queues
    const inheritUntil = inherited && devices.inheritUntil(device)
    const session: Session = new Session({ ...of, id: random.token(12), inbox, outbox, inheritUntil })
    return session
  }

  /** A device that had to make room is not known any more: nothing would reach its session. */
  #endDropped(account: AccountRef, dropped: readonly string[]): void {
    if (dropped.length === 0) return
    for (const session of this.#options.sessions.of(account.jid)) {
      const { device } = session.queues
      if (device.registered && dropped.includes(device.id))
        this.end(session, new StreamError('resource-constraint'))
    }
  }

  /** The session's stream is gone. It waits for a resumption if it may and the client did not say goodbye. */
  detached(session: Session, clean: boolean): void {
    session.stream = undefined
    if (clean || session.resumeTimeoutMs === 0) return this.end(session)
    session.outbox.disconnect()
    this.#options.delivery.suspend(session)
    this.#hibernate(session, this.#options.clock.now() + session.resumeTimeoutMs)
    this.#tell('session/hibernated', session)
  }

  #hibernate(session: Session, untilMs: number): void {
    const { clock } = this.#options
    const timer = clock.after(Math.max(0, untilMs - clock.now()), () => this.end(session))
    this.#hibernated.set(session, { timer, untilMs })
  }

  #wake(session: Session): void {
    this.#hibernated.get(session)?.timer[Symbol.dispose]()
    this.#hibernated.delete(session)
  }

  /** A hibernated session of another process; what it was sent and received is the caller's to restore. */
  restore(of: NewSession & { untilMs: number }): Session {
    const session = this.#create({ ...of, stream: undefined })
    this.#options.sessions.add(session)
    this.#hibernate(session, of.untilMs)
    return session
  }

  /** Hibernated sessions, and until when they may be resumed (milliseconds since the epoch). */
  hibernated(): { readonly session: Session; readonly untilMs: number }[] {
    return [...this.#hibernated].map(([session, { untilMs }]) => ({ session, untilMs }))
  }

  /** As the server stops, when sessions go on in the next process: nobody is told of their end, as it is none. */
  release(): void {
    for (const session of this.#hibernated.keys()) {
      session.closed = true
      this.#wake(session)
      this.#options.sessions.remove(session)
    }
  }

  /** Before `resume`: everything that is to be sent again is in memory. Rejects when the store cannot be read. */
  load(session: Session): Promise<void> {
    return this.#options.delivery.load(session)
  }

  /** Continues a hibernated session on another stream. */
  resume(session: Session, stream: Stream): void {
    assert(!session.closed && !session.stream, 'a session lives on one stream at a time')
    this.#wake(session)
    session.stream = stream
    session.credential = stream.account?.credential ?? session.credential
    stream.attach(session)
    session.outbox.connect(stream)
    this.#options.delivery.withdrawDue(session)
    session.outbox.replay()
    this.#tell('session/resumed', session)
    this.#options.events.sessionResumed()
  }

  /** Ends a session for good; its stream gets the error, or a clean close. */
  end(session: Session, error?: StreamError): void {
    if (session.closed) return
    session.closed = true
    this.#wake(session)
    const { stream } = session
    session.stream = undefined
    stream?.detach()
    if (error) stream?.fail(error)
    else stream?.close()
    this.#options.sessions.remove(session)
    this.#options.delivery.close(session)
    this.#options.requests.forget(session)
    this.#tell('session/closed', session)
  }

  /** Ends every session (RFC 6120 §4.9.3.19). */
  endAll(): void {
    for (const session of this.#options.sessions.all()) this.end(session, new StreamError('system-shutdown'))
  }

  /** The server stops: clients get a last count (XEP-0198 §4), and what may be resumed is hibernated. */
  async shutDown(ended: () => Promise<void>): Promise<void> {
    const connected = this.#options.sessions.all().filter(({ stream }) => stream)
    this.#options.requests.forget()
    for (const { inbox } of connected) inbox.acknowledge()
    for (const session of connected)
      if (session.resumeTimeoutMs === 0) this.end(session, new StreamError('system-shutdown'))
    await ended() // contacts hear of those, now or when they resume
    for (const { stream } of connected) stream?.fail(new StreamError('system-shutdown'))
  }

  #tell(name: 'session/hibernated' | 'session/resumed' | 'session/closed', session: Session): void {
    const told = this.#options.hooks.fire(name, { session })
    if (told instanceof Promise) this.#options.spawn(told)
  }
}

function fullJid(bare: Jid, resource: string): Jid {
  try {
    return bare.withResource(resource)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('modify', 'bad-request') // RFC 6120 §7.7.2.1
    throw error
  }
}
