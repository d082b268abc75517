import { generateKeyPairSync } from 'node:crypto'
import { authenticate, sealMessage } from 'mailauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BodyHash } from '../src/signing/body-hash.ts'
import { dkimSignature } from '../src/signing/dkim-signature.ts'
import { createEvents } from '../src/events.ts'
import { ConnectionIdentity } from '../src/stages/authentication/connection-identity.ts'
import { mailauthResolver } from '../src/stages/authentication/mailauth-resolver.ts'
import { senderAuthentication } from '../src/stages/authentication/sender-authentication.ts'
import { helloStage } from '../src/stages/hello.ts'
import { contentOf } from './content.ts'
import { connectFrom, mailFrom } from './outside.ts'
import { openTestReception, send } from './reception.ts'
import type { TestReception } from './reception.ts'
import { testDns } from './test-dns.ts'
import type { TestDns } from './test-dns.ts'

const GOOD = '203.0.113.5'
const BAD = '198.51.100.9'
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const rsaRecord = `v=DKIM1; p=${rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`

let reception: TestReception
let dns: TestDns

beforeAll(async () => {
  dns = await testDns({
    'pass.example TXT': [`v=spf1 ip4:${GOOD} -all`],
    'key._domainkey.pass.example TXT': [`v=DKIM1; k=ed25519; p=${raw}`],
    '_dmarc.pass.example TXT': ['v=DMARC1; p=reject'],
    '_dmarc.quarantine.example TXT': ['v=DMARC1; p=quarantine'],
    '_dmarc.lenient.example TXT': ['v=DMARC1; p=none'],
    '_dmarc.broken.example TXT': 'SERVFAIL',
    'seal._domainkey.list.example TXT': [rsaRecord],
    'seal._domainkey.stranger.example TXT': [rsaRecord],
    '5.113.0.203.in-addr.arpa PTR': ['mx.pass.example'],
    'mx.pass.example A': [GOOD],
    '9.100.51.198.in-addr.arpa PTR': ['mx.pass.example'],
  })
  reception = await openTestReception({
    proxies: ['127.0.0.1'],
    stages: ({ platform }) => {
      const { resolver } = dns
      const identity = new ConnectionIdentity(resolver, 'localhost')
      const { domains } = platform
      return [
        helloStage({ domains }),
        senderAuthentication({
          resolver,
          identity,
          domains,
          trustedSealers: ['list.example'],
          events: createEvents({ ...platform, metrics: platform.metrics }),
        }),
      ]
    },
  })
})
afterAll(async () => {
  await reception[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
})

function mail(from: string, more: readonly string[] = []): string {
  return [
    `From: ${from}`,
    'To: bob@localhost',
    'Subject: hello',
    'Date: Thu, 26 Nov 2026 00:00:00 +0000',
    ...more,
    '',
    'A body.',
  ].join('\r\n')
}

async function sign(text: string, domain: string): Promise<string> {
  const content = contentOf(`${text}\r\n`)
  const hash = new BodyHash({ canonicalization: 'relaxed' })
  for await (const chunk of content.body()) hash.update(chunk)
  const signature = await dkimSignature({
    fields: content.fields.fields,
    bodyHash: hash.digest(),
    domain,
    key: { algorithm: 'ed25519', selector: 'key', privateKey },
    signedAt: 1_700_000_000,
  })
  return signature + text
}

const results = (): string =>
  reception.queue.mails
    .at(-1)
    ?.header.toString()
    .replaceAll(/\r\n\s+/g, ' ')
    .split('\r\n')[0] ?? ''

describe('DMARC (RFC 9989 §5.4)', () => {
  test('SPF in the author’s domain passes, and the results are written', async () => {
    expect(
      await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text: mail('ann@pass.example') }),
    ).toMatch(/^250/)
    expect(results()).toMatch(/^Authentication-Results: localhost; dkim=none/)
    expect(results()).toContain('spf=pass')
    expect(results()).toContain('dmarc=pass')
    expect(results()).toContain(`iprev=pass policy.iprev=${GOOD}`)
  })

  test('a signature of the author’s domain passes from anywhere', async () => {
    const text = await sign(mail('ann@pass.example'), 'pass.example')
    expect(await mailFrom(reception, { address: BAD, from: 'bounce@lenient.example', text })).toMatch(/^250/)
    expect(results()).toMatch(
      /dkim=pass header\.d=pass\.example header\.i=@pass\.example.*dmarc=pass.*iprev=fail/,
    )
  })

  test('p=reject refuses what is neither; a changed body, a signature of another domain', async () => {
    const refused = '550 5.7.1 Refused by the DMARC policy of the author’s domain'
    const from = 'ann@pass.example'
    const signed = await sign(mail(from), 'pass.example')
    const count = reception.queue.mails.length
    expect(await mailFrom(reception, { address: BAD, from, text: mail(from) })).toBe(refused)
    expect(await mailFrom(reception, { address: BAD, from, text: signed.replace('A body', 'No body') })).toBe(
      refused,
    )
    expect(
      await mailFrom(reception, { address: GOOD, from: 'eve@elsewhere.example', text: mail(from) }),
    ).toBe(refused)
    expect(reception.queue.mails.length).toBe(count)
  })

  test('a subdomain inherits the policy; p=quarantine marks, p=none tells only, failing DNS does not refuse', async () => {
    expect(
      await mailFrom(reception, {
        address: BAD,
        from: 'a@sub.pass.example',
        text: mail('a@sub.pass.example'),
      }),
    ).toMatch(/^550 5\.7\.1/)
    const marked = mail('a@quarantine.example', ['X-Spam-Flag: NO'])
    expect(await mailFrom(reception, { address: BAD, from: 'a@quarantine.example', text: marked })).toMatch(
      /^250/,
    )
    expect(
      reception.queue.mails
        .at(-1)
        ?.header.toString()
        .match(/X-Spam-Flag: .*/g),
    ).toEqual(['X-Spam-Flag: YES'])
    expect(
      await mailFrom(reception, { address: BAD, from: 'a@lenient.example', text: mail('a@lenient.example') }),
    ).toMatch(/^250/)
    expect(results()).toContain('dmarc=fail')
    expect(reception.queue.mails.at(-1)?.header.toString()).not.toContain('X-Spam-Flag')
    expect(
      await mailFrom(reception, { address: BAD, from: 'a@broken.example', text: mail('a@broken.example') }),
    ).toMatch(/^250/)
    expect(results()).toContain('dmarc=temperror')
  })

  test.each([
    ['no From', 'To: bob@localhost\r\n\r\nbody'],
    ['two From fields', mail('ann@pass.example', ['From: eve@evil.example'])],
    ['From in two domains', mail('ann@pass.example, eve@evil.example')],
    ['From without a domain', mail('somebody')],
  ])('%s: nobody’s policy could be applied, it is refused', async (_what, text) => {
    expect(await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text })).toMatch(
      /^550 5\.7\.1 Exactly one From/,
    )
  })

  test.each([
    [
      'a thousand fields',
      mail(
        'ann@pass.example',
        Array.from({ length: 1_000 }, (_, index) => `X-${String(index)}: y`),
      ),
    ],
    ['a From of nine kilobytes', mail(`"${'x'.repeat(9_000)}" <ann@pass.example>`)],
    ['a field of three thousand lines', mail('ann@pass.example', [`X: a${'\r\n b'.repeat(3_000)}`])],
  ])('%s: refused, so that judging costs nobody anything', async (_what, text) => {
    expect(await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text })).toBe(
      '550 5.6.0 Header too complex',
    )
  })

  test('an l= that leaves a part of the body unsigned is nobody’s word (RFC 6376 §8.2)', async () => {
    const { signatures } = await (
      await import('mailauth')
    ).dkimSign(`${mail('a@pass.example')}\r\n`, {
      signatureData: [
        {
          signingDomain: 'list.example',
          selector: 'seal',
          privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
          maxBodyLength: 3,
        },
      ],
    } as never)
    dns.set({ '_dmarc.list.example TXT': ['v=DMARC1; p=reject'] })
    const text = signatures + mail('a@pass.example')
    await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text })
    expect(results()).toMatch(/dkim=policy/)
  })

  test('more signatures than are worth it, and one line of 8 MB, cost little', async () => {
    const signed = await sign(mail('ann@pass.example'), 'pass.example')
    const [signature = ''] = signed.split('From:')
    const many = Array.from({ length: 200 }, (_, index) =>
      signature.replace('bh=', `l=${String(index)}; bh=`),
    ).join('')
    const text = `${many}${mail('ann@pass.example')}${'x'.repeat(8_000_000)}`
    const before = process.cpuUsage()
    expect(await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text })).toMatch(/^250/)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(10_000)
  })
})

