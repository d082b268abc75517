/** What is accepted goes out: to other servers, to mailboxes, and what became of it back to the sender. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { sql, openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemClock, VirtualClock } from '@sealpost/runtime'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { DESK } from '../src/mailbox/mailbox.ts'
import { createFlow, enqueue, envelopeFor, type FlowFixture } from './flow.ts'
import { MailSink } from './mail-sink.ts'

const NOBODY_LISTENS = { host: '127.0.0.1', port: 1 }

let sink: MailSink
let fixture: FlowFixture
let ann: string

beforeAll(async () => {
  sink = await MailSink.open()
  fixture = await createFlow({ 'example.com': sink.smarthost, 'dead.example': NOBODY_LISTENS })
  ann = await fixture.account('ann')
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await sink[Symbol.asyncDispose]()
})
afterEach(() => {
  sink.refusal = undefined
})

const settled = (): Promise<void> => expect.poll(() => fixture.flow.queue.list(100)).toEqual([])

/** The mails in a mailbox, taken out of it. */
async function take(account: string): Promise<string[]> {
  const { mailbox } = fixture.flow
  const mails: string[] = []
  for (const { id } of mailbox.list(account, 100)) {
    const mail = await mailbox.open(account, id)
    const chunks: Buffer[] = []
    for await (const chunk of mail?.content.body() ?? []) chunks.push(chunk)
    mails.push(`${mail?.content.header.toString() ?? ''}${Buffer.concat(chunks).toString()}`)
    await mailbox.acknowledge(account, id)
  }
  return mails
}

async function report(account: string): Promise<string> {
  await expect.poll(() => fixture.flow.mailbox.list(account, 10).length).toBe(1)
  return (await take(account))[0] ?? ''
}

test('a mail leaves at once, as it was, over TLS where that is offered; nothing of it stays', async () => {
  const count = sink.mails.length
  const body = '.dot\r\n..two\r\nend'
  await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('ann@localhost', 'bob@example.com'),
    body,
  })
  expect(await sink.next(count)).toEqual({
    sender: 'ann@localhost',
    recipient: 'bob@example.com',
    message: `From: <ann@localhost>\r\nSubject: hello\r\n\r\n${body}\r\n`,
    secure: true,
  })
  await settled()
  await using db = await openDb({ url: fixture.platform.databaseUrl, role: 'sealpost_smtp' })
  await expect.poll(() => db.query(sql`select from smtp.mail`)).toEqual([])
})

test('a large body goes through the spool and arrives whole', async () => {
  const count = sink.mails.length
  const line = `${'x'.repeat(76)}\r\n`
  const body = line.repeat(20_000)
  await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('ann@localhost', 'bob@example.com'),
    body,
  })
  expect((await sink.next(count)).message.endsWith(body)).toBe(true)
  await settled()
})

test('one for our own user waits sealed until it is fetched and acknowledged', async () => {
  const bob = await fixture.account('bob')
  const envelope = envelopeFor('ann@localhost', 'bob@localhost')
  await enqueue(fixture.flow, { account: ann, envelope, body: 'for bob\r\n' })
  await expect.poll(() => fixture.flow.mailbox.list(bob, 10).length).toBe(1)
  await settled()
  await fixture.restart()
  expect(await take(bob)).toEqual([
    'Return-Path: <ann@localhost>\r\nFrom: <ann@localhost>\r\nSubject: hello\r\n\r\nfor bob\r\n',
  ])
  expect(fixture.flow.mailbox.list(bob, 10)).toEqual([])
})

test('what is refused for good comes back to the sender as a report without a way back (RFC 3464)', async () => {
  sink.refusal = { code: 550, text: '5.1.1 nobody of this name' }
  const envelope = { ...envelopeFor('ann@localhost', 'bob@example.com'), envelopeId: 'id 1' }
  await enqueue(fixture.flow, { account: ann, envelope })
  const text = await report(ann)
  await settled()
  for (const line of [
    'Return-Path: <>',
    'From: Mail delivery <MAILER-DAEMON@localhost>',
    'Auto-Submitted: auto-replied',
    'Content-Type: multipart/report; report-type=delivery-status;',
    'Original-Envelope-Id: id 1',
    'Final-Recipient: rfc822; bob@example.com',
    'Action: failed',
    'Status: 5.1.1',
    'Remote-MTA: dns; 127.0.0.1',
    'Diagnostic-Code: smtp; 550 5.1.1 nobody of this name',
    'Subject: hello',
  ])
    expect(text).toContain(`${line}\r\n`)
})

