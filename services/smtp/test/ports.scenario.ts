/** The ports by which other processes send mail, and see and change what waits. */
import { openDb } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import {
  dkimClient,
  mailClient,
  mailOperationsClient,
  mailReportsClient,
  openPortSecret,
} from '@sealpost/ports'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createResolver } from '../src/dns/dns-resolver.ts'
import { createEvents } from '../src/events.ts'
import { dkimRoutes } from '../src/ports/dkim-routes.ts'
import { mailQueueRoutes } from '../src/ports/mail-queue-routes.ts'
import { mailReportsRoutes } from '../src/ports/mail-reports-routes.ts'
import { mailRoutes } from '../src/ports/mail-routes.ts'
import { receivedStore } from '../src/reports/received-store.ts'
import { openReceivedReports } from '../src/reports/received-reports.ts'
import { DkimKeys } from '../src/signing/dkim-keys.ts'
import { createFlow, type FlowFixture } from './flow.ts'
import { MailSink } from './mail-sink.ts'
import { testDns } from './test-dns.ts'

let sink: MailSink
let fixture: FlowFixture
let url: URL
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  sink = stack.use(await MailSink.open())
  fixture = stack.use(await createFlow({ 'example.com': sink.smarthost }))
  const { platform, flow } = fixture
  const secret = await openPortSecret(platform.dataDir, systemRandom)
  const http = stack.use(await createHttp({ log: platform.log, metrics: platform.metrics, title: 'Test' }))
  await http.app.register(mailRoutes(flow.mail, secret))
  await http.app.register(mailQueueRoutes(flow.queue, secret))
  const { clock, random, dataDir } = platform
  const dns = stack.use(await testDns({}))
  const resolver = createResolver({ servers: [dns.server], clock, random })
  const dkim = stack.use(new DkimKeys({ dataDir, domains: ['localhost'], resolver, clock, random }))
  await http.app.register(dkimRoutes(dkim, secret))
  const reports = stack.use(await openReceivedReports(platform, createEvents(platform)))
  await http.app.register(mailReportsRoutes(reports, secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  url = new URL(`http://127.0.0.1:${String(port)}`)
})
afterAll(() => stack.disposeAsync())

const options = async () => ({
  url,
  secret: await openPortSecret(fixture.platform.dataDir, systemRandom),
  onError: () => undefined,
})
const mail = {
  sender: 'keys@localhost',
  recipient: 'ann@example.com',
  message: Buffer.from('Subject: x\nTo: ann@example.com\r\n\r\n.dot\nend\r\n'),
}

test('a mail is taken into the queue and leaves, with line ends as they must be', async () => {
  const client = mailClient(await options())
  await client.send(mail)
  expect(await sink.next(0)).toMatchObject({
    sender: mail.sender,
    recipient: mail.recipient,
    message: 'Subject: x\r\nTo: ann@example.com\r\n\r\n.dot\r\nend\r\n',
  })
})

test.each([
  ['no address', { recipient: 'nobody' }],
  ['no header', { message: Buffer.from('no mail at all') }],
])('%s: refused for good', async (_what, change) => {
  const client = mailClient(await options())
  await expect(client.send({ ...mail, ...change })).rejects.toMatchObject({ code: 'MAIL_REFUSED' })
})

test('what waits is seen and changed', async () => {
  sink.refusal = { code: 451, text: 'later' }
  await mailClient(await options()).send(mail)
  const operations = mailOperationsClient(await options())
  await expect.poll(async () => (await operations.queued(10))[0]?.recipients[0]?.reason?.code).toBe(451)
  const [waiting] = await operations.queued(10)
  const id = waiting?.id ?? ''
  expect(await operations.find(id)).toEqual(waiting)
  expect(waiting).toMatchObject({
    accountId: undefined,
    hold: undefined,
    recipients: [{ domain: 'example.com', attempts: 1 }],
  })
  expect(await operations.change(id, 'hold')).toBe(true)
  expect((await operations.find(id))?.hold).toBe('operator')
  expect(await operations.change(id, 'release')).toBe(true)
  expect(await operations.change(id, 'retry')).toBe(true)
  expect(await operations.change(id, 'drop')).toBe(true)
  expect([
    await operations.find(id),
    await operations.change(id, 'retry'),
    await operations.queued(10),
  ]).toEqual([undefined, false, []])
  expect(await operations.queued(10, systemRandom.uuid())).toEqual([])
})

test('the keys that sign mail are listed, and followed by the next', async () => {
  const dkim = dkimClient(await options())
  const first = await dkim.list('localhost')
  expect(first).toMatchObject([
    { algorithm: 'rsa', state: 'active', published: 'no' },
    { algorithm: 'ed25519', state: 'active', published: 'no' },
  ])
  const both = await dkim.rotate('localhost')
  expect(both.slice(0, 2)).toEqual(first)
  expect(both.slice(2)).toMatchObject([{ state: 'next' }, { state: 'next' }])
  await expect(dkim.list('elsewhere.example')).rejects.toMatchObject({ code: 'PORT_FAILED' })
})

test('what others reported is listed', async () => {
  await using db = await openDb({ url: fixture.platform.databaseUrl, role: 'sealpost_smtp' })
  const day = new Date().toISOString().slice(0, 10)
  const common = { kind: 'dmarc', reporter: 'reporter.example', day } as const
  const counts = [
    { domain: 'localhost', result: 'pass', count: 2 },
    { domain: 'localhost', result: 'fail-none', count: 3 },
    { domain: 'other.example', result: 'pass', count: 1 },
  ]
  await receivedStore(db).add({ ...common, id: '1', counts })
  const reports = mailReportsClient(await options())
  const [, own] = counts
  expect(await reports.reported(0, 'localhost')).toEqual([
    {
      ...common,
      domain: 'localhost',
      results: [
        { result: own?.result, count: 3 },
        { result: 'pass', count: 2 },
      ],
    },
  ])
  expect((await reports.reported(90)).map(({ domain }) => domain)).toEqual(['localhost', 'other.example'])
  await expect(reports.reported(91)).rejects.toMatchObject({ code: 'PORT_FAILED' })
})

test.each([
  '/internal/mail',
  '/internal/mail/queue?limit=1',
  '/internal/mail/dkim/localhost',
  '/internal/mail/reports?days=1',
])('strangers get 401 at %s', async (path) => {
  const method = path === '/internal/mail' ? 'POST' : 'GET'
  expect((await fetch(new URL(path, url), { method })).status).toBe(401)
})