describe('ARC (RFC 8617)', () => {
  async function sealed(sealer: string): Promise<string> {
    const original = `${await sign(mail('ann@pass.example'), 'pass.example')}\r\n`
    const list = original
      .replace('Subject: hello', 'Subject: [list] hello')
      .replace('A body.', 'A body.\r\n-- \r\nfooter')
    const { arc, headers, dkim } = await authenticate(list, {
      ip: GOOD,
      sender: 'list@list.example',
      mta: sealer,
      resolver: mailauthResolver(dns.resolver),
    })
    expect(arc !== false && arc.status.result).toBe('none')
    const seal = await sealMessage(list, {
      signingDomain: sealer,
      selector: 'seal',
      privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cv: 'none',
      authResults: `${sealer}; dkim=pass header.i=@pass.example; ${String(dkim.results.length)}`
        .split('; ')
        .slice(0, 2)
        .join('; '),
    })
    expect(headers).toContain('Authentication-Results')
    return seal.toString() + list.replace(/\r\n$/, '')
  }

  test('a trusted list that changed a mail vouches for it', async () => {
    const text = await sealed('list.example')
    expect(await mailFrom(reception, { address: BAD, from: 'list@list.example', text })).toMatch(/^250/)
    expect(results()).toMatch(/arc=pass.*dmarc=fail/)
  })

  test('anybody else’s seal is told, and changes nothing', async () => {
    const text = await sealed('stranger.example')
    expect(await mailFrom(reception, { address: BAD, from: 'list@list.example', text })).toMatch(
      /^550 5\.7\.1/,
    )
  })
})

