/** The relay without its surroundings: sessions, router, delivery and modules, put together over the given stores. */
import { type AccountsDomain, Guesses, type GuessLimits, runErasure } from '@sealpost/accounts'
import { createHooks } from '@sealpost/hooks'
import { Supervisor } from '@sealpost/runtime'
import type { ChatImport, Relay as RelayPort } from '@sealpost/ports'
import type { Platform } from '@sealpost/service'
import { type Element, StreamError } from '@sealpost/stanza'
import { chatImport } from './chat-import.ts'
import { CachedAccountDirectory } from './core/account-directory.ts'
import { Destinations } from './core/destinations.ts'
import { ForeignRouter } from './core/foreign-router.ts'
import type { Hooks, Sender } from './core/module.ts'
import { ModuleTable } from './core/module-loader.ts'
import { Requests } from './core/requests.ts'
import { Router } from './core/router.ts'
import { SessionHandover } from './core/session-handover.ts'
import { SessionLifecycle } from './core/session-lifecycle.ts'
import { SessionRegistry } from './core/session-registry.ts'
import { Stream, type StreamContext, type StreamLimits } from './core/stream.ts'
import { DeviceAdministration } from './device-administration.ts'
import { Delivery, type QueueLimits } from './delivery/delivery.ts'
import { DeviceRegistry } from './delivery/device-registry.ts'
import type { DeviceStore } from './delivery/device-store.ts'
import type { SealedStore } from './delivery/sealed-store/sealed-store.ts'
import type { XmppEvents } from './events.ts'
import { type ModuleOptions, modules } from './modules/index.ts'
import type { WakeUpLimits } from './modules/push/wake-ups.ts'
import { DomainPolicies, type MessagePolicy } from './policy/domain-policies.ts'
import type { Connection } from './transports/connection.ts'
import { Reception, type ReceptionLimits } from './transports/reception.ts'
import type { ConnectionHandler } from './transports/tcp.ts'

const streamLimits: StreamLimits = {
  elementBytesMaxBeforeAuth: 10_000,
  elementBytesMax: 262_144,
  negotiationMs: 60_000,
  unreadBytesMax: 65_536,
  unsafeMax: 2_000,
  bytesRate: { burst: 16 * 1024 * 1024, perSecond: 1024 * 1024 },
  elementsRate: { burst: 20_000, perSecond: 1_000 },
  closeMs: 2_000,
}

/** Bounds that tests turn down. */
export interface RelayLimits {
  /** What one queue holds at most before senders are refused. */
  readonly queue: QueueLimits
  /** A session that was asked to acknowledge and stays silent for so long has lost its connection. */
  readonly silenceMs: number
  readonly stream: Partial<StreamLimits>
  readonly reception: Partial<ReceptionLimits>
  /** After how long it shows what came of a stanza whose recipient may not exist. */
  readonly refusalMs: number
  /** Wrong passwords and tokens. */
  readonly guesses: GuessLimits
  /** Free space that uploads leave to others. */
  readonly freeBytesMin: number
  /** When devices are woken (XEP-0357). */
  readonly wakeUps: Partial<WakeUpLimits>
}

/** Everybody of a large household, office or carrier comes from one address, and all at once when the server was away. */
const receptionLimits: ReceptionLimits = {
  max: 6_000,
  clientMax: 1_000,
  clientRate: { burst: 200, perSecond: 100 },
  perTurn: 8,
  slowTurnMs: 20,
}

const relayLimits: Omit<RelayLimits, 'reception' | 'guesses' | 'freeBytesMin' | 'wakeUps'> = {
  queue: { messagesMax: 10_000, bytesMax: 64 * 1024 * 1024 },
  silenceMs: 60_000,
  stream: {},
  refusalMs: 30, // more than the database takes, unless it is very busy
}
/** Devices that have not signed in for so many days are forgotten, with what waits for them. */
const DEVICE_DAYS_MAX = 30
const EXPIRY_MS = 1_000
/** Of the ten seconds that a stop may take: for devices to acknowledge what is not kept; then for all that is under way to become safe. */
const LAST_WORD_MS = 250
const SETTLE_MS = 4_500
/** From the beginning until sessions have been handed to the store, which may take some seconds more. */
const STOP_MS = 6_000
const AGE_OUT_MS = 3_600_000
const MEASURE_MS = 30_000

