/** TLS and DMARC reports: counted from real conversations, sent to real servers, and taken from others. DNS by the table. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Server, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import { authenticate } from 'mailauth'
import { createAccounts } from '@sealpost/accounts'
import { defineConfig } from '@sealpost/config'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import {
  DmarcReportReader,
  MailHeader,
  parseAddress,
  readTlsReport,
  type ReportMail,
  writeDmarcReport,
  writeReportMail,
  writeTlsReport,
} from '@sealpost/mail'
import { Supervisor, systemClock, systemRandom, VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate } from '../../../packages/http/test/_certificate.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import { readConfig } from '../src/config.ts'
import { createResolver } from '../src/dns/dns-resolver.ts'
import { createEvents } from '../src/events.ts'
import { postPublic } from '../src/pgp/fetch-public.ts'
import { type ReceivedStore, receivedStore } from '../src/reports/received-store.ts'
import { reportEvents } from '../src/reports/report-events.ts'
import { ReportCollector } from '../src/reports/report-collector.ts'
import { reportDestinations } from '../src/reports/report-destinations.ts'
import { reportIntakeStage } from '../src/reports/report-intake.ts'
import { createSmtpService } from '../src/service.ts'
import { BodyHash } from '../src/signing/body-hash.ts'
import { DkimKeys } from '../src/signing/dkim-keys.ts'
import { dkimSignature } from '../src/signing/dkim-signature.ts'
import { createDkimSigner } from '../src/signing/dkim-signer.ts'
import { ConnectionIdentity } from '../src/stages/authentication/connection-identity.ts'
import { mailauthResolver } from '../src/stages/authentication/mailauth-resolver.ts'
import { senderAuthentication } from '../src/stages/authentication/sender-authentication.ts'
import { contentOf } from './content.ts'
import { createFlow, type FlowFixture } from './flow.ts'
import { MailSink, type SunkMail } from './mail-sink.ts'
import { mailFrom, signedInFrom } from './outside.ts'
import { ALICE, openTestReception, send, type TestReception } from './reception.ts'
import { resolverOf, type World } from './peers.ts'
import { testDns, type TestDns } from './test-dns.ts'

const GOOD = '203.0.113.5'
const BAD = '198.51.100.9'
const DAY_MS = 24 * 60 * 60_000
const MINUTE_MS = 60_000
/** A minute before a day ends, and one that is over. */
const clock = new VirtualClock(Date.UTC(2026, 10, 20) - MINUTE_MS)
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')

const stack = new AsyncDisposableStack()
let dns: TestDns
let reception: TestReception
let store: ReceivedStore
let collector: ReportCollector
const supervisor = new Supervisor((error) => expect.unreachable(String(error)))
let sink: MailSink
let web: Server
let fixture: FlowFixture
/** What the web server answers, and what it got. */
let status = 500
const posted: { type: string | undefined; path: string | undefined; bytes: Buffer }[] = []

