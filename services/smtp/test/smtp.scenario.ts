import { readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createAccounts } from '@sealpost/accounts'
import { defineConfig } from '@sealpost/config'
import { openDb } from '@sealpost/db'
import { ensureCertificate } from '@sealpost/dev-env'
import { parseJid } from '@sealpost/jid'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { readConfig } from '../src/config.ts'
import { createSmtpService } from '../src/service.ts'
import type { SmtpService } from '../src/service.ts'
import { SmtpClient } from './smtp-client.ts'

const ALICE = 'alice-c4n4ry@localhost'
const PASSWORD = 'pass-c4n4ry-word'

let platform: TestPlatform
let service: SmtpService
let ports: number[]
let ca: string

beforeAll(async () => {
  platform = await createTestPlatform()
  const { bus, clock, random, databaseUrl } = platform
  service = await createSmtpService(
    {
      ...defineConfig({ SEALPOST_DATA_DIR: platform.dataDir }, readConfig),
      mxPort: 0,
      submissionPort: 0,
      submissionsPort: 0,
    },
    platform,
    { keys: { find: () => Promise.resolve(undefined), submit: () => Promise.resolve() } },
  )
  ports = service.addresses.map(({ url }) => Number(new URL(url).port))
  ca = await readFile(platform.caFile, 'utf8')
  await using db = await openDb({ url: databaseUrl, role: 'sealpost_account' })
  await using accounts = createAccounts({ db, bus, clock, random })
  await accounts.create(parseJid(ALICE), PASSWORD)
  await accounts.create(parseJid('suspended@localhost'), PASSWORD)
  await accounts.suspend(parseJid('suspended@localhost'), 'abuse')
})

afterAll(async () => {
  await service[Symbol.asyncDispose]()
  await platform[Symbol.asyncDispose]()
})

async function greet(client: SmtpClient): Promise<string> {
  onTestFinished(() => client[Symbol.dispose]())
  expect(await client.ask()).toMatch(/^220 localhost ESMTP/)
  return await client.ask('EHLO client.example')
}

async function mx(): Promise<{ client: SmtpClient; features: string }> {
  const client = await SmtpClient.connect(ports[0] ?? 0)
  return { client, features: await greet(client) }
}

async function submissions(): Promise<SmtpClient> {
  const client = await SmtpClient.connect(ports[2] ?? 0, { ca })
  await greet(client)
  return client
}

const plain = (username: string, password: string, authzid = ''): string =>
  `AUTH PLAIN ${Buffer.from(`${authzid}\0${username}\0${password}`).toString('base64')}`

test('reports about our domains are taken at addresses that are nobody’s, if they are proven', async () => {
  const { client } = await mx()
  await client.ask('MAIL FROM:<reports@elsewhere.example>')
  expect(await client.ask('RCPT TO:<TLS-reports@localhost>')).toMatch(/^250/)
  await client.ask('DATA')
  const reply = await client.ask('From: reports@elsewhere.example\r\n\r\n{}\r\n.')
  expect(reply).toMatch(/^550 5\.7\.1 A report must be signed/)
  expect(await platform.metrics.render()).toContain(
    'smtp_reports_received_total{kind="tls",outcome="unproven"} 1',
  )
})

test('the mail exchanger offers STARTTLS, SIZE and 8BITMIME, and never AUTH', async () => {
  const { client, features } = await mx()
  for (const feature of ['STARTTLS', 'SIZE 62914560', '8BITMIME']) expect(features).toContain(feature)
  expect(features).not.toContain('AUTH')
  await client.startTls(ca)
  expect(await client.ask('EHLO client.example')).not.toContain('AUTH')
  expect(await client.ask(plain(ALICE, PASSWORD))).toMatch(/^50[02]/)
})

test.each([
  ['stranger@elsewhere.example', '550 5.7.1'],
  [ALICE, '250 2.1.5'],
  ['Alice-C4n4ry@LOCALHOST', '250 2.1.5'],
  ['anybody@LOCALHOST', '550 5.1.1'],
  ['suspended@localhost', '550 5.1.1'],
  ['postmaster', '250 2.1.5'],
  ['Abuse@localhost', '250 2.1.5'],
  ['stranger@sub.localhost', '550 5.7.1'],
])('RCPT TO:<%s> on the mail exchanger: %s', async (recipient, reply) => {
  const { client } = await mx()
  expect(await client.ask('MAIL FROM:<sender@elsewhere.example> SIZE=1000 BODY=8BITMIME')).toMatch(/^250/)
  expect(await client.ask(`RCPT TO:<${recipient}>`)).toMatch(new RegExp(`^${reply}`))
  expect(await client.ask('DATA')).toMatch(reply.startsWith('250') ? /^354/ : /^503/)
})

test('TLS makes nobody a user: the mail exchanger relays for no stranger after STARTTLS', async () => {
  const { client } = await mx()
  await client.startTls(ca)
  await client.ask('EHLO client.example')
  await client.ask('MAIL FROM:<sender@elsewhere.example>')
  expect(await client.ask('RCPT TO:<stranger@elsewhere.example>')).toMatch(/^550 5\.7\.1/)
})

test('a message larger than the limit is refused before it is sent', async () => {
  const { client } = await mx()
  expect(await client.ask('MAIL FROM:<sender@elsewhere.example> SIZE=62914561')).toMatch(/^552/)
})

