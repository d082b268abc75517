import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createQueueFixture, newMail, type QueueFixture } from '../queue/_fixture.ts'
import type { MailStore } from '../queue/mail-store.ts'
import { KnownPolicies, type KnownPolicy } from './known-policies.ts'
import { SealedPolicies } from './sealed-policies.ts'

const BEGIN = Date.UTC(2030, 0, 1)
const HOUR_MS = 60 * 60_000
let fixture: QueueFixture
let clock: VirtualClock
const errors: string[] = []
beforeAll(async () => {
  fixture = await createQueueFixture()
})
afterAll(() => fixture[Symbol.asyncDispose]())
beforeEach(async () => {
  clock = new VirtualClock(BEGIN)
  errors.length = 0
  await using store = await fixture.open()
  for (const kept of store.all()) store.shred(kept)
})

async function openStore(): Promise<MailStore> {
  const store = await fixture.open({ clock: new VirtualClock(clock.now()) })
  onTestFinished(() => store[Symbol.asyncDispose]())
  return store
}

const open = (store: MailStore): Promise<SealedPolicies> =>
  SealedPolicies.open({ store, clock, onError: (code) => void errors.push(code) })

const policyOf = (mx: string, hours: number): KnownPolicy => ({
  id: `of${mx.slice(0, 8)}`,
  policy: { mode: 'enforce', mx: [mx, '*.example.net'], maxAgeSeconds: (hours * HOUR_MS) / 1000 },
  until: clock.now() + hours * HOUR_MS,
  againAt: 0,
})

test('policies are known after a restart, for as long as they hold', async () => {
  const store = await openStore()
  const long = policyOf('mx.example.org', 48)
  {
    await using policies = await open(store)
    policies.known.keep('example.org', long)
    policies.known.keep('brief.example', policyOf('mx.brief.example', 1))
    policies.known.keep('none.example', { ...long, policy: undefined })
  }
  expect(store.size).toBe(1)
  await store[Symbol.asyncDispose]()
  clock = new VirtualClock(BEGIN + 2 * HOUR_MS)
  await using after = await open(await openStore())
  const found = ['example.org', 'brief.example', 'none.example'].map((domain) => after.known.get(domain))
  expect([found, errors]).toEqual([[long, undefined, undefined], []])
})

test('written when something was learned, and each day without what is over; what was written before is gone', async () => {
  const store = await openStore()
  await using policies = await open(store)
  const written = () => [...store.all()].map(({ id }) => id)
  await policies.save()
  expect(written()).toEqual([])
  policies.known.keep('example.org', policyOf('mx.example.org', 26))
  await policies.save()
  const [first] = written()
  expect(first).toBeDefined()
  policies.known.keep('example.org', { ...(policies.known.get('example.org') as KnownPolicy), againAt: 1 })
  await policies.save()
  expect(written()).toEqual([first])
  await clock.advance(25 * HOUR_MS)
  await expect.poll(written).toEqual([expect.not.stringContaining(first ?? '')])
  await clock.advance(25 * HOUR_MS)
  await expect.poll(written).toEqual([])
})

test('of two that a crash has left, what each says longest counts; one is left', async () => {
  const store = await openStore()
  const [first, second] = [await open(store), await open(store)]
  first.known.keep('example.org', policyOf('old.example.org', 1))
  first.known.keep('example.com', policyOf('mx.example.com', 1))
  await first.save()
  second.known.keep('example.org', policyOf('new.example.org', 2))
  await second.save()
  expect(store.size).toBe(2)
  await using third = await open(store)
  expect(third.known.get('example.org')?.policy?.mx).toContain('new.example.org')
  expect(third.known.get('example.com')?.policy?.mx).toContain('mx.example.com')
  await third.save()
  expect(store.size).toBe(1)
})

test('what cannot be read is told, and keeps nobody from starting', async () => {
  const store = await openStore()
  await store.accept(await newMail(store, 'no policies', { place: 'policies', recipients: [] }))
  await using policies = await open(store)
  expect([policies.known.holding(0), errors]).toEqual([[], ['Z_DATA_ERROR']])
  policies.known.keep('example.org', policyOf('mx.example.org', 1))
  await policies.save()
  expect(store.size).toBe(1)
})

test('domains and what they publish are bounded; the latest stay', () => {
  const known = new KnownPolicies()
  for (let domain = 0; domain < 10_002; domain += 1) known.keep(String(domain), policyOf('mx', 1))
  expect([known.get('1'), known.get('2')]).toEqual([undefined, expect.anything()])
  const large = policyOf('x'.repeat(60_000), 1)
  for (let domain = 0; domain < 80; domain += 1) known.keep(`large${String(domain)}`, large)
  expect([known.get('10001'), known.get('large1'), known.get('large79')]).toEqual([
    undefined,
    undefined,
    large,
  ])
  known.keep('large79', policyOf('mx', 1))
  known.keep('one more', large)
  expect(known.get('large20')).toEqual(large)
})
