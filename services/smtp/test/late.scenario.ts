/** What takes long: the sender is told after four hours, and in the end that it was given up. The clock is the system's, set forward. */
import { systemClock } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEvents } from '../src/events.ts'
import type { MailFlow } from '../src/mail-flow.ts'
import { pgpArrival } from '../src/pgp/pgp-arrival.ts'
import { createFlow, enqueue, envelopeFor, type FlowFixture } from './flow.ts'
import { MailSink } from './mail-sink.ts'

const HOUR_MS = 3_600_000

let sink: MailSink
let fixture: FlowFixture
let ann: string
let ahead = 0

beforeAll(async () => {
  sink = await MailSink.open()
  sink.refusal = { code: 450, text: '4.2.2 mailbox full' }
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  fixture = await createFlow({ 'example.com': sink.smarthost }, {}, { clock })
  ann = await fixture.account('ann')
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await sink[Symbol.asyncDispose]()
})

/** The reports that wait for somebody, by their actions and what they say. */
async function reportsFor(to: string, { mailbox }: MailFlow): Promise<string[]> {
  const texts = []
  for (const { id } of mailbox.list(to, 10)) {
    const chunks: Buffer[] = []
    for await (const chunk of (await mailbox.open(to, id))?.content.body() ?? []) chunks.push(chunk)
    texts.push(Buffer.concat(chunks).toString())
  }
  return texts
}

const reports = (): Promise<string[]> => reportsFor(ann, fixture.flow)

test('told of the delay once, over restarts; given up after two days, with the last reply', async () => {
  const id = await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('ann@localhost', 'bob@example.com'),
  })
  const attempts = (): number | undefined => fixture.flow.queue.show(id)?.recipients[0]?.attempts
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.reason?.status).toBe('4.2.2')
  ahead = 3.9 * HOUR_MS
  await fixture.restart()
  await expect.poll(attempts).toBe(2)
  expect(await reports()).toEqual([])
  ahead = 4.1 * HOUR_MS
  await fixture.restart()
  await expect.poll(reports).toHaveLength(1)
  const [delayed = ''] = await reports()
  expect(delayed).toContain('Action: delayed\r\nStatus: 4.2.2\r\n')
  expect(delayed).toContain('Diagnostic-Code: smtp; 450 4.2.2 mailbox full\r\n')
  const until = /^Will-Retry-Until: (.*)\r$/m.exec(delayed)?.[1] ?? ''
  expect((Date.parse(until) - Date.now()) / HOUR_MS).toBeCloseTo(48, 1)
  ahead = 20 * HOUR_MS
  await fixture.restart()
  await expect.poll(() => attempts() ?? 0).toBeGreaterThan(2)
  expect(await reports()).toHaveLength(1)
  ahead = 48.1 * HOUR_MS
  await fixture.restart()
  await expect.poll(reports).toHaveLength(2)
  expect((await reports())[1]).toContain('Action: failed\r\nStatus: 4.4.7\r\n')
  await expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
})

test('the operator says how long a mail waits for the next attempt', async () => {
  await fixture.restart({ retryPausesMs: [10 * HOUR_MS, 20 * HOUR_MS] })
  const envelope = envelopeFor('ann@localhost', 'bob@example.com')
  const id = await enqueue(fixture.flow, { account: ann, envelope })
  const next = (): number | undefined => fixture.flow.queue.show(id)?.recipients[0]?.nextAt
  const inHours = (): number => ((next() ?? 0) - Date.now() - ahead) / HOUR_MS
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.reason?.status).toBe('4.2.2')
  expect(Math.abs(inHours() - 10)).toBeLessThan(1.1)
  const first = next()
  await fixture.flow.queue.retry(id)
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.attempts).toBe(2)
  await expect.poll(next).not.toBe(first)
  expect(Math.abs(inHours() - 20)).toBeLessThan(2.1)
  expect(await fixture.flow.queue.drop(id)).toBe(true)
  await fixture.restart()
})

