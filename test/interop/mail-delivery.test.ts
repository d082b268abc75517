/**
 * The whole server, with nothing injected, brings mail to Debian's Postfix over an internet of one machine: by MTA-STS and by DANE, with unbound for DNSSEC. Mail
 * that cannot go privately waits and says why; what is refused for good comes back as a report that a bounce reader reads.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate } from '../../packages/http/test/_certificate.ts'
import { MailWorld, POLICY_ADDRESS } from './mail-world.ts'
import type { WorldZone } from './mail-world.ts'
import { Postfix } from './postfix.ts'
import { Sealpost } from './sealpost.ts'

const PASSWORD = 'pass-word'
const ALICE = 'alice@localhost'
/** Mail servers of the world: one that an authority knows, one that nobody knows, and the same over IPv6. */
const [KNOWN, UNKNOWN, SIX] = ['11.11.11.11', '11.11.11.12', '2a11:1100:0:100::25']
const known = makeCertificate('mx.sts.example')
const unknown = makeCertificate('mx.other.example')
const policies = ['sts.example', 'wrong.example', 'plain.example'].map((domain) => ({
  domain,
  text: `version: STSv1\nmode: enforce\nmx: mx.${domain}\nmax_age: 86400\n`,
  ...makeCertificate(`mta-sts.${domain}`),
}))

const keyOf = (pem: string): Buffer =>
  new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
const tlsa = (pem: string): string =>
  `_25._tcp.mx TLSA 3 1 1 ${createHash('sha256').update(keyOf(pem)).digest('hex')}`
const sts = (mx: string): string[] => [
  '@ MX 10 mx',
  `mx A ${mx}`,
  `mta-sts A ${POLICY_ADDRESS}`,
  '_mta-sts TXT "v=STSv1; id=1;"',
]
const mx = ['@ MX 10 mx', `mx A ${UNKNOWN}`]
const ZONES: readonly WorldZone[] = [
  { name: 'sts.example', kind: 'unsigned', records: sts(KNOWN) },
  { name: 'wrong.example', kind: 'unsigned', records: sts(UNKNOWN) },
  { name: 'match.example', kind: 'signed', records: [...mx, tlsa(unknown.cert)] },
  { name: 'mismatch.example', kind: 'signed', records: [...mx, tlsa(known.cert)] },
  { name: 'without.example', kind: 'signed', records: mx },
  { name: 'unsigned.example', kind: 'unsigned', records: [...mx, tlsa(known.cert)] },
  { name: 'six.example', kind: 'unsigned', records: ['@ MX 10 mx', `mx AAAA ${SIX}`] },
  { name: 'altered.example', kind: 'signed', altered: 'MX', records: [...mx, tlsa(unknown.cert)] },
  { name: 'stripped.example', kind: 'signed', altered: 'TLSA', records: [...mx, tlsa(known.cert)] },
]

const stack = new AsyncDisposableStack()
let sealpost: Sealpost
let world: MailWorld
let postfix: Postfix
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mail-delivery-'))
  stack.defer(() => rm(directory, { recursive: true }))
  world = stack.use(await MailWorld.create({ zones: ZONES, policies, addresses: [KNOWN, UNKNOWN, SIX] }))
  const authorities = join(directory, 'authorities.pem')
  await writeFile(authorities, [known.ca, ...policies.map(({ ca }) => ca)].join('\n'))
  postfix = stack.use(
    await Postfix.receive({
      prefix: world.prefix,
      doors: [
        { at: `${KNOWN}:25`, certificate: known },
        { at: `${UNKNOWN}:25`, certificate: unknown },
        { at: `[${SIX}]:25`, certificate: unknown },
      ],
      settings: { inet_protocols: 'all' },
      mailboxes: ZONES.map(({ name }) => `bob@${name}`),
    }),
  )
  sealpost = stack.use(
    await Sealpost.start({
      prefix: world.prefix,
      environment: { DNS_SERVERS: '127.0.0.1', NODE_EXTRA_CA_CERTS: authorities },
    }),
  )
  await sealpost.importAccounts([{ username: 'alice', password: PASSWORD }])
})
afterAll(() => stack.disposeAsync())

