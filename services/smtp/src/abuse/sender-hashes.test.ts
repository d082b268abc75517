import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { expect, onTestFinished, test } from 'vitest'
import { SenderHashes } from './sender-hashes.ts'

const PERIOD_MS = 30 * 86_400_000

test('a stranger is known for a period and the one after, then no more; another server knows them by another hash', async () => {
  const folders = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), 'senders-'))))
  onTestFinished(async () => void (await Promise.all(folders.map((each) => rm(each, { recursive: true })))))
  const clock = new VirtualClock(100 * PERIOD_MS)
  const [ours, others] = await Promise.all(
    folders.map((each) => SenderHashes.open(each, clock, systemRandom)),
  )
  const seen = () => ours?.hash('192.0.2.0', 'ann@example.com').map((each) => each.toString('hex')) ?? []
  const [first = ''] = seen()
  expect(others?.hash('192.0.2.0', 'ann@example.com')[0].toString('hex')).not.toBe(first)
  await clock.advance(PERIOD_MS)
  expect(seen()[1]).toBe(first)
  await clock.advance(PERIOD_MS)
  expect(seen()).not.toContain(first)
})