test.each([
  ['NOTIFY=NEVER', { notify: ['never'] as const }, 'ann@localhost', true],
  ['the null reverse-path', { notify: undefined }, undefined, true],
  ['a sender from outside', { notify: undefined }, 'eve@elsewhere.example', false],
])('nobody is told of a failure with %s', async (_what, { notify }, sender, isOurs) => {
  sink.refusal = { code: 550, text: 'no' }
  const plain = envelopeFor(sender, 'bob@example.com')
  const envelope = { ...plain, recipients: plain.recipients.map((one) => ({ ...one, notify })) }
  await enqueue(fixture.flow, { ...(isOurs ? { account: ann } : {}), envelope })
  await settled()
  expect(await take(ann)).toEqual([])
})

test('success is told when it was asked for: relayed, where the next server promises nothing; delivered, at home', async () => {
  const bob = await fixture.account('bea')
  for (const [address, action] of [
    ['bob@example.com', 'relayed'],
    ['bea@localhost', 'delivered'],
  ] as const) {
    const plain = envelopeFor('ann@localhost', address)
    const recipients = plain.recipients.map((one) => ({
      ...one,
      notify: ['success'] as const,
      originalRecipient: 'rfc822;first@example.com',
    }))
    await enqueue(fixture.flow, { account: ann, envelope: { ...plain, recipients } })
    const text = await report(ann)
    expect(text).toContain(`Action: ${action}\r\n`)
    expect(text).toContain('Original-Recipient: rfc822;first@example.com\r\n')
  }
  expect(await take(bob)).toHaveLength(1)
})