test('submission: no AUTH before TLS, no mail before AUTH, mail taken after it', async () => {
  const client = await SmtpClient.connect(ports[1] ?? 0)
  expect(await greet(client)).not.toContain('AUTH')
  expect(await client.ask(plain(ALICE, PASSWORD))).toMatch(/^538 5\.7\.11/)
  expect(await client.ask(`MAIL FROM:<${ALICE}>`)).toBe('530 5.7.0 Must issue a STARTTLS command first')
  await client.startTls(ca)
  expect(await client.ask('EHLO client.example')).toMatch(/AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN/)
  expect(await client.ask(`MAIL FROM:<${ALICE}>`)).toBe('530 5.7.0 Authentication required')
  expect(await client.ask(plain(ALICE, PASSWORD))).toMatch(/^235/)
  expect(await client.ask(`MAIL FROM:<${ALICE}>`)).toMatch(/^250/)
  expect(await client.ask('RCPT TO:<stranger@elsewhere.example>')).toMatch(/^250 2\.1\.5/)
})

test('AUTH LOGIN over implicit TLS', async () => {
  const client = await submissions()
  expect(await client.ask('AUTH LOGIN')).toBe('334 VXNlcm5hbWU6')
  expect(await client.ask(Buffer.from(ALICE).toString('base64'))).toBe('334 UGFzc3dvcmQ6')
  expect(await client.ask(Buffer.from(PASSWORD).toString('base64'))).toMatch(/^235/)
})

test.each([
  ['a wrong password', plain(ALICE, 'wrong')],
  ['an empty password', plain(ALICE, '')],
  ['a name that nobody has', plain('nobody@localhost', PASSWORD)],
  ['a foreign domain', plain('alice@elsewhere.example', PASSWORD)],
  ['no domain', plain('alice-c4n4ry', PASSWORD)],
  ['another identity', plain(ALICE, PASSWORD, 'bob@localhost')],
  ['a suspended account', plain('suspended@localhost', PASSWORD)],
  ['an endless name', plain(`${'a'.repeat(3_000)}@localhost`, PASSWORD)],
])('%s gets the same refusal', async (_what, command) => {
  const client = await submissions()
  expect(await client.ask(command)).toBe('535 5.7.8 Authentication credentials invalid')
})

test('the third wrong password on a connection ends it', async () => {
  const client = await submissions()
  await client.ask(plain(ALICE, 'wrong 1'))
  await client.ask(plain(ALICE, 'wrong 2'))
  expect(await client.ask(plain(ALICE, 'wrong 3'))).toMatch(/^421 4\.7\.0/)
  await client.untilClosed()
})

test('new connections give no new guesses: after ten failures the name is deferred for this client', async () => {
  const guess = async (): Promise<string> => {
    using client = await submissions()
    return await client.ask(plain('guessed@localhost', 'wrong'))
  }
  for (let count = 0; count < 10; count++) expect(await guess()).toMatch(/^535/)
  expect(await guess()).toMatch(/^454 4\.7\.0/)
  const client = await submissions()
  expect(await client.ask(plain(ALICE, PASSWORD))).toMatch(/^235/)
})

test('hostile bytes cost their own connection only', async () => {
  const attacks: readonly (string | Buffer)[] = [
    'x'.repeat(1_000_000),
    Buffer.alloc(100_000),
    'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'EHLO a\nMAIL FROM:<a@b>\nRCPT TO:<c@localhost>\nDATA\n.\n',
    'EHLO \u0000\r\nMAIL FROM:<>\r\nRCPT TO:<\r\n>\r\n',
    Buffer.from('1603010200010001fc0303', 'hex'),
  ]
  for (const port of ports.slice(0, 2))
    for (const attack of attacks) {
      using client = await SmtpClient.connect(port)
      client.send(attack)
      await client.ask()
    }
  using tls = await SmtpClient.connect(ports[2] ?? 0)
  tls.send('EHLO plain on the TLS port\r\n')
  await tls.untilClosed()
  const { features } = await mx()
  expect(features).toContain('STARTTLS')
})

test('a renewed certificate is served to new connections, the old ones go on', async () => {
  const { client } = await mx()
  const before = platform.tls.current().cert
  const renewed = Promise.withResolvers<void>()
  platform.tls.onChange(() => renewed.resolve())
  const directory = dirname(platform.caFile)
  await writeFile(`${directory}/cert.pem`, '')
  await ensureCertificate({ directory, domains: ['localhost'], clock: systemClock, random: systemRandom })
  await renewed.promise
  expect(platform.tls.current().cert).not.toBe(before)
  expect(await client.ask('NOOP')).toMatch(/^250/)
  await client.startTls(ca)
  expect(await client.ask('EHLO client.example')).toMatch(/^250/)
})

test('stopping ends connections within ten seconds; nothing of the conversations is in logs or metrics', async () => {
  const { client } = await mx()
  const before = performance.now()
  await service[Symbol.asyncDispose]()
  expect(performance.now() - before).toBeLessThan(10_000)
  await client.untilClosed()
  const everything = platform.logged() + (await platform.metrics.render())
  expect(everything).not.toMatch(/c4n4ry|127\.0\.0\.1|elsewhere/)
  expect(everything).toContain('smtp_sign_ins_total{outcome="accepted"}')
})
