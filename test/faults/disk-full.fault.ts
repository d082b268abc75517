/** The volume of the keyring, or of Postgres, is full: senders are refused, live traffic goes on, and space brings everything back (docs/faults.md). */
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { EmbeddedPostgres } from '@sealpost/dev-env'
import { expect, test } from 'vitest'
import { exhaustWal } from './exhaust-wal.ts'
import { sending } from './load.ts'
import { RelayProcess } from './relay-process.ts'
import { NOTHING_KEPT, NOTHING_WRONG, Scene, temporaryDirectory } from './scene.ts'
import { postgresOn, SmallVolume, whyNoVolume } from './small-volume.ts'

const MIB = 1024 * 1024
/** So many messages show that something works. */
const SOME = 50
/** What was under way has ended. */
const ONSET_MS = 500
const WAITING_MS = 3_000

const DEVICES = {
  alice: [{ name: 'phone', modern: true }],
  bob: [
    { name: 'phone', modern: true },
    { name: 'laptop', modern: false },
  ],
  carol: [{ name: 'phone', modern: true }],
  dave: [{ name: 'phone', modern: false }],
}

/** Alice writes to Bob, who is here, and Dave to Carol, who is away. */
class Traffic implements AsyncDisposable {
  readonly #scene: Scene
  readonly #load: ReturnType<typeof sending>

  private constructor(scene: Scene) {
    this.#scene = scene
    this.#load = sending([
      [scene.people.device('alice/phone'), 'bob'],
      [scene.people.device('dave/phone'), 'carol'],
    ])
  }

  /** `prepare` runs when everybody is there and nothing has been sent. */
  static async begin(scene: Scene, relay: RelayProcess, prepare: () => Promise<void>): Promise<Traffic> {
    await relay.start()
    await scene.people.register(relay.port)
    for (const name of ['alice/phone', 'bob/phone', 'bob/laptop', 'dave/phone'])
      await scene.people.device(name).connect(relay.port)
    await prepare()
    return new Traffic(scene)
  }

  get #refusals(): number {
    return this.#scene.people.ledger.findings().refused.length
  }

  async isRefused(): Promise<void> {
    const before = this.#refusals
    await expect.poll(() => this.#refusals - before).toBeGreaterThan(SOME)
  }

  async isKept(): Promise<void> {
    const dave = this.#scene.people.device('dave/phone')
    const kept = () => dave.acknowledged - this.#refusals
    const before = kept()
    await expect.poll(() => kept() - before, { timeout: 30_000 }).toBeGreaterThan(SOME)
  }

  /** Nothing is called safe, and nothing refused, while the database may still come back. */
  async waits(): Promise<void> {
    await pause(ONSET_MS)
    const dave = this.#scene.people.device('dave/phone')
    const before = [dave.acknowledged, this.#refusals]
    await pause(WAITING_MS)
    expect([dave.acknowledged, this.#refusals]).toEqual(before)
  }

  async goesOnLive(): Promise<void> {
    const alice = this.#scene.people.device('alice/phone')
    const before = alice.acknowledged
    await expect.poll(() => alice.acknowledged - before).toBeGreaterThan(SOME)
  }

  /** Sends no more; resolves when every sender knows about every message. */
  async stop(): Promise<void> {
    await this.#load.stop()
    await expect.poll(() => this.#scene.people.unsafe).toBe(0)
  }

  /** Everything that was called safe has arrived, everything else was refused in the protocol's words. */
  async hasLostNothing(): Promise<void> {
    const { ledger } = this.#scene.people
    await expect.poll(() => ledger.outstanding).toBe(0)
    const { refused, ...findings } = ledger.findings()
    process.stdout.write(`${JSON.stringify({ refused: refused.length, ...findings })}\n`)
    expect(refused.filter((condition) => condition !== 'resource-constraint')).toEqual([])
    const right = { ...NOTHING_WRONG, sentAgain: 0, unacknowledged: 0, acknowledged: findings.sent }
    expect(findings).toMatchObject(right)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load.stop()
  }
}

const whyNot = await whyNoVolume()
const onVolumes = test.skipIf(whyNot !== undefined)
const because = whyNot === undefined ? '' : ` (skipped: ${whyNot})`

onVolumes(
  `the keyring's volume is full: refusal, no loss, shredding and live traffic go on, recovery without hands${because}`,
  async () => {
    await using volume = await SmallVolume.mount(3 * MIB)
    await using scene = await Scene.set(DEVICES)
    await symlink(volume.path, join(scene.where.dataDir, 'keyring'))
    await using relay = new RelayProcess(scene.where)
    await using traffic = await Traffic.begin(scene, relay, () => volume.fill()) // before the first slots are allotted
    await traffic.isRefused()
    await traffic.goesOnLive()
    await volume.free()
    await traffic.isKept()
    await traffic.stop()
    await volume.fill()
    await scene.people.device('carol/phone').connect(relay.port)
    await traffic.hasLostNothing()
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
  },
)

const FULL = {
  'for its tables: refusal': async (_: EmbeddedPostgres, traffic: Traffic) => traffic.isRefused(),
  'for its WAL: it crashes and cannot start, senders wait': async (
    postgres: EmbeddedPostgres,
    traffic: Traffic,
  ) => {
    await exhaustWal(postgres)
    await traffic.waits()
  },
}

onVolumes.for(Object.entries(FULL))(
  `the volume of Postgres is full %s; no loss, live traffic goes on, recovery without hands${because}`,
  async ([, meanwhile]) => {
    await using directory = await temporaryDirectory()
    await using volume = await SmallVolume.mount(192 * MIB)
    await using postgres = await postgresOn(volume, directory.path)
    await using scene = await Scene.set(DEVICES, postgres.url)
    await using relay = new RelayProcess(scene.where)
    await using traffic = await Traffic.begin(scene, relay, () => Promise.resolve())
    await traffic.isKept()
    await volume.fill()
    await meanwhile(postgres, traffic)
    await traffic.goesOnLive()
    await volume.free()
    await traffic.isKept()
    await traffic.stop()
    await scene.people.device('carol/phone').connect(relay.port)
    await traffic.hasLostNothing()
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
  },
)
