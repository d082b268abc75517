/** The relay as a process that can be killed at any moment: its clock, its stores and its connections die with it. */
import type { AccountsDomain } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { errorCode } from '@sealpost/errors'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import type { Clock, MaybePromise } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import type { DeviceStore } from '../../services/xmpp/src/delivery/device-store.ts'
import { createXmppEvents, type XmppEvents } from '../../services/xmpp/src/events.ts'
import { DeviceHashes } from '../../services/xmpp/src/delivery/device-hashes.ts'
import { memoryBlockStore } from '../../services/xmpp/src/modules/blocking/store.memory.ts'
import { memoryGroupStore } from '../../services/xmpp/src/modules/groups/store.memory.ts'
import { memoryContactInviteStore } from '../../services/xmpp/src/modules/joining/store.memory.ts'
import { memoryFastTokenStore } from '../../services/xmpp/src/modules/fast/token-store.memory.ts'
import { PushRegistry } from '../../services/xmpp/src/modules/push/push-registry.ts'
import { memoryPushStore } from '../../services/xmpp/src/modules/push/store.memory.ts'
import { memoryXmlStore } from '../../services/xmpp/src/modules/stored-xml/store.memory.ts'
import type { PepStore } from '../../services/xmpp/src/modules/pep/store.ts'
import type { RosterStore } from '../../services/xmpp/src/modules/roster/store.ts'
import { Relay } from '../../services/xmpp/src/relay.ts'
import { FAULT, faulty, type Weather } from './faulty.ts'
import type { SimulatedConnection } from './network.ts'
import { type SealedDisk, SimulatedSealedStore } from './sealed-disk.ts'
import type { SeededRandom } from './seeded-random.ts'
import { noCommands } from '../../services/xmpp/test/no-commands.ts'

const log = createLog({ level: 'silent' })
const metrics = createMetrics()

const DEVICE_CALLS = [
  'ofAccount',
  'signIn',
  'inherited',
  'setCarbons',
  'seen',
  'remove',
  'setOverrun',
  'clearOverrun',
] as const

/** What survives the process, and how it is to be run. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly weather: Weather
  readonly accounts: AccountsDomain
  readonly disk: SealedDisk
  readonly devices: DeviceStore
  readonly rosters: RosterStore
  readonly pep: PepStore
  readonly messageTtlSeconds: number
  readonly resumeTimeoutMs: number
  readonly silenceMs: number
  /** A handler of the relay failed, and not for a fault that was put in. */
  readonly onBug: (what: string, error: unknown) => void
}

/** Timers that end with the process. */
class ProcessClock implements Clock {
  dead = false
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void

  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock
    this.#onError = onError
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  after(ms: number, task: () => void): Disposable {
    return this.#clock.after(ms, () => {
      if (!this.dead) task()
    })
  }

  every(ms: number, task: () => MaybePromise<void>): Disposable {
    const timer = this.#clock.every(ms, async () => {
      if (this.dead) return timer[Symbol.dispose]()
      try {
        await task()
      } catch (error) {
        this.#onError(error)
      }
    })
    return timer
  }

  turn(task: () => void): void {
    this.after(0, task)
  }
}

export class RelayProcess {
  readonly relay: Relay
  readonly clock: Clock
  readonly connections = new Set<SimulatedConnection>()
  readonly #processClock: ProcessClock
  readonly #store: SimulatedSealedStore

  private constructor(relay: Relay, clock: ProcessClock, store: SimulatedSealedStore) {
    this.relay = relay
    this.clock = clock
    this.#processClock = clock
    this.#store = store
  }

  static async start(around: Surroundings): Promise<RelayProcess> {
    const { random, weather, onBug } = around
    const clock = new ProcessClock(around.clock, (error) => reportBug(onBug, 'periodic task', error))
    const store = new SimulatedSealedStore(around.disk, clock)
    const behind = { clock, random, weather }
    const relay = await Relay.create({
      platform: platformOf(clock, random),
      events: watchedEvents(onBug),
      accounts: faulty(around.accounts, ['find', 'findById', 'isGood', 'verifierOrDecoy'], behind),
      store,
      devices: faulty(around.devices, DEVICE_CALLS, behind),
      policy: { e2ee: 'required', storage: 'sealed', messageTtlSeconds: around.messageTtlSeconds },
      isShared: () => true,
      hasComponents: false,
      features: {
        rosters: around.rosters,
        blocked: memoryBlockStore(),
        groups: { store: memoryGroupStore(), label: 'groups' },
        pep: around.pep,
        xml: memoryXmlStore(),
        push: new PushRegistry(
          memoryPushStore(() => []),
          Buffer.alloc(32),
          random,
        ),
        contactInvites: memoryContactInviteStore(),
        administrators: [],
        plain: 'off',
        registration: 'off',
        contacts: { publicOrigin: () => 'https://localhost', supportUrl: undefined },
        backups: { everyHours: undefined, keptHours: undefined },
        commands: noCommands,
        fast: { store: memoryFastTokenStore(), key: Buffer.alloc(32) },
        deviceHashes: new DeviceHashes('key'),
        resumeTimeoutMs: around.resumeTimeoutMs,
      },
      limits: { silenceMs: around.silenceMs },
    })
    return new RelayProcess(relay, clock, store)
  }

  /** `kill -9` */
  kill(): void {
    this.#processClock.dead = true
    this.#store.kill()
    for (const connection of this.connections) connection.serverDied()
    this.connections.clear()
  }

  /** SIGTERM; resolves when the process would exit. */
  async stop(): Promise<void> {
    await this.relay[Symbol.asyncDispose]()
    await this.#store[Symbol.asyncDispose]()
  }
}

function platformOf(clock: Clock, random: SeededRandom): Platform {
  return {
    log,
    metrics,
    clock,
    random,
    bus: createProcessBus(),
    tls: { current: () => ({ cert: '', key: '' }), onChange: () => ({ [Symbol.dispose]: () => undefined }) },
    databaseUrl: '',
    dataDir: '',
    domains: ['localhost'],
    bind: '',
  }
}

/** What the relay itself calls a bug is one here, unless a fault that was put in came through. */
function watchedEvents(onBug: Surroundings['onBug']): XmppEvents {
  const report = (what: string) => (error: unknown) => reportBug(onBug, what, error)
  return {
    ...createXmppEvents(log, metrics),
    streamCrashed: report('stream crashed'),
    stanzaFailed: report('stanza failed'),
    taskFailed: report('task failed'),
    signInBroken: report('sign-in broken'),
    drainFailed: report('drain failed'),
  }
}

const FAULTS = [FAULT, 'STORE_UNAVAILABLE', 'KEYRING_UNAVAILABLE', 'STORE_CLOSED', 'DB_UNAVAILABLE']

/** One that was put in, and came through. */
export function isFault(error: unknown): boolean {
  return FAULTS.includes(errorCode(error))
}

function reportBug(onBug: Surroundings['onBug'], what: string, error: unknown): void {
  if (!isFault(error)) onBug(what, error)
}
