/**
 * Volumes are full, Postgres is away or stands still, while letters come in: what was accepted is delivered once, all else was refused for a time, and everything
 * flows again by itself. OUTAGE_SECONDS says how long Postgres is away, and volumes are
 * filled with WHOLE=1 only (docs/faults.md).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exhaustWal } from './exhaust-wal.ts'
import { type Letter, MailScene } from './mail-scene.ts'
import { MailTraffic } from './mail-traffic.ts'
import { FaultyPostgres } from './postgres.ts'
import { temporaryDirectory } from './scene.ts'
import { postgresOn, SmallVolume, whyNoVolume } from './small-volume.ts'
import { StandingServer } from './standing-server.ts'

const MIB = 1024 * 1024
const OUTAGE_MS = Number(process.env['OUTAGE_SECONDS'] ?? 1) * 1000
/** So many letters show that something works. */
const SOME = 10
const LARGE = 300_000
/** The spool leaves so much to others. */
const SPARED = 256 * MIB
/** For a time: what a client tries again. */
const LATER = /^4\d\d$|^gone$/

const whyNot = await whyNoVolume()
const onVolumes = test.skipIf(whyNot !== undefined || process.env['WHOLE'] === undefined)
const because = whyNot === undefined ? '' : ` (skipped: ${whyNot})`

let remote: StandingServer
beforeEach(async () => {
  remote = await StandingServer.open()
})
afterEach(() => remote[Symbol.asyncDispose]())

const settings = () => ({
  SMTP_ROUTES: `example.com=${remote.place}`,
  SMTP_MESSAGES_PER_HOUR: '1000000',
  SMTP_MESSAGES_PER_DAY: '1000000',
  SMTP_RECIPIENTS_PER_HOUR: '1000000',
  SMTP_RECIPIENTS_PER_DAY: '1000000',
})

/** How often each of these came. */
async function timesOf(scene: MailScene, letters: readonly Letter[]): Promise<Set<number>> {
  await scene.settled(30_000)
  const came = [...remote.mails, ...(await scene.read('bob'))]
  return new Set(letters.map(({ id }) => came.filter((mail) => mail.includes(`Subject: ${id}\r\n`)).length))
}

const isMore = (list: readonly unknown[], than: number): Promise<void> =>
  expect.poll(() => list.length, { timeout: 30_000 }).toBeGreaterThan(than + SOME)

/** The reply to the last line. Who was told 250 is in the list. */
async function handIn(scene: MailScene, accepted: Letter[], bytes?: number): Promise<string> {
  const letter = scene.letter('ann@example.com', bytes)
  using client = await scene.begin(letter)
  const reply = await client.ask('.')
  if (reply.startsWith('250')) accepted.push(letter)
  return reply
}

onVolumes(
  `the volume of keyring and spool is full: 452 or 451, what waits goes out, space is enough to go on${because}`,
  async () => {
    await using volume = await SmallVolume.mount(SPARED + 16 * MIB)
    await using scene = await MailScene.set({ people: ['bob'], settings: settings(), volume: volume.path })
    const letters: Letter[] = []
    await volume.fill() // before the first slots of the keyring are allotted
    expect(await handIn(scene, letters)).toMatch(/^45[12] 4\.3\.[01]/)
    await volume.free()
    await expect.poll(() => handIn(scene, letters)).toMatch(/^250/)
    remote.refuse = () => ({ code: 451, text: '4.3.0 later' })
    expect(await handIn(scene, letters)).toMatch(/^250/)
    await volume.fill()
    remote.refuse = undefined
    await scene.settled()
    await volume.free()
    await volume.fill(SPARED - 1)
    expect(await handIn(scene, letters, LARGE)).toMatch(/^452 4\.3\.1/)
    expect(await handIn(scene, letters)).toMatch(/^250/)
    await volume.free()
    expect(await handIn(scene, letters, LARGE)).toMatch(/^250/)
    expect(await timesOf(scene, letters)).toEqual(new Set([1]))
  },
)

/** Everything that was accepted came once, and all else may be tried again. */
async function hasLostNothing(scene: MailScene, traffic: MailTraffic): Promise<void> {
  await traffic.stop()
  const { accepted, refused } = traffic
  process.stdout.write(`${String(accepted.length)} accepted, ${JSON.stringify(countOf(refused))}\n`)
  expect(refused.filter((code) => !LATER.test(code))).toEqual([])
  expect(await timesOf(scene, accepted)).toEqual(new Set([1]))
}

function countOf(codes: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(codes)].map((code) => [code, codes.filter((each) => each === code).length]),
  )
}

const RECIPIENTS = ['ann@example.com', 'bob@localhost']

onVolumes(
  `the volume of Postgres is full, for its tables, and then for its WAL: 45x, no loss, space is enough to go on${because}`,
  async () => {
    await using directory = await temporaryDirectory()
    await using volume = await SmallVolume.mount(192 * MIB)
    await using postgres = await postgresOn(volume, directory.path)
    await using scene = await MailScene.set({
      people: ['bob'],
      settings: settings(),
      databaseUrl: postgres.url,
    })
    await using traffic = new MailTraffic(scene, RECIPIENTS)
    await isMore(traffic.accepted, 0)
    await volume.fill()
    await isMore(traffic.refused, traffic.refused.length)
    await volume.free()
    await isMore(traffic.accepted, traffic.accepted.length)
    await volume.fill()
    await exhaustWal(postgres)
    await isMore(traffic.refused, traffic.refused.length)
    await volume.free()
    await isMore(traffic.accepted, traffic.accepted.length)
    await hasLostNothing(scene, traffic)
  },
)

test(
  `Postgres is stopped (-m immediate), then stands still, for ${String(OUTAGE_MS / 1000)} s each: 45x or later, no loss`,
  { timeout: 60_000 + 5 * OUTAGE_MS },
  async () => {
    await using directory = await temporaryDirectory()
    await using postgres = await FaultyPostgres.start(directory.path)
    await using scene = await MailScene.set({
      people: ['bob'],
      settings: settings(),
      databaseUrl: postgres.url,
    })
    await using traffic = new MailTraffic(scene, RECIPIENTS)
    for (const [begin, end] of [
      [() => postgres.stop(), () => postgres.restart()],
      [() => postgres.freeze(), () => postgres.thaw()],
    ] as const) {
      await isMore(traffic.accepted, traffic.accepted.length)
      await begin()
      await pause(OUTAGE_MS)
      await end()
    }
    await isMore(traffic.accepted, traffic.accepted.length)
    await hasLostNothing(scene, traffic)
  },
)