export interface RelayOptions {
  readonly platform: Platform
  readonly events: XmppEvents
  readonly accounts: AccountsDomain
  readonly store: SealedStore
  readonly devices: DeviceStore
  /** What holds for the messages of a domain unless its operator decided otherwise. */
  readonly policy: MessagePolicy
  /** Whether an address is shared by so many that it says nothing of who it is. */
  readonly isShared: (address: string) => boolean
  /** Whether external components are configured. */
  readonly hasComponents: boolean
  readonly features: Pick<
    ModuleOptions,
    | 'rosters'
    | 'blocked'
    | 'pep'
    | 'xml'
    | 'push'
    | 'fast'
    | 'groups'
    | 'deviceHashes'
    | 'commands'
    | 'contacts'
    | 'backups'
    | 'contactInvites'
    | 'plain'
    | 'administrators'
    | 'registration'
    | 'resumeTimeoutMs'
    | 'turn'
    | 'uploads'
  >
  /** What an operator need not set; tests do. */
  readonly limits?: Partial<RelayLimits>
}

export class Relay implements AsyncDisposable {
  /** What other services may ask. */
  readonly port: RelayPort
  readonly chatImport: ChatImport
  /** Domains that others speak for. */
  readonly destinations = new Destinations()
  readonly #options: RelayOptions
  readonly #hooks = createHooks<Hooks>()
  readonly #table = new ModuleTable(this.#hooks)
  readonly #sessions = new SessionRegistry()
  readonly #reception: Reception<Stream>
  readonly #stack = new AsyncDisposableStack()
  readonly #supervisor: Supervisor
  readonly #lifecycle: SessionLifecycle
  readonly #directory: CachedAccountDirectory
  readonly #delivery: Delivery
  readonly #devices: DeviceRegistry
  readonly #administration: DeviceAdministration
  readonly #handover: SessionHandover
  readonly #context: StreamContext
  #stopped: Promise<void> | undefined
  #fenced = false

