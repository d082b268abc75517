/**
 * One run: a few accounts with several devices each, a relay, a network and stores that fail, and a script that is all
 * chance. Afterwards everything is healed, everybody drains, and the ledger is checked.
 */
import { createHash } from 'node:crypto'
import type { AccountsDomain } from '@sealpost/accounts'
import { createMemoryAccounts } from '@sealpost/accounts/memory'
import { createProcessBus } from '@sealpost/bus'
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { NS_FORWARD } from '@sealpost/stanza'
import { ACCOUNT_QUEUE } from '../../services/xmpp/src/delivery/device-registry.ts'
import { memoryDeviceStore } from '../../services/xmpp/src/delivery/device-store.memory.ts'
import type { DeviceStore } from '../../services/xmpp/src/delivery/device-store.ts'
import { memoryPepStore } from '../../services/xmpp/src/modules/pep/store.memory.ts'
import { memoryRosterStore } from '../../services/xmpp/src/modules/roster/store.memory.ts'
import { Device, type DeviceWorld, type Traits } from './device.ts'
import { Ledger } from './ledger.ts'
import { type ClientSide, type ClientSocket, type LinkTraits, SimulatedConnection } from './network.ts'
import { isFault, RelayProcess, type Surroundings } from './relay-process.ts'
import { sharedVerifiers } from './scram.ts'
import { messageIdOf, SealedDisk } from './sealed-disk.ts'
import { SeededRandom } from './seeded-random.ts'
import { Trace, Violation } from './trace.ts'

export interface RunResult {
  readonly hash: string
  readonly events: number
  readonly messages: number
  readonly virtualMs: number
}

/** Which misfortunes a run has. Runs that lack some find what would be buried under them. */
interface Mishaps {
  readonly crashes: boolean
  readonly restarts: boolean
  readonly database: boolean
  readonly keyring: boolean
  readonly failedCommits: boolean
  readonly resets: boolean
  readonly freezes: boolean
  readonly slowReaders: boolean
  readonly muteness: boolean
  readonly expiry: boolean
  readonly presence: boolean
  readonly slowStores: boolean
  readonly revocations: boolean
}

/** All that may still time out: connections, and sessions that nobody resumes. */
interface Revocation {
  readonly device: Device
  /** What the relay called it at that time. */
  readonly id: string
  readonly account: string
}

const SETTLE_MS = 240_000
/** A clean stop may take so long, also with a store that is away. */
const STOP_MS = 10_000
const DAY_MS = 86_400_000

export class Simulation implements DeviceWorld {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly trace = new Trace(this.clock)
  readonly ledger = new Ledger(this.clock, this.trace)
  readonly devices: Device[] = []
  readonly #script: SeededRandom
  readonly #network: SeededRandom
  readonly #mishaps: Mishaps
  readonly #link: LinkTraits
  readonly #around: Surroundings
  readonly #registered = new Set<string>()
  /** Those that have not yet taken over the account's queue. */
  readonly #inheriting = new Set<string>()
  readonly #accountIds = new Map<string, string>()
  readonly #accountNames: string[]
  #process: RelayProcess | undefined