beforeAll(async () => {
  dns = stack.use(
    await testDns(
      {
        'author.example TXT': [`v=spf1 ip4:${GOOD} -all`],
        '_dmarc.author.example TXT': [
          'v=DMARC1; p=reject; rua=mailto:rua@author.example,mailto:author@collector.example!1m,mailto:a@elsewhere.example',
        ],
        'author.example._report._dmarc.collector.example TXT': [
          'v=DMARC1; rua=mailto:other@collector.example!2m',
        ],
        'silent.example TXT': [`v=spf1 ip4:${GOOD} -all`],
        '_dmarc.silent.example TXT': ['v=DMARC1; p=none'],
        '_smtp._tls.partner.example TXT': [
          'v=TLSRPTv1; rua=mailto:tls@partner.example,https://reports.partner.example/in?x',
        ],
        'reports.partner.example A': ['127.0.0.1'],
        '_dmarc.reporter.example TXT': ['v=DMARC1; p=none'],
        'key._domainkey.reporter.example TXT': [`v=DKIM1; k=ed25519; p=${raw}`],
      },
      { ttlSeconds: 0 },
    ),
  )
  reception = stack.use(
    await openTestReception({
      proxies: ['127.0.0.1'],
      stages: ({ platform }) => stagesOf(platform),
    }),
  )
  store = receivedStore(
    stack.use(await openDb({ url: reception.platform.databaseUrl, role: 'sealpost_smtp' })),
  )
  collector = new ReportCollector({
    kinds: ['tls', 'dmarc'],
    resolver: dns.resolver,
    domains: ['localhost'],
    clock,
    random: systemRandom,
    supervisor,
    events: reportEvents(reception.platform.metrics),
  })
  sink = stack.use(await MailSink.open())
  const certificate = makeCertificate('reports.partner.example')
  web = createServer(certificate, (request, response) => void takePost(request, response)).listen(
    0,
    '127.0.0.1',
  )
  await once(web, 'listening')
  stack.defer(() => void web.close())
  const { port } = web.address() as AddressInfo
  const { dataDir } = reception.platform
  const keys = stack.use(
    new DkimKeys({ dataDir, domains: ['localhost'], resolver: dns.resolver, clock, random: systemRandom }),
  )
  for (const { name, record } of await keys.list('localhost')) dns.set({ [`${name} TXT`]: [record] })
  const routes = ['author', 'collector', 'elsewhere', 'partner'].map((name) => [
    `${name}.example`,
    sink.smarthost,
  ])
  fixture = stack.use(
    await createFlow(
      Object.fromEntries(routes) as Record<string, MailSink['smarthost']>,
      {},
      { clock },
      {
        collector,
        resolver: dns.resolver,
        signer: createDkimSigner({ keys, clock }),
        post: postPublic({ resolver: dns.resolver, port, ca: certificate.ca, allows: () => true }),
      },
    ),
  )
})
afterAll(() => stack.disposeAsync())

async function takePost(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { headers, url: path } = request
  posted.push({ type: headers['content-type'], path, bytes: await buffer(request) })
  response.writeHead(status).end()
}

function stagesOf(platform: TestReception['platform']) {
  const { domains, metrics } = platform
  const { resolver } = dns
  const events = createEvents(platform)
  return [
    senderAuthentication({
      resolver,
      domains,
      trustedSealers: [],
      events,
      identity: new ConnectionIdentity(resolver, 'localhost'),
      onVerdict: (...verdict) => collector.senderJudged(...verdict),
    }),
    reportIntakeStage({
      store: { add: (report) => store.add(report) },
      domains,
      clock: systemClock,
      events: { ...events, ...reportEvents(metrics) },
    }),
  ]
}

const letter = (from: string): string => `From: ${from}\r\nTo: bob@localhost\r\nSubject: hello\r\n\r\nA body.`

/** What is attached to a mail. */
function attachment({ message }: SunkMail): string {
  const [, encoded = ''] = /\.gz"\r\n\r\n([A-Za-z\d+/=\r\n]+)\r\n--/.exec(message) ?? []
  return gunzipSync(Buffer.from(encoded, 'base64')).toString()
}

/** The first mail to this address, when it is there. */
async function sunk(recipient: string): Promise<SunkMail> {
  for (let count = 0; ; count += 1) {
    const mail = await sink.next(count)
    if (mail.recipient === recipient) return mail
  }
}

