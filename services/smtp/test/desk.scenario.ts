/** Mail to whoever runs the server: to the account of the name, else where the operator said, else to the desk, where administrators read it. */
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { DESK_PIECE_BYTES, type MailDesk, mailDeskClient, openPortSecret } from '@sealpost/ports'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Desk } from '../src/abuse/desk.ts'
import { DESK } from '../src/mailbox/mailbox.ts'
import { mailDeskRoutes } from '../src/ports/mail-desk-routes.ts'
import { createFlow, enqueue, envelopeFor, type FlowFixture } from './flow.ts'
import { MailSink } from './mail-sink.ts'

const HOUR_MS = 3_600_000

let fixture: FlowFixture
let sink: MailSink
let desk: MailDesk
let url: URL
let ahead = 0
const stack = new AsyncDisposableStack()
const blocked: string[] = []

beforeAll(async () => {
  sink = stack.use(await MailSink.open())
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  const signer = { sign: () => Promise.resolve(Buffer.from('DKIM-Signature: d=localhost\r\n')) }
  fixture = stack.use(await createFlow({ 'example.com': sink.smarthost }, {}, { clock }, { signer }))
  const { platform } = fixture
  const secret = await openPortSecret(platform.dataDir, systemRandom)
  const http = stack.use(await createHttp({ log: platform.log, metrics: platform.metrics, title: 'Test' }))
  const block = (domain: string): Promise<void> => Promise.resolve(void blocked.push(domain))
  const here = (): Desk => new Desk(fixture.flow.mailbox, block)
  const own = {
    list: (after?: string) => here().list(after),
    read: (id: string, from: number) => here().read(id, from),
    done: (id: string) => here().done(id),
    block,
  }
  await http.app.register(mailDeskRoutes(own, secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  url = new URL(`http://127.0.0.1:${String(port)}`)
  desk = mailDeskClient({ url, secret, onError: () => undefined })
})
afterAll(() => stack.disposeAsync())

const write = (body: string | Buffer, header?: string, to = 'abuse@localhost'): Promise<string> =>
  enqueue(fixture.flow, {
    envelope: envelopeFor('eve@elsewhere.example', to),
    header: header ?? 'From: Eve <eve@elsewhere.example>\r\nSubject: look\r\n at this\r\n\r\n',
    body,
  })
const settled = (): Promise<void> => expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
const clear = async (): Promise<void> => {
  for (const { id } of await desk.list()) await desk.done(id)
}

test('a sender is blocked from the desk', async () => {
  await desk.block('spam.example')
  expect(blocked).toEqual(['spam.example'])
})

test('where no account has the name it waits at the desk: listed, read, destroyed', async () => {
  await write('spam!\r\n')
  await settled()
  const [mail] = await desk.list()
  expect(mail).toMatchObject({
    from: 'Eve <eve@elsewhere.example>',
    subject: 'look at this',
    feedback: undefined,
  })
  expect(Math.abs(Date.now() - (mail?.acceptedAt ?? 0))).toBeLessThan(60_000)
  const id = mail?.id ?? ''
  const read = await desk.read(id, 0)
  expect(read?.text).toMatch(/^Return-Path: <eve@elsewhere\.example>\r\n[^]*\r\n\r\nspam!\r\n$/)
  expect([read?.next, read?.bytes]).toEqual([undefined, read?.text.length])
  expect(await desk.read(id, read?.bytes ?? 0)).toBeUndefined()
  await fixture.restart()
  expect((await desk.read(id, 0))?.text).toBe(read?.text)
  expect([await desk.done(id), await desk.done(id), await desk.read(id, 0), await desk.list()]).toEqual([
    true,
    false,
    undefined,
    [],
  ])
})

test('reports say what they are about; a long mail is read piece by piece, no character cut in two', async () => {
  const header =
    'Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\nFrom: fbl@elsewhere.example\r\n\r\n'
  const report = '--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: fraud\r\n\r\n--b--\r\n'
  await write(report, header, 'postmaster@localhost')
  await settled()
  const long = `${'\u00E4'.repeat(40)}\r\n`.repeat(5_000)
  await write(long)
  await settled()
  const [first, second] = await desk.list()
  expect([first?.feedback, second?.feedback]).toEqual(['fraud', undefined])
  expect(await desk.list(first?.id)).toEqual([second])
  let text = ''
  let pieces = 0
  for (let next: number | undefined = 0; next !== undefined; pieces += 1) {
    const piece = await desk.read(second?.id ?? '', next)
    text += piece?.text ?? ''
    next = piece?.next
  }
  expect(pieces).toBe(Math.ceil((second?.bytes ?? 0) / DESK_PIECE_BYTES))
  expect(text.endsWith(`\r\n\r\n${long}`)).toBe(true)
  await clear()
})

test('strangers are not shown the desk', async () => {
  for (const path of ['', `/${systemRandom.uuid()}?from=0`])
    expect((await fetch(new URL(`/internal/mail/desk${path}`, url))).status).toBe(401)
})

test('the account of the name has it, and the desk when that cannot', async () => {
  const id = await fixture.account('abuse')
  await write('for the account\r\n')
  await expect.poll(() => fixture.flow.mailbox.list(id, 10).length).toBe(1)
  await fixture.accounts.suspend(parseJid('abuse@localhost'), 'away')
  const waiting = await write('for the desk\r\n')
  await expect.poll(() => fixture.flow.queue.show(waiting)?.recipients[0]?.reason?.status).toBe('4.2.1')
  expect(await desk.list()).toEqual([])
  ahead += 4 * HOUR_MS
  await fixture.flow.queue.retry(waiting)
  await settled()
  expect((await desk.read((await desk.list())[0]?.id ?? '', 0))?.text).toContain('for the desk')
  await clear()
})

test('ABUSE_MAILBOX gets it, here or elsewhere; what it does not take waits at the desk', async () => {
  const ann = await fixture.account('ann')
  await fixture.restart({ abuseMailbox: { local: 'ann', domain: 'localhost' } })
  await write('for ann\r\n', undefined, 'postmaster@localhost')
  await expect.poll(() => fixture.flow.mailbox.list(ann, 10).length).toBe(1)
  await fixture.restart({ abuseMailbox: { local: 'team', domain: 'example.com' } })
  await write('for the team\r\n', undefined, 'postmaster@localhost')
  const passedOn = await sink.next(0)
  expect(passedOn).toMatchObject({ sender: '', recipient: 'team@example.com' })
  // Strangers may name any author: their mail does not get our signature.
  expect(passedOn.message).not.toContain('DKIM-Signature')
  await settled()
  sink.refusal = { code: 550, text: '5.1.1 no team' }
  await write('nobody there\r\n', undefined, 'postmaster@localhost')
  await settled()
  expect((await desk.read((await desk.list())[0]?.id ?? '', 0))?.text).toContain('nobody there')
  expect(fixture.flow.mailbox.list(DESK, 10)).toHaveLength(1)
  const metrics = await fixture.platform.metrics.render()
  expect(metrics).toContain('smtp_operator_mails_total{outcome="desk"}')
  expect(metrics + fixture.platform.logged()).not.toMatch(/elsewhere|team|nobody/)
})