/** Submitted by msmtp, signed in by SCRAM-SHA-256 over TLS. */
async function submit(to: string): Promise<void> {
  const settings = {
    host: 'localhost',
    port: sealpost.submissionsPort,
    tls: 'on',
    tls_starttls: 'off',
    tls_trust_file: sealpost.caFile,
    auth: 'scram-sha-256',
    user: ALICE,
    password: PASSWORD,
    from: ALICE,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${String(value)}\n`)
  await writeFile(join(directory, 'msmtprc'), `account default\n${lines.join('')}`, { mode: 0o600 })
  const mail = `From: ${ALICE}\nTo: ${to}\nSubject: out\n\nto ${to}\n`
  await world.run('msmtp', ['-C', join(directory, 'msmtprc'), to], mail)
}

/** As the operator sees it: `DOMAIN REASON`, when the first attempt has ended. */
async function waiting(domain: string): Promise<string> {
  const line = new RegExp(` ${domain}  \\d+ attempts  next \\S+  (\\d.*)`)
  let reason: string | undefined
  await expect
    .poll(
      async () => {
        const { output } = await sealpost.ctl(['mail', 'queue'])
        return (reason = line.exec(output)?.[1])
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBeDefined()
  return reason ?? ''
}

async function arrived(domain: string): Promise<string> {
  await expect.poll(() => postfix.mails(`bob@${domain}`)).toHaveLength(1)
  const [mail = ''] = await postfix.mails(`bob@${domain}`)
  expect(mail).toContain(`to bob@${domain}\n`)
  return mail
}

const NOT_PRIVATE = 'The connection to the server could not be encrypted, or it is not who it should be'
const OVER_TLS = /using TLSv1\.3 with cipher [^]*by postfix\.elsewhere\.example \(Postfix\) with ESMTPS/

/** As its owner reads it. */
const mailbox = (path = ''): Promise<string> => {
  const url = `https://localhost:${String(sealpost.httpsPort)}/v1/mail${path}`
  return world.run('curl', ['-sS', '--fail', '--cacert', sealpost.caFile, '-u', `${ALICE}:${PASSWORD}`, url])
}

/** What Perl's reader of bounces, as mailing lists use it, finds in a report. */
const READ_BOUNCE = `use Mail::DeliveryStatus::BounceParser; local $/;
for my $report (Mail::DeliveryStatus::BounceParser->new(<STDIN>)->reports) {
  print join(" ", map { $report->get($_) =~ /(\\S+)/ } qw(email action status std_reason smtp_code)), "\\n";
}`

describe.runIf(process.getuid?.() === 0)('to Postfix', () => {
  test('MTA-STS enforce: over TLS to the server that the policy names and an authority knows', async () => {
    await submit('bob@sts.example')
    expect(await arrived('sts.example')).toMatch(OVER_TLS)
    expect(world.fetched).toEqual(['sts.example'])
    expect((await sealpost.ctl(['mail', 'queue'])).output).toContain('No mail waits')
  })

  test('MTA-STS enforce: nothing to a server with a certificate of somebody else, not in clear either', async () => {
    await submit('bob@wrong.example')
    expect(await waiting('wrong.example')).toBe(`450 4.7.5 ${NOT_PRIVATE}`)
    // The connection ended with the handshake: no mail was begun.
    expect(await postfix.logged(/disconnect from unknown\[[\d.]+\] ehlo=1 starttls=/)).not.toMatch(
      /wrong\.example/,
    )
  })

  test('DANE: to a server that no authority knows, when a signed zone has its key', async () => {
    await submit('bob@match.example')
    expect(await arrived('match.example')).toMatch(OVER_TLS)
  })

  test('DANE: nothing to a server with another key than the signed zone has', async () => {
    await submit('bob@mismatch.example')
    expect(await waiting('mismatch.example')).toBe(`450 4.7.5 ${NOT_PRIVATE}`)
  })

  test('no DANE without a signature or without records: over whatever TLS there is', async () => {
    for (const domain of ['unsigned.example', 'without.example']) {
      await submit(`bob@${domain}`)
      expect(await arrived(domain)).toMatch(OVER_TLS)
    }
  })

  test('a server with nothing but IPv6', async () => {
    await submit('bob@six.example')
    expect(await arrived('six.example')).toMatch(
      /^Received: from \S+ \(unknown \[IPv6:2a11:1100:0:100::25\]\)/m,
    )
  })

  test('a zone that was changed on the way is no answer: the mail waits', async () => {
    await submit('bob@altered.example')
    expect(await waiting('altered.example')).toBe('451 4.4.3 The domain cannot be looked up now')
  })

  test('DANE: nothing while its records are changed on the way, which would be how to be rid of them (RFC 7672 §2.1.2)', async () => {
    await submit('bob@stripped.example')
    expect(await waiting('stripped.example')).toBe(
      '451 4.7.5 The DANE records of the server cannot be looked up',
    )
  })

  test('what Postfix refuses comes back as a report that a bounce reader understands (RFC 3464)', async () => {
    await submit('nobody@sts.example')
    await expect.poll(() => mailbox()).toContain('"id"')
    const { items } = JSON.parse(await mailbox()) as { items: { id: string }[] }
    const report = await mailbox(`/${items[0]?.id ?? ''}`)
    expect(await world.run('perl', ['-e', READ_BOUNCE], report)).toBe(
      'nobody@sts.example failed 5.1.1 user_unknown 550\n',
    )
  })
})