describe('Authentication-Results (RFC 8601 §5)', () => {
  test.each([
    'localhost; dkim=pass',
    'LOCALHOST; spf=pass',
    '(comment (in comment)) localhost 1; dmarc=pass',
    '"localhost"; dmarc=pass',
    '\r\n\tlocalhost;\r\n\tdmarc=pass',
    'mail.localhost; dmarc=pass',
    '(unclosed localhost; dmarc=pass',
  ])('a forged one goes: %j', async (value) => {
    const text = mail('ann@pass.example', [`Authentication-Results: ${value}`])
    await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text })
    expect(
      reception.queue.mails
        .at(-1)
        ?.header.toString()
        .match(/Authentication-Results/gi),
    ).toHaveLength(1)
  })

  test('those of others stay; one who is signed in does not bring ours', async () => {
    const text = mail('ann@pass.example', ['Authentication-Results: other.example; spf=pass'])
    await mailFrom(reception, { address: GOOD, from: 'ann@pass.example', text })
    expect(reception.queue.mails.at(-1)?.header.toString()).toContain('Authentication-Results: other.example')
  })

  test('no name of a stranger breaks out of the field', async () => {
    const client = await connectFrom(reception, GOOD, '"x;\tdmarc=pass')
    await send(client, {
      from: '"a\\"; dmarc=pass"@lenient.example',
      to: ['bob@localhost'],
      text: mail('a@lenient.example'),
    })
    const header = reception.queue.mails.at(-1)?.header.toString() ?? ''
    expect(header.startsWith('Authentication-Results: localhost;')).toBe(true)
  })
})

describe('EHLO', () => {
  test.each([
    ['localhost', '550'],
    ['LOCALHOST.', '550'],
    ['[192.0.2.1]', '550'],
    [`[${GOOD}]`, '250'],
    ['mail.elsewhere.example', '250'],
    ['whatever', '250'],
  ])('%s gets %s at RCPT', async (helo, code) => {
    const client = await connectFrom(reception, GOOD, helo)
    await client.ask('MAIL FROM:<a@lenient.example>')
    expect(await client.ask('RCPT TO:<postmaster@localhost>')).toMatch(/^250/)
    expect(await client.ask('RCPT TO:<bob@localhost>')).toMatch(new RegExp(`^${code}`))
  })

  test('the address of an IPv6 client, however it is written', async () => {
    const client = await connectFrom(reception, '2001:db8::5', '[IPv6:2001:0db8:0:0::5]')
    await client.ask('MAIL FROM:<a@lenient.example>')
    expect(await client.ask('RCPT TO:<bob@localhost>')).toMatch(/^250/)
  })
})
