import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { expect, onTestFinished, test } from 'vitest'
import { SenderHashes } from './sender-hashes.ts'

const HOUR_MS = 3_600_000
const PERIOD_MS = 30 * 24 * HOUR_MS
const FILE = 'smtp-senders.key'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'senders-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

async function open(path: string, clock: VirtualClock): Promise<SenderHashes> {
  const hashes = await SenderHashes.open(path, clock, systemRandom)
  onTestFinished(() => hashes[Symbol.dispose]())
  return hashes
}

const seen = (hashes: SenderHashes): string[] =>
  hashes.hash('192.0.2.0', 'ann@example.com').map((each) => each.toString('hex'))

/** A period on; the file is read and written beside the clock, so that a turn may be left out. */
async function turn(clock: VirtualClock, isTurned: () => boolean | Promise<boolean>): Promise<void> {
  await clock.advance(PERIOD_MS - HOUR_MS)
  const isNow = async (): Promise<boolean> => {
    await clock.advance(HOUR_MS)
    return isTurned()
  }
  await expect.poll(isNow).toBe(true)
}

test('a stranger is known for a period and the one after, then no more, over restarts too; another server knows them by another hash', async () => {
  const [ours, others] = [await folder(), await folder()]
  const clock = new VirtualClock(100 * PERIOD_MS)
  const hashes = await open(ours, clock)
  const [first = ''] = seen(hashes)
  const other = await open(others, clock)
  expect(seen(other)).not.toContain(first)
  other[Symbol.dispose]()

  await turn(clock, () => seen(hashes)[1] === first)
  const again = await open(ours, clock)
  expect(seen(again)).toEqual(seen(hashes))
  again[Symbol.dispose]()
  await turn(clock, () => !seen(hashes).includes(first))
})

test('what is on disk tests no hash that is older than the period before, and is no longer than it was', async () => {
  const path = await folder()
  const clock = new VirtualClock(100 * PERIOD_MS)
  await open(path, clock)
  const text = () => readFile(join(path, FILE), 'utf8')
  const first = await text()
  const { ino } = await stat(join(path, FILE))
  const [, current = '', before = ''] = first.trim().split(' ')
  await turn(clock, async () => !(await text()).includes(before))
  expect((await text()).trim().endsWith(current)).toBe(true)
  await turn(clock, async () => !(await text()).includes(current))
  expect((await text()).length).toBe(first.length)
  expect(await stat(join(path, FILE))).toMatchObject({ ino, mode: 0o100600 })
})

test('a server that was off for long has new keys at once; a clock that goes back over a boundary keeps them, one that was far ahead does not', async () => {
  const path = await folder()
  const at = async (ms: number): Promise<string[]> => seen(await open(path, new VirtualClock(ms)))
  const first = await at(100 * PERIOD_MS)
  const later = await at(107 * PERIOD_MS)
  expect(later.some((each) => first.includes(each))).toBe(false)
  expect(await at(107 * PERIOD_MS - 1)).toEqual(later)
  expect((await at(100 * PERIOD_MS)).some((each) => later.includes(each))).toBe(false)
})

test('a file with one key for ever is overwritten; one that others may read is refused', async () => {
  const path = await folder()
  const former = systemRandom.token(32)
  await writeFile(join(path, FILE), `${former}\n`, { mode: 0o600 })
  const clock = new VirtualClock()
  const hashes = await open(path, clock)
  expect(await readFile(join(path, FILE), 'utf8')).not.toContain(former)
  expect(seen(await open(path, clock))).toEqual(seen(hashes))
  await chmod(join(path, FILE), 0o640)
  await expect(open(path, clock)).rejects.toMatchObject({ code: 'SECRET_FILE_OPEN' })
})
