import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createQueueFixture, newMail, type QueueFixture } from '../queue/_fixture.ts'
import type { MailStore } from '../queue/mail-store.ts'
import { DAY_MS, DayCounts } from './day-counts.ts'
import { KEPT_MS, SealedDays } from './sealed-days.ts'

const BEGIN = Date.UTC(2030, 0, 1)
let fixture: QueueFixture
beforeAll(async () => {
  fixture = await createQueueFixture()
})
afterAll(() => fixture[Symbol.asyncDispose]())

async function open(clock: VirtualClock): Promise<MailStore> {
  const store = await fixture.open({ clock })
  onTestFinished(() => store[Symbol.asyncDispose]())
  return store
}

function day(count = 1): DayCounts {
  const made = new DayCounts({ kind: 'dmarc', day: '2030-01-01', uniqueId: 'abc', sendAt: 1 })
  made.add('example.org', '{"x":1}', 'v=DMARC1', count)
  return made
}

const unreadable = (error: unknown): void => expect.unreachable(String(error))

const shown = (one: DayCounts | undefined) => [
  one?.kind,
  one?.day,
  one?.uniqueId,
  one?.sendAt,
  one?.domains.map((domain) => {
    const { note, rows, done } = one.of(domain) ?? {}
    return [domain, note, [...(rows ?? [])], [...(done ?? [])]]
  }),
]

test('counts are kept for the next start; what was kept of them before is gone', async () => {
  const clock = new VirtualClock(BEGIN)
  const store = await open(clock)
  const sealed = new SealedDays(store, clock)
  const counts = day()
  await sealed.save(counts)
  counts.add('example.org', '{"x":1}', 'v=DMARC1; p=none', 2)
  counts.add('example.org', '{"x":2}', 'v=DMARC1; p=none')
  counts.of('example.org')?.done.add('mailto:a@example.org')
  await sealed.save(counts)
  expect([store.size, counts.isChanged]).toEqual([1, false])
  await store[Symbol.asyncDispose]()
  const again = await open(clock)
  const [found, ...others] = await new SealedDays(again, clock).open(unreadable)
  expect(others).toEqual([])
  expect(shown(found)).toEqual(shown(counts))
  expect(shown(found)[4]).toEqual([
    [
      'example.org',
      'v=DMARC1; p=none',
      [
        ['{"x":1}', 3],
        ['{"x":2}', 1],
      ],
      ['mailto:a@example.org'],
    ],
  ])
})

test('of two that a crash has left, the later counts', async () => {
  const clock = new VirtualClock(BEGIN)
  const store = await open(clock)
  const old = new SealedDays(store, clock)
  for (const one of await old.open(unreadable)) old.destroy(one)
  const [before, after] = [day(1), day(5)]
  after.revision = 1
  await new SealedDays(store, clock).save(before)
  await new SealedDays(store, clock).save(after)
  const found = await new SealedDays(store, clock).open(unreadable)
  expect(found.map((one) => one.of('example.org')?.rows.get('{"x":1}'))).toEqual([5])
})

test('over their time they cannot be read, also if the relay was down; without domains nothing is kept', async () => {
  const clock = new VirtualClock(BEGIN)
  const store = await open(clock)
  await new SealedDays(store, clock).save(day())
  await store[Symbol.asyncDispose]()
  const late = new VirtualClock(BEGIN + DAY_MS + KEPT_MS)
  const again = await open(late)
  expect(again.size).toBe(0)
  await new SealedDays(again, late).save(day())
  const empty = day()
  empty.forget('example.org')
  await new SealedDays(again, clock).save(empty)
  expect(again.size).toBe(0)
})

test('what cannot be read any more is destroyed, and keeps nobody from starting', async () => {
  const clock = new VirtualClock(BEGIN)
  const store = await open(clock)
  await store.accept(await newMail(store, 'no counts', { place: 'reports', recipients: [] }))
  const errors: unknown[] = []
  expect(await new SealedDays(store, clock).open((error) => errors.push(error))).toEqual([])
  expect([store.size, errors]).toEqual([0, [expect.objectContaining({ code: 'Z_DATA_ERROR' })]])
})

test('what a domain publishes counts toward the bounds', () => {
  const counts = new DayCounts({ kind: 'dmarc', day: '2030-01-01', uniqueId: 'abc', sendAt: 1 })
  const note = '\u0001'.repeat(4_096)
  expect(counts.add('a.example', '1', `${note} `)).toBe(false)
  const row = 'x'.repeat(1_000)
  for (let domain = 0; domain < 2_000; domain += 1) counts.add(`${String(domain)}.example`, row, note)
  expect(counts.domains.length).toBeLessThan(1_650)
  expect(counts.add('b.example', row, '')).toBe(false)
  expect(counts.add('0.example', row, '')).toBe(true)
  expect(counts.add('b.example', row, '')).toBe(true)
  expect(counts.encode().length).toBeLessThan(64 * 1024 * 1024)
})

test('rows and domains are bounded; others have room all the same', () => {
  const counts = new DayCounts({ kind: 'tls', day: '2030-01-01', uniqueId: 'abc', sendAt: 1 })
  const added = Array.from({ length: 1_001 }, (_, row) => counts.add('a.example', String(row), ''))
  expect(added.filter(Boolean)).toHaveLength(1_000)
  expect(counts.add('a.example', '1', '')).toBe(true)
  expect(counts.add('b.example', '1', '')).toBe(true)
  expect(counts.add('b.example', 'x'.repeat(5_000), '')).toBe(false)
  for (let domain = 0; domain < 2_100; domain += 1) counts.add(`${String(domain)}.example`, '1', '')
  expect(counts.domains).toHaveLength(2_000)
  counts.forget('a.example')
  expect(counts.add('c.example', '1', '')).toBe(true)
})