test('whose mail waits for a key is told of the delay, and in the end that it was given up', async () => {
  const plain = { mode: 'optional', onMissingKey: 'refuse' } as const
  const strict = { mode: 'on-arrival', onMissingKey: 'defer' } as const
  const { random } = fixture.platform
  const arrival = pgpArrival({
    policy: { of: ({ jid }) => Promise.resolve(jid.local === 'ann' ? plain : strict) },
    keys: {
      find: (address) => Promise.resolve({ result: address.startsWith('bea') ? 'none' : 'failed' } as const),
    },
    random,
    events: createEvents(fixture.platform),
  })
  let later = 0
  const clock = { ...systemClock, now: () => Date.now() + later }
  await using own = await createFlow({}, {}, { clock }, { arrival })
  const sender = await own.account('ann')
  for (const [name, status] of [
    ['bea', '4.7.1'],
    ['cat', '4.7.5'],
  ] as const) {
    const here = await own.account(name)
    later = 0
    await own.restart()
    const envelope = envelopeFor('ann@localhost', `${name}@localhost`)
    const id = await enqueue(own.flow, { account: sender, envelope })
    await expect.poll(() => own.flow.queue.show(id)?.recipients[0]?.reason?.status).toBe(status)
    const before = (await reportsFor(sender, own.flow)).length
    later = 4.1 * HOUR_MS
    await own.restart()
    await expect.poll(async () => (await reportsFor(sender, own.flow)).length).toBe(before + 1)
    expect((await reportsFor(sender, own.flow)).at(-1)).toContain(`Action: delayed\r\nStatus: ${status}\r\n`)
    later = 48.1 * HOUR_MS
    await own.restart()
    await expect.poll(async () => (await reportsFor(sender, own.flow)).length).toBe(before + 2)
    const last = (await reportsFor(sender, own.flow)).at(-1)
    expect(last).toContain('Action: failed\r\nStatus: 4.4.7\r\n')
    expect(last).toContain('key to encrypt this mail to')
    expect([own.flow.queue.show(id), own.flow.mailbox.list(here, 10)]).toEqual([undefined, []])
  }
})

test('NOTIFY=FAILURE hears of no delay', async () => {
  const plain = envelopeFor('ann@localhost', 'bob@example.com')
  const envelope = {
    ...plain,
    recipients: plain.recipients.map((one) => ({ ...one, notify: ['failure'] as const })),
  }
  const before = (await reports()).length
  const id = await enqueue(fixture.flow, { account: ann, envelope })
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.reason).toBeDefined()
  ahead += 5 * HOUR_MS
  await fixture.restart()
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.attempts).toBe(2)
  expect(await reports()).toHaveLength(before)
})

test('what was held for thirty days is given up, and its sender told', async () => {
  const id = await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('ann@localhost', 'bob@example.com'),
  })
  expect(await fixture.flow.queue.hold(id)).toBe(true)
  ahead += 29 * 24 * HOUR_MS
  await fixture.restart()
  expect(fixture.flow.queue.show(id)?.hold).toBe('operator')
  expect((await reports()).join()).not.toContain('held here')
  ahead += 23.5 * HOUR_MS
  await fixture.restart()
  // A report about another mail may come after it.
  const told = async (): Promise<string | undefined> =>
    (await reports()).find((report) => report.includes('held here for 30 days'))
  await expect.poll(told).toContain('Action: failed\r\nStatus: 4.4.7\r\n')
  await expect.poll(() => fixture.flow.queue.show(id)).toBeUndefined()
})

test('what is released after days is tried, and has all its time again', async () => {
  const envelope = envelopeFor('ann@localhost', 'bob@example.com')
  const [first, second] = [
    await enqueue(fixture.flow, { account: ann, envelope }),
    await enqueue(fixture.flow, { account: ann, envelope }),
  ]
  for (const id of [first, second]) expect(await fixture.flow.queue.hold(id)).toBe(true)
  ahead += 72 * HOUR_MS
  await fixture.restart()
  const attempts = fixture.flow.queue.show(second)?.recipients[0]?.attempts ?? 0
  expect(await fixture.flow.queue.release(second)).toBe(true)
  await expect.poll(() => fixture.flow.queue.show(second)?.recipients[0]?.attempts).toBeGreaterThan(attempts)
  ahead += 47 * HOUR_MS
  await fixture.restart()
  expect(fixture.flow.queue.show(second)).toBeDefined()
  ahead += 2 * HOUR_MS
  await fixture.restart()
  await expect.poll(() => fixture.flow.queue.show(second)).toBeUndefined()
  sink.refusal = undefined
  const count = sink.mails.length
  expect(await fixture.flow.queue.release(first)).toBe(true)
  expect(await sink.next(count)).toMatchObject({ recipient: 'bob@example.com' })
})
