/** Rounds of traffic, each of which ends with `kill -9` of the relay at a random moment; devices go on where the last round left them. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { SeededRandom } from '../sim/seeded-random.ts'
import { Broken, type Device } from './device.ts'
import { RelayProcess } from './relay-process.ts'
import type { Scene } from './scene.ts'

export const PHASES = ['live', 'offline', 'drain', 'resume', 'expiry'] as const
type Phase = (typeof PHASES)[number]

/** Comes every few rounds only: what is sent to it meanwhile waits, or expires. */
const SLEEPER = 'erin'
const SLEEPER_ROUNDS = 6
const ACCOUNTS = ['alice', 'bob', 'carol', 'dave']
const TRAITS = [
  { name: 'phone', modern: true },
  { name: 'laptop', modern: false },
  { name: 'tablet', modern: true },
]
export const DEVICES = Object.fromEntries([...ACCOUNTS, SLEEPER].map((account) => [account, TRAITS]))
/** How many of the devices come in a round. */
const PRESENT = 0.6
/** How many of those do not acknowledge. */
const MUTE = 0.15
/** Waits for an account before its devices come and drain it. */
const BACKLOG = 120
/** From the beginning of a phase's traffic to the kill, at most. */
const KILL_MS: Readonly<Record<Phase, number>> = {
  live: 300,
  offline: 300,
  drain: 250,
  resume: 400,
  expiry: 1_500,
}
/** Some moments are in the reconnection of everybody, where the rounds before left their traces. */
const EARLY = 0.2
const EARLY_MS = 250

interface Round {
  readonly relay: RelayProcess
  readonly present: readonly Device[]
  /** Its devices are away at first. */
  readonly target: string
  readonly killSoon: () => void
}

export class Campaign implements AsyncDisposable {
  readonly killed: Record<Phase, number> = { live: 0, offline: 0, drain: 0, resume: 0, expiry: 0 }
  /** What went wrong while the relay was alive. */
  readonly surprises: unknown[] = []
  readonly #scene: Scene
  readonly #random: SeededRandom
  #relay: RelayProcess
  #next: RelayProcess
  #rounds = 0

  constructor(scene: Scene, seed: number) {
    this.#scene = scene
    this.#random = new SeededRandom(seed)
    this.#next = new RelayProcess(scene.where)
    this.#relay = this.#next
  }

  async register(): Promise<void> {
    await this.#startRelay()
    await this.#scene.people.register(this.#relay.port)
    await this.#relay.end()
  }

  async round(phase: Phase): Promise<void> {
    this.#rounds++
    await this.#startRelay()
    const relay = this.#relay
    const target = this.#pick(ACCOUNTS)
    const early = this.#random.chance(EARLY)
    const withinMs = this.#random.fraction() * (early ? EARLY_MS : KILL_MS[phase])
    const killed = Promise.withResolvers<void>()
    const killSoon = () =>
      void pause(withinMs)
        .then(() => relay.kill())
        .then(killed.resolve, killed.reject)
    if (early) killSoon()
    const away = phase === 'offline' || phase === 'drain' ? target : undefined
    const sleeps = this.#rounds % SLEEPER_ROUNDS !== 0
    if (sleeps) this.#scene.people.away.add(SLEEPER)
    else this.#scene.people.away.delete(SLEEPER)
    const present = this.#scene.people.devices.filter(
      ({ account }) => account !== away && !(sleeps && account === SLEEPER) && this.#random.chance(PRESENT),
    )
    await this.#upTo(relay, async () => {
      await this.#connect(present)
      for (const device of present) device.mute(this.#random.chance(MUTE))
      await this.#run(phase, { relay, present, target, killSoon: early ? () => undefined : killSoon })
    })
    if (relay.killedAtMs === undefined && !early) killSoon() // a surprise came before it
    await killed.promise
    await Promise.all(present.map((device) => device.gone()))
    this.killed[phase]++
  }

  /** Everybody comes, sends again what is not safe, and takes what there is. */
  async settle(): Promise<void> {
    await this.#startRelay()
    this.#scene.people.away.clear()
    await this.#connect(this.#scene.people.devices)
    await expect.poll(() => this.#scene.people.unsafe, { timeout: 60_000 }).toBe(0)
    await expect.poll(() => this.#scene.people.ledger.outstanding, { timeout: 60_000 }).toBe(0)
    for (const device of this.#scene.people.devices) await device.ping()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay.kill()
    await this.#next.kill()
  }

  /** The next process takes over; the one after it loads its program meanwhile. */
  async #startRelay(): Promise<void> {
    this.#relay = this.#next
    this.#next = new RelayProcess(this.#scene.where)
    await this.#relay.start()
  }

  async #connect(devices: readonly Device[]): Promise<void> {
    await Promise.all(devices.map((device) => device.connect(this.#relay.port)))
  }

  async #run(phase: Phase, round: Round): Promise<void> {
    const { relay, present, target, killSoon } = round
    if (phase === 'drain') await this.#fill(round)
    killSoon()
    const everybody = [...ACCOUNTS, SLEEPER]
    if (phase === 'live') return this.#traffic(relay, present, everybody)
    if (phase === 'offline') return this.#traffic(relay, present, [target, SLEEPER])
    if (phase === 'expiry') return this.#expiring(round)
    const chatter = this.#traffic(relay, present, everybody)
    if (phase === 'drain')
      await this.#connect(this.#scene.people.devices.filter(({ account }) => account === target))
    else await this.#breaking(relay, present)
    await chatter
  }

  /** A backlog that is safe. */
  async #fill({ relay, present, target }: Round): Promise<void> {
    for (let count = 0; count < BACKLOG; count++) this.#pick(present).send(target)
    while (relay.killedAtMs === undefined && present.some(({ unsafe }) => unsafe > 0)) await pause(5)
  }

  async #traffic(
    relay: RelayProcess,
    senders: readonly Device[],
    accounts: readonly string[],
    ttlSeconds?: number,
  ): Promise<void> {
    while (relay.killedAtMs === undefined) {
      for (const sender of senders) {
        const to = this.#pick(accounts)
        if (to !== sender.account && this.#random.chance(0.4)) sender.send(to, ttlSeconds)
      }
      await pause(5)
    }
  }

  /** Messages that fall due before the kill, after it, and while nobody takes them. */
  async #expiring({ relay, present, target }: Round): Promise<void> {
    for (const device of present) if (device.account === target) device.mute(this.#random.chance(0.5))
    const senders = present.filter(() => this.#random.chance(0.3))
    await Promise.all([
      this.#traffic(relay, senders, [target, SLEEPER], 1),
      this.#traffic(relay, senders, [target, SLEEPER], 2),
      this.#traffic(relay, senders, [target, SLEEPER]),
    ])
  }

  /** Connections break, and are resumed. */
  async #breaking(relay: RelayProcess, devices: readonly Device[]): Promise<void> {
    while (relay.killedAtMs === undefined) {
      const broken = devices.filter(() => this.#random.chance(0.3))
      await Promise.all(
        broken.map(async (device) => {
          await device.drop()
          await pause(this.#random.fraction() * 40)
          await device.connect(relay.port)
        }),
      )
    }
  }

  /** What breaks because the relay is killed is no surprise. */
  async #upTo(relay: RelayProcess, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (relay.killedAtMs === undefined || !(error instanceof Broken)) this.surprises.push(error)
    }
  }

  #pick<T>(list: readonly T[]): T {
    const [first] = list
    const picked = this.#random.pick(list) ?? first
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
}