describe('sending', () => {
  test('who asks for reports is counted, and nobody else; reports are not', async () => {
    const from = 'ann@author.example'
    for (const address of [GOOD, GOOD])
      expect(await mailFrom(reception, { address, from, text: letter(from) })).toMatch(/^250/)
    expect(await mailFrom(reception, { address: BAD, from, text: letter(from) })).toMatch(/^550/)
    const postmaster = { address: BAD, from, to: ['postmaster@localhost'], text: letter(from) }
    expect(await mailFrom(reception, postmaster)).toMatch(/^250/)
    const silent = 'ann@silent.example'
    expect(await mailFrom(reception, { address: GOOD, from: silent, text: letter(silent) })).toMatch(/^250/)
    await mailFrom(reception, { address: GOOD, from, to: ['dmarc-reports@localhost'], text: letter(from) })
    const policy = {
      type: 'sts',
      domain: 'partner.example',
      strings: ['version: STSv1'],
      mxHosts: ['*.x'],
    } as const
    const result = { domain: 'partner.example', policy, failure: undefined }
    const failure = {
      type: 'certificate-expired',
      mxHost: 'mx.partner.example',
      receivingIp: '192.0.2.1',
    } as const
    collector.tlsResult(result)
    collector.tlsResult({ ...result, failure })
    collector.tlsResult({ ...result, domain: 'silent.example' })
    await supervisor.idle()
    expect(collector.days.map(({ kind, domains }) => [kind, domains])).toEqual([
      ['dmarc', ['author.example']],
      ['tls', ['partner.example']],
    ])
  })

  test('nothing is sent before the day is over', async () => {
    for (const day of collector.days) day.sendAt = 0
    await clock.advance(MINUTE_MS - 1)
    await fixture.flow.reports.send()
    expect(sink.mails).toEqual([])
  })

  test('DMARC: what came in the name of a domain; elsewhere only to who agrees (RFC 9990 §4)', async () => {
    await clock.advance(MINUTE_MS)
    const mail = await sunk('rua@author.example')
    expect(attachment(await sunk('other@collector.example'))).toBe(attachment(mail))
    expect(mail.sender).toBe('dmarc-reports@localhost')
    const xml = attachment(mail)
    const reader = new DmarcReportReader()
    reader.write(xml)
    expect(reader.end()).toMatchObject({
      begin: Date.UTC(2026, 10, 19),
      counts: [
        { domain: 'author.example', result: 'pass-spf', count: 2 },
        { domain: 'author.example', result: 'fail-reject', count: 1 },
        { domain: 'author.example', result: 'fail-quarantine', count: 1 },
      ],
    })
    expect(xml.replaceAll('\n', '')).toMatch(
      /<domain>author\.example<\/domain><p>reject<\/p>.*<source_ip>203\.0\.113\.5<\/source_ip><count>2<\/count><policy_evaluated><disposition>pass<\/disposition><dkim>fail<\/dkim><spf>pass<\/spf><\/policy_evaluated>.*<header_from>author\.example<\/header_from><envelope_from>author\.example<\/envelope_from>.*<result>pass<\/result>/,
    )
    expect(xml).toMatch(/<disposition>quarantine<\/disposition>[^]*<type>local_policy<\/type>/)
    expect(xml).not.toContain('ann')
  })

  test('they are signed, and pass DMARC themselves (RFC 9990 §3.5.2)', async () => {
    const { message } = await sunk('rua@author.example')
    // The other one remembers that there were no keys.
    const fresh = createResolver({ servers: [dns.server], clock: systemClock, random: systemRandom })
    const { dkim } = await authenticate(message, {
      ip: BAD,
      helo: 'localhost',
      sender: 'dmarc-reports@localhost',
      resolver: mailauthResolver(fresh),
    })
    expect(dkim.results.map((each) => each.status.result)).toEqual(['pass', 'pass'])
    const header = MailHeader.parse(Buffer.from(message.slice(0, message.indexOf('\r\n\r\n') + 2)))
    expect(header?.value('subject')).toMatch(
      /^Report Domain: author\.example\tSubmitter: localhost\tReport-ID: <[\da-f]{16}\.author\.example@localhost>$/,
    )
  })

  test('TLS: by mail and by HTTPS; a server that is not well is asked again, and nobody twice (RFC 8460 §5.5)', async () => {
    const mail = await sunk('tls@partner.example')
    expect(mail.sender).toBe('tls-reports@localhost')
    expect(mail.message).toMatch(
      /\r\nTLS-Report-Domain: partner\.example\r\nTLS-Report-Submitter: localhost\r\n/,
    )
    expect(mail.message).toMatch(/h=[^;]*tls-report-domain:\s*tls-report-submitter/)
    await expect
      .poll(async () => fixture.platform.metrics.render())
      .toContain('smtp_reports_sent_total{kind="tls",outcome="failed"} 1')
    expect(collector.days.map(({ domains }) => domains)).toEqual([['partner.example']])
    status = 201
    const [day] = collector.days
    if (day !== undefined) day.sendAt = 0
    await fixture.flow.reports.send()
    expect(collector.days).toEqual([])
    expect(posted.map(({ type, path }) => [type, path])).toEqual(
      Array.from({ length: 2 }, () => ['application/tlsrpt+gzip', '/in?x']),
    )
    const text = gunzipSync(posted[1]?.bytes ?? '').toString()
    expect(attachment(mail)).toBe(text)
    expect(readTlsReport(text)?.counts).toEqual([
      { domain: 'partner.example', result: 'success', count: 1 },
      { domain: 'partner.example', result: 'certificate-expired', count: 1 },
    ])
    expect(sink.mails).toHaveLength(3)
  })

  test('then nothing of the day is left in a table', async () => {
    await using db = await openDb({ url: fixture.platform.databaseUrl, role: 'sealpost_smtp' })
    await expect
      .poll(async () => {
        await clock.advance(1_000)
        return db.query(sql`select id from smtp.mail`)
      })
      .toEqual([])
  })
})

