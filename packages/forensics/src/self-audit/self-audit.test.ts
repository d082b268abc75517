import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { VirtualClock } from '@sealpost/runtime'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { type PlantedCanaries, SelfAudit, type SelfAuditOptions } from './self-audit.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const NOTHING: PlantedCanaries = { taken: [], waiting: [], clear: () => undefined }
/** Nobody finds them. */
const LOST: PlantedCanaries = { ...NOTHING, waiting: [{ ids: [], texts: ['canary'] }] }

let directory: string
let clock: VirtualClock
/** When canaries were planted, in hours. */
let planted: number[]
let next: PlantedCanaries | Error

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'self-audit-'))
  await writeFile(join(directory, 'keyring.slots'), '')
  clock = new VirtualClock()
  planted = []
  next = NOTHING
})

async function open(changes: Partial<SelfAuditOptions> = {}): Promise<SelfAudit> {
  const audit = await SelfAudit.open({
    plant: () => {
      planted.push(clock.monotonic() / HOUR_MS)
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
    },
    keyring: 'xmpp',
    directories: [directory],
    keyringFile: join(directory, 'keyring.slots'),
    recordFile: join(directory, 'record.json'),
    clock,
    log: createLog({ level: 'silent' }),
    metrics: createMetrics(),
    ...changes,
  })
  onTestFinished(async () => {
    await audit[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })
  return audit
}

/** The canaries wait for a checkpoint; then the attacker takes time of its own. */
async function settled(audit: SelfAudit): Promise<string | undefined> {
  await clock.advance(6 * MINUTE_MS)
  await expect.poll(async () => (await audit.state()).running).toBe(false)
  return (await audit.state()).last?.result
}

test('the first is within the hour, the next a week after one that passed and a day after one that did not, over restarts too', async () => {
  const audit = await open()
  await clock.advance(HOUR_MS)
  expect(await settled(audit)).toBe('passed')
  await clock.advance(7 * DAY_MS)
  expect(planted).toEqual([1])
  next = LOST
  await clock.advance(HOUR_MS)
  expect(planted).toEqual([1, 170])
  expect(await settled(audit)).toBe('powerless')
  await audit[Symbol.asyncDispose]()

  next = NOTHING
  const again = await open()
  expect((await again.state()).last?.result).toBe('powerless')
  await clock.advance(DAY_MS - HOUR_MS)
  expect(planted).toEqual([1, 170])
  await clock.advance(HOUR_MS)
  expect(planted).toHaveLength(3)
  expect(await settled(again)).toBe('passed')
})

test('one that comes to nothing is tried again within the hour', async () => {
  const audit = await open()
  next = new Error('the database is away')
  await clock.advance(3 * HOUR_MS)
  expect(planted).toEqual([1, 2, 3])
  expect(await audit.state()).toEqual({ possible: true, running: false, last: undefined })
})

test('begun when asked, one at a time; without files to look at never', async () => {
  const audit = await open()
  expect([await audit.begin(), await audit.begin()]).toEqual([true, false])
  expect((await audit.state()).running).toBe(true)
  expect(await settled(audit)).toBe('passed')
  expect(planted).toEqual([0])

  const blind = await open({ directories: [], recordFile: join(directory, 'other.json') })
  expect([await blind.begin(), (await blind.state()).possible]).toEqual([false, false])
  await clock.advance(2 * DAY_MS)
  expect(planted).toEqual([0])
})
