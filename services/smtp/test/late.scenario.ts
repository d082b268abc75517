/** What takes long: the sender is told after four hours, and in the end that it was given up. The clock is the system's, set forward. */
import { systemClock } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

/** The reports that wait for ann, by their actions and what they say. */
async function reports(): Promise<string[]> {
  const { mailbox } = fixture.flow
  const texts = []
  for (const { id } of mailbox.list(ann, 10)) {
    const chunks: Buffer[] = []
    for await (const chunk of (await mailbox.open(ann, id))?.content.body() ?? []) chunks.push(chunk)
    texts.push(Buffer.concat(chunks).toString())
  }
  return texts
}

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
