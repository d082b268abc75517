/** Postgres goes, or stands still, under load: OUTAGE_SECONDS says for how long (docs/faults.md). */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Device } from './device.ts'
import { EVERY_MS, sending } from './load.ts'
import { FaultyPostgres } from './postgres.ts'
import { RelayProcess } from './relay-process.ts'
import { NOTHING_KEPT, NOTHING_WRONG, Scene, temporaryDirectory } from './scene.ts'

const OUTAGE_MS = Number(process.env['OUTAGE_SECONDS'] ?? 4) * 1000
/** What was under way when it begins has ended. */
const ONSET_MS = 500

const DEVICES = {
  alice: [{ name: 'phone', modern: true }],
  bob: [
    { name: 'phone', modern: true },
    { name: 'laptop', modern: false },
  ],
  carol: [{ name: 'phone', modern: true }],
  dave: [{ name: 'phone', modern: false }],
  erin: [{ name: 'phone', modern: false }],
  frank: [{ name: 'phone', modern: true }],
}

const NEWCOMERS = ['erin/phone', 'frank/phone']
/** What a client waits for at most. */
const ANSWER_MS = 15_000

const OUTAGES = {
  'is stopped (-m immediate)': {
    begin: (postgres: FaultyPostgres) => postgres.stop(),
    end: (postgres: FaultyPostgres) => postgres.restart(),
  },
  'stands still (SIGSTOP)': {
    begin: (postgres: FaultyPostgres) => postgres.freeze(),
    end: (postgres: FaultyPostgres) => postgres.thaw(),
  },
}

test.for(Object.entries(OUTAGES))(
  `Postgres %s for ${OUTAGE_MS / 1000} s under load: streams stay, h waits, live traffic goes on, nothing is lost`,
  { timeout: 60_000 + 3 * OUTAGE_MS },
  async ([, { begin, end }]) => {
    await using directory = await temporaryDirectory()
    await using postgres = await FaultyPostgres.start(directory.path)
    await using scene = await Scene.set(DEVICES, postgres.url)
    await using relay = new RelayProcess(scene.where)
    await relay.start()
    await scene.people.register(relay.port)
    const here = ['alice/phone', 'bob/phone', 'bob/laptop', 'dave/phone'].map((name) =>
      scene.people.device(name),
    )
    for (const device of here) await device.connect(relay.port)
    const [alice, dave] = [scene.people.device('alice/phone'), scene.people.device('dave/phone')]
    await using load = sending([
      [alice, 'bob'],
      [dave, 'carol'],
    ])
    await expect.poll(() => Math.min(alice.acknowledged, dave.acknowledged)).toBeGreaterThan(20)

    await begin(postgres)
    await pause(ONSET_MS)
    const newcomers = NEWCOMERS.map((name) => signInOutcome(scene.people.device(name), relay.port))
    const before = { live: alice.acknowledged, kept: dave.acknowledged }
    await pause(OUTAGE_MS - ONSET_MS)
    expect(alice.acknowledged - before.live).toBeGreaterThan((OUTAGE_MS - ONSET_MS) / EVERY_MS / 4)
    expect(dave.acknowledged).toBe(before.kept)
    expect(here.map(({ up }) => up)).toEqual(here.map(() => true))
    await end(postgres)

    for (const outcome of await Promise.all(newcomers))
      expect(outcome).toMatch(/^(served|temporary-auth-failure)$/)
    for (const name of NEWCOMERS) await scene.people.device(name).connect(relay.port)
    await load.stop()
    await expect.poll(() => scene.people.unsafe).toBe(0)
    expect(here.map(({ up }) => up)).toEqual(here.map(() => true))
    await scene.people.device('carol/phone').connect(relay.port)
    await expect.poll(() => scene.people.ledger.outstanding).toBe(0)
    const findings = scene.people.ledger.findings()
    process.stdout.write(
      `${JSON.stringify({ liveMeanwhile: alice.acknowledged - before.live, ...findings })}\n`,
    )
    expect(findings).toMatchObject({
      ...NOTHING_WRONG,
      refused: [],
      sentAgain: 0,
      unacknowledged: 0,
      acknowledged: findings.sent,
    })
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
  },
)

/** The answer, and that it did not take too long. */
async function signInOutcome(device: Device, port: number): Promise<string> {
  const began = performance.now()
  const outcome = await device.connect(port).then(
    () => 'served',
    (error: unknown) => /temporary-auth-failure/.exec(String(error))?.[0] ?? String(error),
  )
  return performance.now() - began < ANSWER_MS ? outcome : `${outcome}, too late`
}