test('the whole relay counts what comes in, and sends by itself when the day is over', async () => {
  await using more = new AsyncDisposableStack()
  const evening = new VirtualClock(Date.UTC(2026, 10, 20) - MINUTE_MS)
  // Reports are sent after a delay that is random: here it is none.
  const random = {
    ...systemRandom,
    bytes: (count: number) => (count === 4 ? Buffer.alloc(4) : systemRandom.bytes(count)),
  }
  const platform = { ...more.use(await createTestPlatform()), clock: evening, random }
  const { dataDir, databaseUrl: url, bus } = platform
  const db = more.use(await openDb({ url, role: 'sealpost_account' }))
  const accounts = more.use(createAccounts({ db, bus, clock: evening, random }))
  await accounts.create(parseJid('bob@localhost'), 'pass-word')
  const settings = { SEALPOST_DATA_DIR: dataDir, SMTP_REPORTS: 'dmarc', SMTP_GREYLIST: 'no' }
  const outside = more.use(await MailSink.open())
  const routes = new Map([['author.example', outside.smarthost]])
  const config = { ...defineConfig({ ...settings, SMTP_PROXY_NETWORKS: '127.0.0.1' }, readConfig), routes }
  const service = more.use(
    await createSmtpService(
      { ...config, mxPort: 0, submissionPort: 0, submissionsPort: 0, dnsServers: [dns.server] },
      platform,
      { keys: { find: () => Promise.resolve(undefined), submit: () => Promise.resolve() } },
    ),
  )
  const [mx = 0] = service.addresses.map(({ url: place }) => Number(new URL(place).port))
  const from = 'ann@author.example'
  const whole = { ports: { mx, submission: 0, submissions: 0 } } as TestReception
  expect(await mailFrom(whole, { address: GOOD, from, text: letter(from) })).toMatch(/^250/)
  await evening.advance(2 * MINUTE_MS)
  const mail = await outside.next(0)
  expect([mail.sender, mail.recipient]).toEqual(['dmarc-reports@localhost', 'rua@author.example'])
  expect(attachment(mail)).toContain(`<source_ip>${GOOD}</source_ip>\n<count>1</count>`)
})