test('what was asked for goes along to servers that know DSN, and then it is theirs to report (RFC 3461 §5.2.1)', async () => {
  await using knowing = await MailSink.open(0, { dsn: true })
  await fixture.restart({ routes: new Map([['example.com', knowing.smarthost]]) })
  const plain = envelopeFor('ann@localhost', 'bob@example.com')
  const recipients = plain.recipients.map((one) => ({
    ...one,
    notify: ['success', 'delay'] as const,
    originalRecipient: 'rfc822;a+b=c@example.com',
  }))
  const asked = { returnContent: 'headers', envelopeId: 'id = 1' } as const
  await enqueue(fixture.flow, { account: ann, envelope: { ...plain, recipients, ...asked } })
  await knowing.next(0)
  expect(knowing.envelopes[0]).toMatchObject({
    dsn: { ret: 'HDRS', envid: 'id = 1' },
    rcptTo: [{ dsn: { notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;a+b=c@example.com' } }],
  })
  await settled()
  expect(await take(ann)).toEqual([])
  await fixture.restart()
})

test('what is refused for now waits, with its reason, over a restart, and goes when it is retried', async () => {
  sink.refusal = { code: 451, text: '4.7.1 greylisted, come again' }
  const envelope = envelopeFor('ann@localhost', 'bob@example.com', 'eve@example.com')
  const before = Date.now()
  const id = await enqueue(fixture.flow, { account: ann, envelope })
  await expect
    .poll(() => fixture.flow.queue.show(id)?.recipients.map(({ reason }) => reason))
    .toEqual([
      { code: 451, status: '4.7.1' },
      { code: 451, status: '4.7.1' },
    ])
  await fixture.restart()
  const waiting = fixture.flow.queue.show(id)
  expect(waiting).toMatchObject({ id, accountId: ann, hold: undefined })
  expect(waiting?.recipients[0]).toMatchObject({ domain: 'example.com', attempts: 1 })
  expect((waiting?.recipients[0]?.nextAt ?? 0) - before).toBeGreaterThan(4 * 60_000)
  sink.refusal = undefined
  const count = sink.mails.length
  expect(await fixture.flow.queue.retry(id)).toBe(true)
  await sink.next(count)
  await settled()
})

test('some accepted, some refused, some deferred: each recipient has its own fate', async () => {
  sink.refuse = (address) =>
    address.startsWith('no')
      ? { code: 550, text: 'no' }
      : address.startsWith('later')
        ? { code: 450, text: 'later' }
        : undefined
  const envelope = envelopeFor('ann@localhost', 'yes@example.com', 'no@example.com', 'later@example.com')
  const count = sink.mails.length
  const id = await enqueue(fixture.flow, { account: ann, envelope })
  await sink.next(count)
  expect(await report(ann)).toMatch(/Final-Recipient: rfc822; no@example\.com\r\nAction: failed/)
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients.length).toBe(1)
  sink.refuse = undefined
  await fixture.flow.queue.retry(id)
  expect((await sink.next(count + 1)).recipient).toBe('later@example.com')
  await settled()
})

test('a destination that cannot be reached is left alone, and holds no other', async () => {
  const count = sink.mails.length
  const ids = []
  for (const local of ['a', 'b', 'c'])
    ids.push(
      await enqueue(fixture.flow, {
        account: ann,
        envelope: envelopeFor('ann@localhost', `${local}@dead.example`),
      }),
    )
  await enqueue(fixture.flow, { account: ann, envelope: envelopeFor('ann@localhost', 'bob@example.com') })
  await sink.next(count)
  for (const id of ids)
    await expect
      .poll(() => fixture.flow.queue.show(id)?.recipients[0]?.reason)
      .toEqual({ code: 450, status: '4.4.1', words: 'The server does not answer' })
  for (const id of ids) expect(await fixture.flow.queue.drop(id)).toBe(true)
  await settled()
  expect(await fixture.flow.queue.drop(ids[0] ?? '')).toBe(false)
})

test('destinations that take connections and say nothing hold no other, however many mails wait for them', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const silent = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const domains = Array.from({ length: 50 }, (_, each) => `silent${String(each)}.example`)
  await using own = await createFlow({
    'example.com': sink.smarthost,
    ...Object.fromEntries(domains.map((domain) => [domain, silent])),
  })
  onTestFinished(() => {
    server.close()
  })
  const account = await own.account('ann')
  const post = (to: string): Promise<string> =>
    enqueue(own.flow, { account, envelope: envelopeFor('ann@localhost', to) })
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
  for (const domain of domains) await Promise.all(Array.from({ length: 5 }, () => post(`bob@${domain}`)))
  await expect.poll(connections).toBeGreaterThanOrEqual(200) // every place there is
  const count = sink.mails.length
  const began = performance.now()
  await post('bob@example.com')
  await sink.next(count)
  expect(performance.now() - began).toBeLessThan(30_000) // long before any of the silent ones is given up
  await expect.poll(() => own.flow.queue.list(1_000).length).toBe(250)
}, 120_000)

test('a held mail is not tried until it is released; that of a suspended account neither, until it is restored', async () => {
  sink.refusal = { code: 451, text: 'later' }
  const id = await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('ann@localhost', 'bob@example.com'),
  })
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.reason).toBeDefined()
  sink.refusal = undefined
  const count = sink.mails.length
  const { queue } = fixture.flow
  await queue.hold(id)
  await queue.retry(id)
  await fixture.restart()
  expect(fixture.flow.queue.show(id)?.hold).toBe('operator')
  expect(sink.mails).toHaveLength(count)
  await fixture.flow.queue.release(id)
  await sink.next(count)
  await settled()
  sink.refusal = { code: 451, text: 'later' }
  const next = await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('ann@localhost', 'bob@example.com'),
  })
  await expect.poll(() => fixture.flow.queue.show(next)?.recipients[0]?.reason).toBeDefined()
  sink.refusal = undefined
  const jid = parseJid('ann@localhost')
  await fixture.accounts.suspend(jid, 'abuse')
  await expect.poll(() => fixture.flow.queue.show(next)?.hold).toBe('suspended')
  await fixture.restart()
  await fixture.accounts.restore(jid)
  await expect.poll(() => fixture.flow.queue.show(next)?.hold).toBeUndefined()
  await fixture.flow.queue.retry(next)
  await sink.next(count + 1)
  await settled()
})

test('mail to whoever runs the server is filed, though no account has the name (RFC 2142)', async () => {
  await enqueue(fixture.flow, {
    envelope: envelopeFor('eve@elsewhere.example', 'abuse@localhost'),
    body: 'spam!\r\n',
  })
  await expect.poll(() => fixture.flow.mailbox.list(DESK, 10).length).toBe(1)
  expect((await take(DESK))[0]).toContain('spam!')
  await settled()
})