  private constructor(seed: number, accounts: AccountsDomain) {
    this.random = new SeededRandom(seed, 1)
    this.#script = new SeededRandom(seed, 2)
    this.#network = new SeededRandom(seed, 3)
    const script = this.#script
    this.#mishaps = chooseMishaps(script)
    this.#link = {
      latencyMs: script.pick([2, 20, 200]) ?? 2,
      pieceMax: script.pick([40, 700, 20_000]) ?? 700,
      congestedBytes: script.pick([2_000, 20_000, 262_144]) ?? 2_000,
    }
    this.#accountNames = Array.from({ length: script.int(1, 3) }, (_, index) => `u${index}`)
    const devices = memoryDeviceStore(this.clock, this.random)
    this.#around = {
      clock: this.clock,
      random: new SeededRandom(seed, 4),
      weather: { delayMs: this.#mishaps.slowStores ? 60 : 3, away: false },
      accounts,
      disk: new SealedDisk(new SeededRandom(seed, 5), this.ledger),
      devices: this.#watched(devices),
      rosters: memoryRosterStore(),
      pep: memoryPepStore(),
      messageTtlSeconds: (14 * DAY_MS) / 1000,
      resumeTimeoutMs: script.pick([5_000, 30_000, 60_000]) ?? 30_000,
      silenceMs: script.pick([8_000, 40_000]) ?? 8_000,
      onBug: (what, error) => {
        const stack = error instanceof Error ? error.stack : String(error)
        this.trace.violation ??= new Violation(this.trace, `${what}: ${stack}`, [])
      },
    }
  }

  /** Runs a seed; throws a Violation when a check fails. */
  static async run(seed: number, steps: number): Promise<RunResult> {
    const random = new SeededRandom(seed, 0)
    const clock = new VirtualClock()
    await using accounts = createMemoryAccounts({ bus: createProcessBus(), clock, random })
    const simulation = new Simulation(seed, accounts)
    await simulation.#populate(accounts)
    await simulation.#startRelay()
    for (let step = 1; step <= steps; step++) {
      simulation.trace.step = step
      await simulation.#step()
    }
    await simulation.#finish()
    return {
      hash: simulation.trace.digest(),
      events: simulation.trace.length,
      messages: simulation.ledger.messages.size,
      virtualMs: simulation.clock.monotonic(),
    }
  }

  async #populate(accounts: AccountsDomain): Promise<void> {
    const script = this.#script
    for (const name of this.#accountNames) {
      const account = await accounts.create(parseJid(`${name}@localhost`), undefined)
      await accounts.setVerifiers(account.id, await sharedVerifiers())
      this.#accountIds.set(name, account.id)
      const count = script.int(1, 4)
      for (let index = 0; index < count; index++) {
        const traits = chooseTraits(script, index)
        this.devices.push(new Device(this, `${name}/${index}`, name, traits))
      }
    }
    this.trace.add('script', JSON.stringify({ mishaps: this.#mishaps, link: this.#link }))
    for (const { name, traits } of this.devices) this.trace.add(name, JSON.stringify(traits))
  }

  async #startRelay(): Promise<void> {
    for (const device of this.devices) {
      if (this.#inheriting.has(this.#identityOf(device))) device.takesTwiceBelow = Infinity
    }
    try {
      this.#process = await RelayProcess.start(this.#around)
    } catch (error) {
      if (!isFault(error)) throw error
      this.trace.add('relay', 'cannot start')
      return this.#startSoon()
    }
    this.#lives++
    this.trace.add('relay', 'starts')
    for (const revocation of this.#revoking) this.#revokeAgain(revocation)
  }

  /** How often the relay has started. */
  #lives = 0

  // What devices see of the world.

  get relayLife(): number | undefined {
    const { database, keyring, failedCommits } = this.#mishaps
    return database || keyring || failedCommits ? undefined : this.#lives
  }

  connect(device: Device, client: ClientSide): ClientSocket | undefined {
    const process = this.#process
    if (!process) return undefined
    const server = {
      clock: process.clock,
      accept: (connection: SimulatedConnection) => process.relay.accept(connection),
      wrote: (xml: string) => this.#wrote(device, xml),
    }
    const connection = new SimulatedConnection(this.clock, this.#network, this.#link, { server, client })
    process.connections.add(connection)
    this.#connections.set(device, connection)
    return connection.client
  }

  readonly #connections = new Map<Device, SimulatedConnection>()

  #wrote(device: Device, xml: string): void {
    if (xml.startsWith('<resumed')) device.resumptionTaken()
    if (!xml.startsWith('<message') || xml.includes(`type='error'`)) return
    if (xml.includes(NS_FORWARD) && device.session?.tracked === false) return // worth nothing to the relay either
    const id = messageIdOf(xml.slice(xml.lastIndexOf('<message')))
    const stamp = /<delay [^>]*from='localhost' stamp='([^']+)'/.exec(xml)?.[1]
    this.trace.add(device.name, `is sent ${id}`)
    if (id !== undefined) this.ledger.written(device, id, stamp === undefined ? undefined : Date.parse(stamp))
  }

  isRegistered(device: Device): boolean {
    return this.#registered.has(this.#identityOf(device))
  }

  obliged(sender: Device, account: string, resource: string | undefined): ReadonlySet<Device> {
    const registered = this.devices.filter((device) => device.registeredSince !== undefined)
    const copied = (device: Device) => device.carbonsSince !== undefined && device !== sender
    return new Set(
      registered.filter((device) => {
        if (device.account === account && resource === undefined) return true
        if (device.account === account) return device.traits.resource === resource || copied(device)
        return device.account === sender.account && copied(device)
      }),
    )
  }

  /** How the registry names a resource. */
  #identityOf({ account, traits }: Device): string {
    const id = this.#accountIds.get(account) ?? ''
    return createHash('sha256')
      .update(`${id}\0resource\0${traits.resource ?? ''}`)
      .digest('hex')
  }

  /** Knows who is registered, and tells devices that had to make room. */
  #watched(store: DeviceStore): DeviceStore {
    const identities = new Map<string, string>()
    return {
      ...store,
      signIn: async (accountId, identity, cap, atOnce) => {
        const result = await store.signIn(accountId, identity, cap, atOnce)
        identities.set(result.device.id, identity.toString('hex'))
        for (const device of this.devices)
          if (this.#identityOf(device) === identity.toString('hex')) device.relayId = result.device.id
        if (result.device.registered) this.#registered.add(identity.toString('hex'))
        if (result.device.inherits) this.#inheriting.add(identity.toString('hex'))
        for (const id of result.dropped) this.#forget(identities.get(id) ?? '')
        return result
      },
      remove: async (accountId, deviceId) => {
        const known = await store.remove(accountId, deviceId)
        if (known) this.#forget(identities.get(deviceId) ?? '')
        return known
      },
      inherited: async (accountId, deviceId) => {
        await store.inherited(accountId, deviceId)
        this.#inheriting.delete(identities.get(deviceId) ?? '')
        for (const device of this.devices) {
          if (this.#identityOf(device) === identities.get(deviceId) && device.takesTwiceBelow === Infinity)
            device.takesTwiceBelow = this.ledger.messages.size
        }
      },
    }
  }

  #forget(identity: string): void {
    this.#registered.delete(identity)
    for (const device of this.devices) if (this.#identityOf(device) === identity) device.forgotten()
  }

  // The script.

  async #step(): Promise<void> {
    const script = this.#script
    const roll = script.int(0, 99)
    if (roll < 55) this.#talk()
    else if (roll < 85) this.#move()
    else await this.#interfere()
    await this.#pass(this.#pause())
  }

  #pause(): number {
    const script = this.#script
    const roll = script.int(0, 99)
    if (roll < 60) return script.int(0, 30)
    if (roll < 88) return script.int(30, 500)
    if (roll < 98) return script.int(500, 5_000)
    return script.int(5_000, 50_000)
  }

  async #pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
    if (this.trace.violation) throw this.trace.violation
  }

  #talk(): void {
    const script = this.#script
    const sender = script.pick(this.devices.filter(({ phase }) => phase === 'up'))
    if (!sender) return
    const count = script.chance(0.15) ? script.int(5, 40) : 1
    for (let index = 0; index < count; index++) {
      const account = script.pick(this.#accountNames) ?? ''
      const to = script.chance(0.2)
        ? script.pick(this.devices.filter((each) => each.account === account))
        : undefined
      const resource = to === undefined || to.boundResource === '' ? undefined : to.boundResource
      const ttl = this.#mishaps.expiry && script.chance(0.3) ? script.int(1, 60) : undefined
      sender.send(account, resource, ttl, this.#around.messageTtlSeconds)
    }
    if (script.chance(0.3)) sender.ask()
  }

  #move(): void {
    const script = this.#script
    const device = script.pick(this.devices)
    if (!device) return
    if (device.phase === 'offline') {
      device.wanted = script.chance(0.9)
      device.mute = this.#mishaps.muteness && script.chance(0.2)
      return device.connect()
    }
    const roll = script.int(0, 99)
    const { resets, freezes, slowReaders, presence } = this.#mishaps
    if (roll < 20 && resets) device.drop(true, 'loses its connection')
    else if (roll < 35 && freezes) device.drop(false, 'vanishes')
    else if (roll < 45) device.close()
    else if (roll < 55) device.kill()
    else if (roll < 65 && freezes) this.#for(script.int(50, 20_000), (on) => device.freeze(on))
    else if (roll < 75 && slowReaders) this.#for(script.int(50, 10_000), (on) => device.read(!on))
    else if (roll < 82 && presence) this.#for(script.int(10, 3_000), (on) => device.available(!on))
    else if (roll < 90 && resets) this.#reset(device)
    else if (roll < 95) device.ask()
    else device.acknowledge()
  }

  #reset(device: Device): void {
    this.trace.add(device.name, 'its connection is reset')
    this.#connections.get(device)?.reset()
  }

  #for(ms: number, change: (on: boolean) => void): void {
    change(true)
    this.clock.after(ms, () => change(false))
  }

  async #interfere(): Promise<void> {
    const { disk, weather } = this.#around
    const { crashes, restarts, database, keyring, failedCommits, revocations } = this.#mishaps
    const roll = this.#script.int(0, 99)
    if (roll < 25 && crashes) this.#crash()
    else if (roll < 40 && restarts) await this.#restart()
    else if (roll < 60 && database) {
      const wholly = this.#script.chance(0.5) // or only the sealed rows, as behind a lock
      this.#outage('database', (away) => {
        disk.databaseAway = away
        weather.away = away && wholly
      })
    } else if (roll < 75 && keyring) this.#outage('keyring', (away) => void (disk.keyringAway = away))
    else if (roll < 80 && revocations) this.#revoke(this.#script.pick(this.devices))
    else if (roll < 87) disk.failureRate = failedCommits ? this.#script.fraction() * 0.2 : 0
    else disk.delayMs = this.#script.pick([2, 10, 200]) ?? 2
  }

  /** Its owner has a device forgotten, and tries again until the relay says that it is. */
  #revoke(device: Device | undefined): void {
    if (!device || device.relayId === '') return
    device.revoked = true
    const account = this.#accountIds.get(device.account) ?? ''
    const revocation = { device, id: device.relayId, account }
    this.#revoking.add(revocation)
    this.#revokeAgain(revocation)
  }

  readonly #revoking = new Set<Revocation>()

  #revokeAgain(revocation: Revocation): void {
    const process = this.#process
    if (!process || !this.#revoking.has(revocation)) return
    const { device, id, account } = revocation
    this.trace.add(device.name, 'is to be revoked')
    process.relay.port.revokeDevice(account, id).then(
      () => this.#revoked(process, revocation),
      () => this.clock.after(1_000, () => process === this.#process && this.#revokeAgain(revocation)),
    )
  }

  #revoked(process: RelayProcess, revocation: Revocation): void {
    const { device, id, account } = revocation
    if (process !== this.#process || !this.#revoking.delete(revocation)) return
    this.trace.add(device.name, 'is revoked')
    device.revocationEnded()
    if (this.#around.disk.waitingFor(account, id) === 0) return
    this.trace.violation ??= new Violation(this.trace, 'messages wait for a revoked device', [device.name])
  }

  #outages = 0

  #outage(what: string, change: (away: boolean) => void): void {
    this.#outages++
    const long = this.#script.chance(0.3) ? 25_000 : 1_000
    this.trace.add('store', `${what} is away`)
    this.#for(this.#script.int(10, long), (away) => {
      if (!away) this.trace.add('store', `${what} is back`)
      change(away)
    })
  }

  #crash(): void {
    if (!this.#process) return
    this.trace.add('relay', 'is killed')
    this.#promiseNothing()
    this.#process.kill()
    this.#process = undefined
    this.#around.disk.crash()
    this.#startSoon()
  }

  async #restart(): Promise<void> {
    const process = this.#process
    if (!process) return
    this.trace.add('relay', 'stops')
    this.#promiseResumption()
    this.#process = undefined
    const outages = this.#outages
    const stopping = { done: false }
    const stopped = process.stop().then(() => (stopping.done = true))
    for (let waited = 0; !stopping.done; waited += 20) {
      if (waited > STOP_MS) throw new Violation(this.trace, 'the relay does not stop', [])
      await this.#pass(20)
    }
    await stopped
    if (this.#outages !== outages) this.#promiseNothing()
    process.kill()
    this.#around.disk.crash()
    this.#startSoon()
  }

  /** Who is connected and may resume must be able to, when the store works. */
  #promiseResumption(): void {
    const { disk, resumeTimeoutMs } = this.#around
    if (disk.databaseAway || disk.keyringAway || disk.failureRate > 0) return this.#promiseNothing()
    for (const device of this.devices) {
      const isHere = device.phase === 'up' && this.#connections.get(device)?.open === true
      if (!isHere || device.session?.previd === undefined) continue
      device.session.resumableUntilMs = this.clock.now() + resumeTimeoutMs
    }
  }

  #promiseNothing(): void {
    for (const { session } of this.devices) if (session) session.resumableUntilMs = 0
  }

  #startSoon(): void {
    this.clock.after(this.#script.int(0, 2_000), () => void this.#startRelay())
  }

  // The end.

  async #finish(): Promise<void> {
    this.trace.step++
    this.trace.add('script', 'everything is healed')
    const { disk, weather } = this.#around
    Object.assign(disk, { databaseAway: false, keyringAway: false, failureRate: 0, delayMs: 4 })
    Object.assign(weather, { away: false, delayMs: 3 })
    await this.#pass(60_000)
    for (const device of this.devices) await this.#drain(device)
    await this.#pass(5_000)
    this.#checkDrained()
    for (const name of this.#accountNames) await this.#drainAccountQueue(name)
    await this.#pass(5_000)
    this.#checkDrained()
    this.#checkSafe()
    this.ledger.check(this.devices)
    for (const device of this.devices) device.close()
    await this.#pass(SETTLE_MS)
    this.#checkNothingKept()
  }

  /** Nothing waits for who is here. */
  #checkDrained(): void {
    const { disk } = this.#around
    for (const device of this.devices) {
      const { account, session, relayId } = device
      const id = this.#accountIds.get(account) ?? ''
      if (device.phase !== 'up' || !session) continue
      const waiting = disk.waitingFor(id, session.tracked ? relayId : ACCOUNT_QUEUE)
      if (waiting > 0) throw new Violation(this.trace, `${waiting} wait although it is here`, [device.name])
    }
  }

  async #drain(device: Device): Promise<void> {
    device.wanted = true
    device.mute = false
    device.freeze(false)
    device.read(true)
    for (let attempt = 0; attempt < 20; attempt++) {
      device.connect()
      await this.#pass(5_000)
      if (device.phase === 'up') break
    }
    if (device.phase !== 'up') throw new Violation(this.trace, 'cannot sign in', [device.name])
    device.available(true)
    device.acknowledge()
    await this.#pass(5_000)
    device.ask()
  }

  async #drainAccountQueue(account: string): Promise<void> {
    const traits = { resource: undefined, streamManagement: true, resumes: false, carbons: false }
    const device = new Device(this, `${account}/last`, account, {
      ...traits,
      pipelines: false,
      ackDelayMs: 1,
    })
    this.devices.push(device)
    await this.#drain(device)
  }

  /** Every sender knows that all it sent is safe. */
  #checkSafe(): void {
    for (const device of this.devices) {
      if (device.awaitsAcknowledgement) throw new Violation(this.trace, 'h stays behind', [device.name])
    }
  }

  #checkNothingKept(): void {
    const { rows } = this.#around.disk
    const load = this.#process?.relay.load ?? { sessions: 0, queues: 0 }
    const kept = { rows: rows.size, ...load }
    if (kept.rows + kept.sessions + kept.queues === 0) return
    throw new Violation(
      this.trace,
      `kept: ${JSON.stringify(kept)}`,
      this.devices.map(({ name }) => name),
    )
  }
}

function chooseMishaps(script: SeededRandom): Mishaps {
  const often = () => script.chance(0.5)
  return {
    crashes: script.chance(0.3),
    restarts: script.chance(0.3),
    database: script.chance(0.3),
    keyring: script.chance(0.3),
    failedCommits: script.chance(0.3),
    resets: script.chance(0.8),
    freezes: often(),
    slowReaders: often(),
    muteness: often(),
    expiry: often(),
    presence: often(),
    slowStores: often(),
    revocations: script.chance(0.3),
  }
}

function chooseTraits(script: SeededRandom, index: number): Traits {
  return {
    resource: script.chance(0.8) ? `r${index}` : undefined,
    streamManagement: script.chance(0.8),
    resumes: script.chance(0.8),
    carbons: script.chance(0.6),
    pipelines: script.chance(0.5),
    ackDelayMs: script.pick([1, 30, 100, 2_000]) ?? 1,
  }
}