describe('where reports go', () => {
  const world = (txt: NonNullable<World['txt']>, failing: readonly string[] = []) =>
    resolverOf(() => ({ txt, failing }))
  const agree = 'x.example._report._dmarc.y.example'

  test.each<[string, NonNullable<World['txt']>, string[], number]>([
    ['nowhere without a record', {}, [], 0],
    [
      'to the domain itself',
      { '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@x.example'] },
      ['mailto:a@x.example'],
      0,
    ],
    [
      'to another name of the same organization',
      { '_dmarc.x.example': ['v=DMARC1; psd=n; rua=mailto:a@mail.x.example'] },
      ['mailto:a@mail.x.example'],
      0,
    ],
    [
      'nowhere with two records',
      { '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@x.example', 'v=DMARC1'] },
      [],
      0,
    ],
    ['not elsewhere', { '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@y.example'] }, [], 1],
    [
      'elsewhere, where it is agreed to',
      { '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@y.example'], [agree]: ['v=DMARC1;'] },
      ['mailto:a@y.example'],
      0,
    ],
    [
      'elsewhere to another address that is named there',
      {
        '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@y.example'],
        [agree]: ['v=DMARC1; rua=mailto:b@y.example'],
      },
      ['mailto:b@y.example'],
      0,
    ],
    [
      'not from there to somebody else',
      {
        '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@y.example'],
        [agree]: ['v=DMARC1; rua=mailto:b@z.example'],
      },
      [],
      1,
    ],
    [
      'not elsewhere for a record that is none',
      { '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@y.example'], [agree]: ['something'] },
      [],
      1,
    ],
  ])('DMARC: %s (RFC 9990 §4)', async (_what, txt, uris, unverified) => {
    const found = await reportDestinations('dmarc', 'x.example', world(txt))
    expect(found.result === 'found' && [found.uris.map(({ uri }) => uri), found.unverified]).toEqual([
      uris,
      unverified,
    ])
  })

  test.each([
    ['the record', ['_dmarc.x.example']],
    ['the organization', ['_dmarc.y.example']],
    ['the agreement', [agree]],
  ])('later, when DNS does not tell %s now', async (_what, failing) => {
    const txt = { '_dmarc.x.example': ['v=DMARC1; rua=mailto:a@y.example'], [agree]: ['v=DMARC1'] }
    expect(await reportDestinations('dmarc', 'x.example', world(txt, failing))).toEqual({ result: 'failed' })
  })
})

const yesterday = (): number => Math.floor(Date.now() / DAY_MS - 1) * DAY_MS

function dmarcXml(id: string, domain = 'localhost', begin = yesterday()): string {
  return writeDmarcReport({
    organization: 'Reporter',
    email: 'x@reporter.example',
    id,
    begin: begin / 1000,
    end: begin / 1000 + 86_399,
    policy: { domain, p: 'none', adkim: 'r', aspf: 'r', testing: false },
    records: [
      {
        sourceIp: BAD,
        count: 7,
        disposition: 'none',
        dkim: true,
        spf: true,
        headerFrom: domain,
        dkimResults: [],
      },
    ],
  })
}

function tlsJson(id: string): string {
  return writeTlsReport({
    organization: 'Reporter',
    contact: 'x@reporter.example',
    id,
    begin: yesterday(),
    end: yesterday() + DAY_MS - 1000,
    policies: [
      {
        type: 'sts',
        domain: 'localhost',
        strings: [],
        mxHosts: [],
        succeeded: 4,
        failures: [],
      },
      {
        type: 'tlsa',
        domain: 'mx.localhost',
        strings: [],
        mxHosts: [],
        succeeded: 5,
        failures: [{ type: 'validation-failure', count: 2 }],
      },
    ],
  })
}

/** APPNOTE.TXT 4.3.7: what a reader of the first file needs. */
function zip(text: string): Buffer {
  const header = Buffer.alloc(30)
  header.write('PK\x03\x04', 'latin1')
  header.writeUInt16LE(8, 8)
  header.writeUInt16LE(1, 26)
  return Buffer.concat([
    header,
    Buffer.from('x'),
    deflateRawSync(text),
    Buffer.from('PK\x01\x02rest', 'latin1'),
  ])
}

interface Submitted {
  readonly file: Buffer
  readonly kind?: ReportMail['kind']
  readonly signed?: boolean
  readonly to?: readonly string[]
}

async function submit({ file, kind = 'dmarc', signed = true, to }: Submitted): Promise<string> {
  const recipient = parseAddress(`${kind}-reports@localhost`)
  const from = parseAddress('noreply@reporter.example')
  if (recipient === undefined || from === undefined) throw new Error('no addresses')
  const { header, body } = writeReportMail({
    kind,
    from,
    to: recipient,
    domain: 'localhost',
    submitter: 'reporter.example',
    id: 'x@reporter.example',
    date: Date.now(),
    begin: yesterday(),
    end: yesterday(),
    uniqueId: 'x',
    boundary: 'b',
    gzip: file,
  })
  const text = `${header.toString()}${body.toString()}`.replace(/\r\n$/, '')
  const signature = signed ? await sign(`${text}\r\n`) : ''
  return mailFrom(reception, {
    address: BAD,
    from: 'noreply@reporter.example',
    to: to ?? [`${kind}-reports@localhost`],
    text: signature + text,
  })
}