test('a mailbox that the mailbox server finds full is full at RCPT, until it takes mail again or for an hour', async () => {
  const server = await MailSink.open(0, { lmtp: true })
  const clock = new VirtualClock(Date.now())
  const other = await createFlow({}, { lmtp: server.smarthost }, { clock })
  onTestFinished(async () => {
    await other[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const { flow } = other
  const fred = await other.account('fred')
  const send = (): Promise<string> =>
    enqueue(flow, { envelope: envelopeFor('x@elsewhere.example', 'fred@localhost') })
  await send()
  await server.next(0)
  expect(await flow.isFull(fred)).toBe(false)
  server.refusal = { code: 452, text: '4.2.2 Quota exceeded (mailbox for user is full)' }
  const waiting = await send()
  await expect.poll(() => flow.isFull(fred)).toBe(true)
  server.refusal = undefined
  await flow.queue.retry(waiting)
  await server.next(1)
  await expect.poll(() => flow.isFull(fred)).toBe(false)
  server.refusal = { code: 552, text: '5.2.2 Quota exceeded' }
  await send()
  await expect.poll(() => flow.isFull(fred)).toBe(true)
  await clock.advance(60 * 60_000)
  expect(await flow.isFull(fred)).toBe(false)
})

test('a mailbox has the room of its plan', async () => {
  const { accounts, flow } = fixture
  const dave = await fixture.account('dave')
  await accounts.plans.set('small', { mailbox_mib: 1, mailbox_days: 2 })
  await accounts.plans.assign(parseJid('dave@localhost'), 'small')
  const send = (): Promise<string> =>
    enqueue(flow, {
      envelope: envelopeFor('x@elsewhere.example', 'dave@localhost'),
      body: Buffer.alloc(600_000, 'x'),
    })
  await send()
  await expect.poll(() => flow.mailbox.list(dave, 10).length).toBe(1)
  const waiting = await send()
  await expect.poll(() => flow.queue.show(waiting)?.recipients[0]?.reason?.status).toBe('4.2.2')
  expect(await flow.mailbox.isFull(dave, 400_000)).toBe(false)
  await accounts.plans.set('small', { mailbox_mib: 2 })
  await flow.queue.retry(waiting)
  await expect.poll(() => flow.mailbox.list(dave, 10).length).toBe(2)
  await take(dave)
  await settled()
})

test('a mailbox keeps mail for as long as the plan says, and none a day longer', async () => {
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  let ahead = 0
  await using own = await createFlow({}, {}, { clock })
  const [ida, jack] = [await own.account('ida'), await own.account('jack')]
  await own.accounts.plans.set('short', { mailbox_days: 2 })
  await own.accounts.plans.assign(parseJid('ida@localhost'), 'short')
  for (const name of ['ida', 'jack'])
    await enqueue(own.flow, { envelope: envelopeFor('x@elsewhere.example', `${name}@localhost`) })
  const waiting = (): number[] => [ida, jack].map((id) => own.flow.mailbox.list(id, 10).length)
  await expect.poll(waiting).toEqual([1, 1])
  await using db = await openDb({ url: own.platform.databaseUrl, role: 'sealpost_smtp' })
  const rows = async (): Promise<number> => (await db.query(sql`select from smtp.mail`)).length
  await expect.poll(rows).toBe(2)
  for (const [days, left] of [
    [1.9, [1, 1]],
    [3.1, [0, 1]],
  ] as const) {
    ahead = days * 24 * 3_600_000
    await own.restart()
    await expect.poll(waiting).toEqual(left)
  }
  await expect.poll(rows).toBe(1)
})

test('erasing an account destroys what it has sent and what waits for it', async () => {
  const eve = await fixture.account('eve')
  await enqueue(fixture.flow, { account: eve, envelope: envelopeFor('eve@localhost', 'x@dead.example') })
  await enqueue(fixture.flow, { account: ann, envelope: envelopeFor('ann@localhost', 'eve@localhost') })
  await expect.poll(() => fixture.flow.mailbox.list(eve, 10).length).toBe(1)
  await fixture.flow.queue.eraseAccount(eve)
  expect([fixture.flow.queue.list(10, eve), fixture.flow.mailbox.list(eve, 10)]).toEqual([[], []])
})

test('nothing of the mails is in logs or metrics', async () => {
  const everything = fixture.platform.logged() + (await fixture.platform.metrics.render())
  expect(everything).not.toMatch(/example\.com|dead\.example|127\.0\.0\.1|hello/)
  expect(everything).toContain('smtp_attempts_total{outcome="delivered"}')
})
