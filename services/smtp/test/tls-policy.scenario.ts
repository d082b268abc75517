/** How private the way out is: whatever is offered, what MTA-STS and DANE promise, what REQUIRETLS demands. Real servers on loopback, DNS by the table. */
import { X509Certificate, createHash } from 'node:crypto'
import { once } from 'node:events'
import { type Server, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../../../packages/http/test/_certificate.ts'
import { KnownPolicies } from '../src/delivery/known-policies.ts'
import { RemoteCarrier } from '../src/delivery/remote-carrier.ts'
import type { TlsResult } from '../src/delivery/tls-failure.ts'
import type { TlsaRecord } from '../src/dns/resolver.ts'
import type { Outcome } from '../src/queue/carrier.ts'
import { envelopeFor } from '../src/queue/_fixture.ts'
import { MailSink } from './mail-sink.ts'
import { resolverOf, unsigned, type World } from './peers.ts'

const DOMAIN = 'example.org'
const HOST = 'mx.example.org'
const known = makeCertificate(HOST)
const stranger = makeCertificate('other.example')
const misnamed = makeCertificate('other.example')
const sts = makeCertificate(`mta-sts.${DOMAIN}`)
const authorities = [known.ca, sts.ca, misnamed.ca].join('\n')

let world: World
let policy: string
let policies: Server
let fetched = 0
const results: TlsResult[] = []

beforeAll(async () => {
  policies = createServer({ cert: sts.cert, key: sts.key }, (_request, response) => {
    fetched += 1
    response.setHeader('content-type', 'text/plain')
    response.end(policy)
  }).listen(0, '127.0.0.1')
  await once(policies, 'listening')
})
afterAll(() => void policies.close())
afterEach(() => void results.splice(0))

const dns = (more: Partial<World> = {}): void => {
  world = {
    mx: { [DOMAIN]: [{ preference: 10, exchange: HOST }] },
    addresses: { [HOST]: ['127.0.0.1'], [`mta-sts.${DOMAIN}`]: ['127.0.0.1'] },
    ...more,
  }
}
const withPolicy = (mode: string, mx = HOST, more: Partial<World> = {}): void => {
  policy = `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 86400\n`
  dns({ txt: { [`_mta-sts.${DOMAIN}`]: ['v=STSv1; id=1;'] }, ...more })
}
const withRecords = (...records: readonly TlsaRecord[]): void =>
  dns({
    secure: [DOMAIN, HOST, `_${String(port())}._tcp.${HOST}`],
    tlsa: { [`_${String(port())}._tcp.${HOST}`]: records },
  })

let sink: MailSink
const port = (): number => sink.smarthost.port

async function open(
  certificate: { cert: string; key: string } | undefined = known,
  options = {},
): Promise<void> {
  sink = await MailSink.open(0, { certificate, ...options })
  onTestFinished(() => sink[Symbol.asyncDispose]())
}

async function send(
  requireTls = false,
  sender = 'ann@localhost',
  learned = new KnownPolicies(),
): Promise<Outcome | undefined> {
  using carrier = new RemoteCarrier({
    smarthost: undefined,
    routes: new Map(),
    resolver: resolverOf(() => world),
    signer: unsigned,
    name: 'localhost',
    ownNames: ['localhost'],
    allows: () => true,
    clock: systemClock,
    random: systemRandom,
    ca: authorities,
    port: port(),
    stsPort: (policies.address() as AddressInfo).port,
    policies: learned,
    onTlsResult: (result) => void results.push(result),
  })
  const envelope = { ...envelopeFor(sender, `bob@${DOMAIN}`), requireTls }
  const content = {
    header: Buffer.from('Subject: x\r\n\r\n'),
    bodyBytes: 6,
    body: async function* () {
      yield Buffer.from('text\r\n')
    },
  }
  const { signal } = new AbortController()
  const { outcomes } = await carrier.carry({
    id: '',
    mail: { envelope, content },
    acceptedAt: 0,
    destination: DOMAIN,
    recipients: envelope.recipients,
    signal,
  })
  return outcomes[0]
}

const delivered = { result: 'delivered' }
const refused = (status: string) => ({ result: 'deferred', reply: { status } })
const told = () => results.map(({ policy: { type }, failure }) => [type, failure?.type, failure?.reason])
const secure = (): boolean[] => sink.mails.map((mail) => mail.secure)

test('without a promise: TLS when it is offered, whoever it is', async () => {
  await open(stranger)
  dns()
  expect([await send(), secure()]).toMatchObject([delivered, [true]])
  expect(results).toEqual([
    { domain: DOMAIN, policy: { type: 'no-policy-found', domain: DOMAIN, strings: [], mxHosts: [] } },
  ])
})

test('without a promise: in clear when it is not offered, and when it does not work', async () => {
  await open(undefined, { tls: false })
  dns()
  expect([await send(), secure()]).toMatchObject([delivered, [false]])
  await open(known, { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })
  expect([await send(), secure()]).toMatchObject([delivered, [false]])
  expect(results.map(({ policy: { type }, failure }) => [type, failure?.type])).toEqual([
    ['no-policy-found', 'starttls-not-supported'],
    ['no-policy-found', 'validation-failure'],
  ])
  expect(results[0]?.failure).toMatchObject({ mxHost: HOST, receivingIp: '127.0.0.1' })
})

test('MTA-STS enforce: to the server that the policy names and that proves its name; the policy is kept', async () => {
  await open()
  withPolicy('enforce')
  const before = fetched
  expect([await send(), secure()]).toMatchObject([delivered, [true]])
  const strings = ['version: STSv1', 'mode: enforce', `mx: ${HOST}`, 'max_age: 86400']
  expect([fetched - before, results]).toEqual([
    1,
    [{ domain: DOMAIN, policy: { type: 'sts', domain: DOMAIN, strings, mxHosts: [HOST] } }],
  ])
})

test('MTA-STS: what was learned before holds where DNS hides it now (RFC 8461 §10.2)', async () => {
  const learned = new KnownPolicies()
  await open()
  withPolicy('enforce')
  expect(await send(false, undefined, learned)).toMatchObject(delivered)
  await open(stranger)
  dns()
  expect([await send(false, undefined, learned), sink.mails]).toMatchObject([refused('4.7.5'), []])
  expect(await send()).toMatchObject(delivered)
})

test.each([
  ['an unknown authority', stranger, {}, HOST, '4.7.5', 'certificate-not-trusted'],
  ['a certificate of somebody else', misnamed, {}, HOST, '4.7.5', 'certificate-host-mismatch'],
  ['no TLS', undefined, { tls: false }, HOST, '4.7.4', 'starttls-not-supported'],
  [
    'a server that the policy does not name',
    known,
    {},
    '*.example.org.example',
    '4.7.5',
    'validation-failure',
  ],
])('MTA-STS enforce: nothing goes out with %s', async (_what, certificate, options, mx, status, type) => {
  await open(certificate, options)
  withPolicy('enforce', mx)
  expect([await send(), sink.mails]).toMatchObject([refused(status), []])
  expect(told()).toEqual([['sts', type, results[0]?.failure?.reason]])
})

test('MTA-STS testing, and a policy that cannot be fetched, hinder nothing, and are told (RFC 8460 §4.3)', async () => {
  await open(stranger)
  withPolicy('testing', 'elsewhere.example')
  expect(await send()).toMatchObject(delivered)
  withPolicy('testing')
  expect(await send()).toMatchObject(delivered)
  withPolicy('enforce', HOST, { addresses: { [HOST]: ['127.0.0.1'], [`mta-sts.${DOMAIN}`]: [] } })
  expect(await send()).toMatchObject(delivered)
  withPolicy('nonsense')
  expect(await send()).toMatchObject(delivered)
  expect(told()).toEqual([
    ['sts', 'validation-failure', 'MX_NOT_IN_POLICY'],
    ['sts', 'certificate-not-trusted', expect.any(String)],
    ['sts', 'sts-policy-fetch-error', undefined],
    ['no-policy-found', undefined, undefined],
    ['sts', 'sts-policy-invalid', undefined],
    ['no-policy-found', undefined, undefined],
  ])
})

test('a TLS report goes out whatever its domain promises, and nobody is told of its session (RFC 8460 §3)', async () => {
  await open(stranger)
  withPolicy('enforce', 'elsewhere.example')
  expect(await send(false, 'tls-reports@localhost')).toMatchObject(delivered)
  expect(await send(false, 'dmarc-reports@localhost')).toMatchObject(refused('4.7.5'))
  expect(results).toEqual([])
})

const digest = (pem: string, { selector = 1, usage = 3, matching = 1 } = {}): TlsaRecord => {
  const certificate = new X509Certificate(pem)
  const subject =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const data =
    matching === 0
      ? subject
      : createHash(matching === 1 ? 'sha256' : 'sha512')
          .update(subject)
          .digest()
  return { usage, selector, matching, data: Buffer.from(data) }
}

test.each([
  ['the key', {}],
  ['the certificate', { selector: 0 }],
  ['the key as it is', { matching: 0 }],
  ['the certificate by SHA-512', { selector: 0, matching: 2 }],
])('DANE-EE by %s: whatever name and authority', async (_what, how) => {
  await open(stranger)
  withRecords(digest(stranger.cert, how))
  expect([await send(), secure()]).toMatchObject([delivered, [true]])
  expect(told()).toEqual([['tlsa', undefined, undefined]])
  expect(results[0]?.policy.strings[0]).toMatch(/^3 [01] [012] [\da-f]+$/)
})

test('DANE-TA: an authority in the chain, and the name', async () => {
  await open({ ...known, cert: `${known.cert}\n${known.ca}` })
  withRecords(digest(known.ca, { usage: 2, selector: 0 }))
  expect(await send()).toMatchObject(delivered)
  await open({ ...stranger, cert: `${stranger.cert}\n${stranger.ca}` })
  withRecords(digest(stranger.ca, { usage: 2, selector: 0 }))
  expect([await send(), sink.mails]).toMatchObject([refused('4.7.5'), []])
})

test('DANE: nothing goes to another key, in clear, or when the records cannot be looked up', async () => {
  await open(stranger)
  withRecords(digest(known.cert))
  expect([await send(), sink.mails]).toMatchObject([refused('4.7.5'), []])
  dns({ secure: [DOMAIN, HOST], failing: [`_${String(port())}._tcp.${HOST}`] })
  expect([await send(), sink.mails]).toMatchObject([refused('4.7.5'), []])
  await open(undefined, { tls: false })
  withRecords(digest(known.cert))
  expect([await send(), sink.mails]).toMatchObject([refused('4.7.4'), []])
  expect(told()).toEqual([
    ['tlsa', 'certificate-not-trusted', 'TLSA_NO_MATCH'],
    ['tlsa', 'dnssec-invalid', undefined],
    ['tlsa', 'starttls-not-supported', undefined],
  ])
})

test('DANE: records that nobody vouches for do not count; unusable ones still ask for encryption (RFC 7672 §2.2)', async () => {
  await open(stranger)
  withRecords(digest(known.cert))
  world = { ...world, secure: [] }
  expect(await send()).toMatchObject(delivered)
  withRecords(digest(known.cert, { usage: 1 }))
  expect(await send()).toMatchObject(delivered)
  await open(undefined, { tls: false })
  withRecords(digest(known.cert, { usage: 1 }))
  expect(await send()).toMatchObject(refused('4.7.4'))
  expect(told().map(([, type]) => type)).toEqual([undefined, 'tlsa-invalid', 'starttls-not-supported'])
})

test('DANE: of a server that is an alias, the records of the name at its end come first, if the alias is vouched for (RFC 7672 §2.2.2)', async () => {
  await open(stranger)
  const [first, end, middle] = [
    `_${String(port())}._tcp.${HOST}`,
    `_${String(port())}._tcp.end.example`,
    'middle.example',
  ]
  const withAlias = (tlsa: World['tlsa'], vouched: readonly string[] = [HOST, middle, 'end.example']): void =>
    dns({
      secure: [DOMAIN, first, end, ...vouched],
      cname: { [HOST]: [middle], [middle]: ['end.example'] },
      tlsa: tlsa ?? {},
    })
  const [right, wrong] = [[digest(stranger.cert)], [digest(known.cert)]]
  withAlias({ [first]: wrong, [end]: right })
  expect(await send()).toMatchObject(delivered)
  withAlias({ [first]: right, [end]: wrong })
  expect(await send()).toMatchObject(refused('4.7.5'))
  withAlias({ [first]: right })
  expect(await send()).toMatchObject(delivered)
  withAlias({ [first]: right, [end]: wrong }, [HOST]) // Nobody vouches for the second step.
  expect(await send()).toMatchObject(delivered)
})

test('REQUIRETLS: not to servers that nobody vouches for, nor to those that do not know it (RFC 8689 §4.2.1)', async () => {
  await open()
  dns()
  const failed = (status: string) => ({ result: 'failed', reply: { status } })
  expect([await send(true), sink.mails]).toMatchObject([failed('5.7.30'), []])
  await open(undefined, { tls: false })
  withPolicy('enforce')
  expect(await send(true)).toMatchObject(failed('5.7.10'))
  await open()
  withPolicy('enforce')
  expect(await send(true)).toMatchObject({ result: 'failed', reply: { status: '5.7.30' } })
  await open(known, { requireTls: true })
  expect([await send(true), secure()]).toMatchObject([delivered, [true]])
})