  private constructor(options: RelayOptions) {
    const { platform, events, accounts, store } = options
    const { clock, random, domains, bus } = platform
    this.#options = options
    const reception = { ...receptionLimits, ...options.limits?.reception }
    this.#reception = this.#stack.use(new Reception<Stream>(reception, clock, random))
    this.#supervisor = new Supervisor(events.taskFailed)
    this.#directory = this.#stack.use(new CachedAccountDirectory(accounts, bus, random))
    this.#delivery = new Delivery({
      store,
      clock,
      limits: options.limits?.queue ?? relayLimits.queue,
      domain: domains[0] ?? 'localhost',
      events,
      onWaiting: (queue) => void this.#hooks.fire('queue/waiting', { queue }),
    })
    this.#devices = new DeviceRegistry(
      options.devices,
      clock,
      (key) => this.#supervisor.spawn(this.#administration.forget(key)),
      (key) => this.#delivery.position(key),
    )
    const { destinations } = this
    const requests = new Requests({ clock, random, destinations })
    const shared = { sessions: this.#sessions, requests, events }
    this.#lifecycle = new SessionLifecycle({
      ...shared,
      hooks: this.#hooks,
      directory: this.#directory,
      accounts,
      devices: this.#devices,
      delivery: this.#delivery,
      clock,
      random,
      spawn: (task) => this.#supervisor.spawn(task),
    })
    this.#administration = this.#createAdministration()
    this.port = this.#administration
    this.chatImport = chatImport({ accounts, directory: this.#directory, hooks: this.#hooks })
    this.#handover = this.#createHandover()
    const refusalMs = options.limits?.refusalMs ?? relayLimits.refusalMs
    const routing = { ...shared, table: this.#table, destinations, domains, clock, refusalMs }
    const router = new Router({ ...routing, accounts: this.#directory })
    this.#foreignRouter = new ForeignRouter(routing)
    this.#context = {
      table: this.#table,
      router,
      domains,
      limits: { ...streamLimits, ...options.limits?.stream },
      clock,
      random,
      events,
      onSessionDetached: (session, clean) => this.#lifecycle.detached(session, clean),
      onProgress: (stream) => this.#reception.advance(stream),
      onAttached: (stream) => this.#reception.leave(stream),
      onClosed: (stream) => {
        this.#reception.leave(stream)
        events.streamClosed()
      },
    }
    this.#requests = requests
  }

  readonly #requests: Requests
  readonly #foreignRouter: ForeignRouter

  #createAdministration(): DeviceAdministration {
    const { platform, accounts, store, features } = this.#options
    return new DeviceAdministration({
      store,
      accounts,
      clock: platform.clock,
      sessions: this.#sessions,
      devices: this.#devices,
      deviceHashes: features.deviceHashes,
      lifecycle: this.#lifecycle,
      hooks: this.#hooks,
    })
  }

  #createHandover(): SessionHandover {
    const { store, events, platform } = this.#options
    return new SessionHandover({
      ...platform,
      store,
      events,
      hooks: this.#hooks,
      lifecycle: this.#lifecycle,
      delivery: this.#delivery,
      devices: this.#devices,
    })
  }

  static async create(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options)
    await relay.#start()
    return relay
  }

  async #start(): Promise<void> {
    const { platform, events, accounts, features, store, limits } = this.#options
    const { clock, random, bus } = platform
    const { domains } = accounts
    const follow = { domains, bus, clock, server: this.#options.policy, onError: events.taskFailed }
    const options = {
      ...features,
      policies: this.#stack.use(await DomainPolicies.open(follow)),
      accounts,
      events,
      guesses: this.#stack.use(
        new Guesses({ clock, random, ...(limits?.guesses && { limits: limits.guesses }) }),
      ),
      lifecycle: this.#lifecycle,
      delivery: this.#delivery,
      devices: this.#devices,
      streamLimits: this.#context.limits,
      silenceMs: limits?.silenceMs ?? relayLimits.silenceMs,
      wakeUps: limits?.wakeUps ?? {},
      hasComponents: this.#options.hasComponents,
    }
    await this.#table.load(modules(options), {
      ...platform,
      sessions: this.#sessions,
      destinations: this.destinations,
      accounts: this.#directory,
      spawn: (task) => this.#supervisor.spawn(task),
      request: (session, payload) => this.#requests.send(session, payload),
      requestAway: (from, to, payload) => this.#requests.sendAway(from, to, payload),
    })
    this.#stack.use(this.#table)
    await this.#handover.takeUp()
    this.#supervisor.spawn(this.#recheckAll())
    this.#stack.use(clock.every(EXPIRY_MS, () => void (events.copies.expired += store.expire().count)))
    this.#stack.use(clock.every(AGE_OUT_MS, () => this.#ageOutDevices()))
    this.#stack.use(clock.every(MEASURE_MS, () => this.#measure()))
    this.#supervisor.spawn(this.#ageOutDevices())
    this.#stack.use(bus.subscribe('account/changed', ({ accountId }) => this.#accountChanged(accountId)))
    this.#stack.use(bus.subscribe('account/credentials-revoked', ({ accountId }) => this.#recheck(accountId)))
    this.#stack.use(bus.onReset(() => this.#recheckAll()))
    const erase = (accountId: string) => this.#erase(accountId)
    this.#stack.use(
      runErasure({ ledger: accounts.erasure, owner: 'xmpp', erase, clock, bus, onError: events.taskFailed }),
    )
  }

  /** Takes a stanza of a domain that is not served here, whose `from` was checked. Rejects with nothing but StreamError. */
  routeForeign(sender: Sender, stanza: Element): Promise<void> {
    return this.#foreignRouter.route(sender, stanza)
  }

  /** Takes a connection, which begins when it is its turn; when too many are signing in, somebody has to go. */
  accept(connection: Connection): ConnectionHandler {
    const { events, isShared } = this.#options
    events.streamOpened()
    const stream = new Stream(connection, this.#context)
    if (this.#stopped) {
      stream.shutDown()
      return stream
    }
    const { remoteAddress } = connection
    stream.client = isShared(remoteAddress) ? undefined : remoteAddress
    const refused = this.#reception.enter(stream, stream.client, () => connection.start())
    if (refused) {
      events.streamRefused()
      refused.evict()
    }
    return stream
  }

  /** What it holds in memory: sessions, hibernated ones included, and queues with a session or with copies under way. */
  get load(): { readonly sessions: number; readonly queues: number } {
    return { sessions: this.#sessions.size, queues: this.#delivery.queueCount }
  }

  /** Another process owns the sealed messages now: nothing may be delivered or acknowledged from here any more. */
  fence(): void {
    this.#fenced = true
    this.#lifecycle.endAll()
  }

  /** Totals over everybody, for the metrics. */
  #measure(): void {
    const { store, events, platform } = this.#options
    const { count: messages, bytes, oldest } = store.totals()
    const oldestSeconds = oldest === undefined ? 0 : Math.max(0, platform.clock.now() / 1000 - oldest)
    const sessions = this.#sessions.all().filter(({ stream }) => stream !== undefined).length
    events.measured({ sessions, messages, bytes, oldestSeconds })
  }

  #ageOutDevices(): Promise<void> {
    const present = this.#sessions.all().map((session) => session.queues.device)
    return this.#devices.ageOut(DEVICE_DAYS_MAX, present)
  }

  async #accountChanged(accountId: string): Promise<void> {
    await this.#recheck(accountId)
    await this.#hooks.fire('account/changed', { accountId })
  }

  /** A suspended or terminated account has no sessions; nor has an app password that was revoked, or whoever was signed out. */
  #recheck(accountId: string): Promise<void> {
    return this.#recheckThose((id) => id === accountId)
  }

  #recheckAll(): Promise<void> {
    return this.#recheckThose(() => true)
  }

  async #recheckThose(isMeant: (accountId: string) => boolean): Promise<void> {
    const { accounts } = this.#options
    for (const session of this.#sessions.all()) {
      const { account, credential } = session
      if (!isMeant(account.id) || (await accounts.isGood(account.id, credential))) continue
      this.#lifecycle.end(session, new StreamError('not-authorized'))
    }
    // Those that have shown who they are, and are on their way to a session.
    for (const stream of this.#reception.all()) {
      const { account } = stream
      if (!account || !isMeant(account.id) || (await accounts.isGood(account.id, account.credential)))
        continue
      stream.fail(new StreamError('not-authorized'))
    }
  }

  /** Everything this service holds of an account: sealed messages first, which makes them unreadable at once. */
  async #erase(accountId: string): Promise<void> {
    await this.#recheck(accountId)
    const { store } = this.#options
    store.shredAccount(accountId)
    await store.shredded()
    await store.garbage()
    await this.#devices.erase(accountId)
    const account = await this.#options.accounts.findById(accountId)
    await this.#hooks.fire('account/erase', { accountId, jid: account?.jid })
    store.shredAccount(accountId) // what was under way to it when it began
    await store.shredded()
  }

  /**
   * Ends all streams, and seals what was in memory only: messages, and the sessions that may be resumed at the next process. Best
   * called before the listeners are closed, so that clients hear how it ended.
   */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  async #stop(): Promise<void> {
    const { clock } = this.#options.platform
    const deadline = clock.monotonic() + STOP_MS
    const leftMs = () => Math.max(0, deadline - clock.monotonic())
    for (const stream of this.#reception.all()) stream.shutDown()
    const sessions = this.#sessions.all()
    for (const { stream } of sessions) stream?.stopListening()
    this.#delivery.stop()
    const settled = Promise.all(sessions.map(({ inbox }) => inbox.settled()))
    await this.#within(LAST_WORD_MS, settled) // for what is not kept, devices may still say that they have it
    for (const session of sessions) this.#delivery.giveBack(session)
    await this.#within(SETTLE_MS, settled)
    if (this.#fenced) return this.#lifecycle.endAll()
    await this.#lifecycle.shutDown(() => this.#within(leftMs(), this.#supervisor.idle()))
    await this.#handover.seal(leftMs())
    this.#lifecycle.release()
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ = this.#options.platform.clock.after(ms, resolve)
    await Promise.race([work, promise])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#stack.disposeAsync()
    this.#requests.forget()
    await this.#supervisor.idle()
  }
}