async function sign(text: string): Promise<string> {
  const content = contentOf(text)
  const hash = new BodyHash({ canonicalization: 'relaxed' })
  for await (const chunk of content.body()) hash.update(chunk)
  return dkimSignature({
    fields: content.fields.fields,
    bodyHash: hash.digest(),
    domain: 'reporter.example',
    key: { algorithm: 'ed25519', selector: 'key', privateKey },
    signedAt: 1_700_000_000,
  })
}

const listed = async () => store.list({ since: new Date(yesterday()).toISOString().slice(0, 10) })

describe('receiving', () => {
  test('reports are counted by day, reporter and outcome; once, however often they come', async () => {
    expect(await submit({ file: gzipSync(dmarcXml('1')) })).toMatch(/^250/)
    expect(await submit({ file: gzipSync(dmarcXml('1')) })).toMatch(/^250/)
    expect(await submit({ file: zip(dmarcXml('2')) })).toMatch(/^250/)
    expect(await submit({ file: Buffer.from(dmarcXml('3')) })).toMatch(/^250/)
    expect(await submit({ kind: 'tls', file: gzipSync(tlsJson('1')) })).toMatch(/^250/)
    const common = {
      domain: 'localhost',
      day: new Date(yesterday()).toISOString().slice(0, 10),
      reporter: 'reporter.example',
    }
    expect(await listed()).toEqual([
      { ...common, kind: 'dmarc', results: [{ result: 'pass', count: 21 }] },
      {
        ...common,
        kind: 'tls',
        results: [
          { result: 'success', count: 9 },
          { result: 'validation-failure', count: 2 },
        ],
      },
    ])
    expect(await store.list({ domain: 'other.example', since: '2000-01-01' })).toEqual([])
  })

  test.each<[string, Submitted, string]>([
    [
      'that nobody signed',
      { file: gzipSync(dmarcXml('4')), signed: false },
      '550 5.7.1 A report must be signed',
    ],
    ['that is none', { file: Buffer.from('nothing') }, '550 5.6.0 No report'],
    ['that is cut off', { file: gzipSync(dmarcXml('5')).subarray(0, 200) }, '550 5.6.0 No report'],
    ['with a document type', { file: Buffer.from(`<!DOCTYPE x>${dmarcXml('6')}`) }, '550 5.6.0 No report'],
    [
      'that grows beyond bounds',
      { file: gzipSync(Buffer.alloc(30 * 1024 * 1024, ' ')) },
      '550 5.6.0 No report',
    ],
    ['that is not UTF-8', { file: gzipSync(Buffer.from([0x3c, 0xff, 0x3e])) }, '550 5.6.0 No report'],
    ['in an encrypted zip', { file: Buffer.concat([zip('x').fill(1, 6, 7)]) }, '550 5.6.0 No report'],
    [
      'about another domain',
      { file: gzipSync(dmarcXml('7', 'other.example')) },
      '550 5.7.1 No report about these',
    ],
    ['about long ago', { file: gzipSync(dmarcXml('8', 'localhost', 0)) }, '550 5.7.1 No report about these'],
  ])('a report %s is refused', async (_what, submitted, reply) => {
    const before = await listed()
    expect(await submit(submitted)).toContain(reply)
    expect(await listed()).toEqual(before)
  })

  test('a mail that is for somebody else, too, is not refused for the report', async () => {
    const to = ['bob@localhost', 'dmarc-reports@localhost']
    expect(await submit({ file: Buffer.from('nothing'), to })).toMatch(/^250/)
  })

  test('one of our own users cannot make up a report', async () => {
    const from = ALICE
    const client = await signedInFrom(reception, GOOD, from)
    expect(await send(client, { from, to: ['tls-reports@localhost'], text: letter(from) })).toMatch(
      /^550 5\.7\.1/,
    )
  })

  test('they are kept for ninety days', async () => {
    await store.collect(Date.now() + 80 * DAY_MS)
    expect(await listed()).not.toEqual([])
    await store.collect(Date.now() + 92 * DAY_MS)
    expect(await listed()).toEqual([])
  })
})
