/** What others find: opendkim verifies our signatures; rspamd and ClamAV look at mail on its way in, and say what they should. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { createEvents } from '../../services/smtp/src/events.ts'
import { DkimKeys } from '../../services/smtp/src/signing/dkim-keys.ts'
import { createDkimSigner } from '../../services/smtp/src/signing/dkim-signer.ts'
import { scanningStages } from '../../services/smtp/src/stages/scanners/scanning.ts'
import { contentOf } from '../../services/smtp/test/content.ts'
import { openTestReception, send } from '../../services/smtp/test/reception.ts'
import type { TestReception } from '../../services/smtp/test/reception.ts'
import { testDns } from '../../services/smtp/test/test-dns.ts'
import { MALWARE, startClamd, startRspamd, verifyWithOpendkim } from './scanners.ts'

/** The generic test of spam filters. */
const GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'

const stack = new AsyncDisposableStack()
let reception: TestReception

beforeAll(async () => {
  const [clamd, rspamd] = [stack.use(await startClamd()), stack.use(await startRspamd())]
  reception = stack.use(
    await openTestReception({
      stages: ({ platform }) =>
        scanningStages({
          clamav: { place: { host: '127.0.0.1', port: clamd.port }, onFailure: 'defer' },
          rspamd: { url: new URL(`http://127.0.0.1:${String(rspamd.port)}`), onFailure: 'defer' },
          onStranger: () => undefined,
          onAccount: () => Promise.resolve(),
          domains: platform.domains,
          clock: platform.clock,
          events: createEvents(platform),
        }),
    }),
  )
})
afterAll(() => stack.disposeAsync())

async function mail(body: string): Promise<string> {
  const text = `From: ann@elsewhere.example\r\nSubject: hi\r\n\r\n${body}`
  return send(await reception.connect('mx'), { from: 'ann@elsewhere.example', to: ['bob@localhost'], text })
}

describe('scanners', () => {
  test('mail that neither minds is taken', async () => {
    expect(await mail(`Hello,\r\n${'harmless '.repeat(20_000)}`)).toMatch(/^250/)
  })

  test('rspamd rejects GTUBE', async () => {
    expect(await mail(GTUBE)).toBe('550 5.7.1 The mail is taken for spam')
  })

  test('ClamAV finds what its database has, in Base64 too', async () => {
    expect(await mail(MALWARE)).toBe('550 5.7.1 The mail contains malware')
    const attachment = Buffer.from(`some bytes ${MALWARE} and more`).toString('base64')
    const text = `From: ann@elsewhere.example\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${attachment}`
    const client = await reception.connect('mx')
    expect(await send(client, { from: 'ann@elsewhere.example', to: ['bob@localhost'], text })).toMatch(
      /^550 5\.7\.1/,
    )
  })

  test('more than clamd takes is not taken unseen', async () => {
    expect(await mail('x'.repeat(2_000_000))).toBe(
      '451 4.7.1 The mail cannot be scanned now, try again later',
    )
  })
})

test('opendkim verifies a signature of ours, and finds the change', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-dkim-'))
  await using dns = await testDns()
  using keys = new DkimKeys({
    dataDir,
    domains: ['ours.example'],
    resolver: dns.resolver,
    clock: systemClock,
    random: systemRandom,
  })
  const text = `From: Ann <ann@ours.example>\r\nTo: bob@elsewhere.example,\r\n\tcarla@elsewhere.example\r\nSubject:  two  blanks\r\nDate: Thu, 26 Nov 2026 00:00:00 +0000\r\n\r\nHello \t there \r\n\r\n\r\n`
  const signed =
    (await createDkimSigner({ keys, clock: systemClock }).sign('ours.example', contentOf(text))).toString() +
    text
  const records = new Map((await keys.list('ours.example')).map(({ name, record }) => [name, record]))
  expect(await verifyWithOpendkim(Buffer.from(signed), records)).toMatch(
    /verification \(s=r\d+, d=ours\.example, 2048-bit key\) succeeded/,
  )
  expect(await verifyWithOpendkim(Buffer.from(signed.replace('Hello', 'Hallo')), records)).toMatch(
    /signature verification failed|body hash mismatch/i,
  )
  await rm(dataDir, { recursive: true })
})
