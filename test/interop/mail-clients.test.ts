/** Real mail clients and a real mail server hand mail in: msmtp with SCRAM, swaks, Postfix with verified TLS. What they sent is looked at in a queue in memory. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { ALICE, openTestReception, PASSWORD } from '../../services/smtp/test/reception.ts'
import type { TestReception } from '../../services/smtp/test/reception.ts'
import { Postfix } from './postfix.ts'
import { Sealpost } from './sealpost.ts'

const BOB = 'bob@localhost'
const LINES = Array.from({ length: 2_000 }, (_, index) => `${'.'.repeat(index % 4)}line ${String(index)}`)
const MAIL = `From: ${ALICE}\nTo: ${BOB}\nSubject: from a client\n\n${LINES.join('\n')}\n`

let reception: TestReception
let directory: string

beforeAll(async () => {
  const sealpost = await Sealpost.start({})
  reception = await openTestReception({ databaseUrl: await sealpost.databaseUrl() })
  directory = await mkdtemp(join(tmpdir(), 'mail-clients-'))
  return async () => {
    await reception[Symbol.asyncDispose]()
    await sealpost[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  }
})

async function run(command: string, args: readonly string[], input: string): Promise<string> {
  const running = promisify(execFile)(command, args, { timeout: 30_000 })
  running.child.stdin?.end(input)
  const { stdout, stderr } = await running
  return stdout + stderr
}

/** What the queue was given since there were so many. */
async function arrived(before: number): Promise<{ account: boolean; body: string; header: string }> {
  const { account, body, header } = await reception.queue.mail(before + 1)
  return { account: account !== undefined, body: body.toString(), header: header.toString() }
}

const BODY = `${LINES.join('\r\n')}\r\n`

describe('msmtp', () => {
  test.each([
    ['scram-sha-256', 'submissions'],
    ['scram-sha-256', 'submission'],
    ['plain', 'submissions'],
    ['login', 'submission'],
  ] as const)('signs in by %s at %s, TLS verified, and sends', async (auth, entrance) => {
    const before = reception.queue.mails.length
    const file = join(directory, `msmtprc-${auth}-${entrance}`)
    const settings = [
      'account default',
      'host localhost',
      `port ${String(reception.ports[entrance])}`,
      `tls on`,
      `tls_starttls ${entrance === 'submission' ? 'on' : 'off'}`,
      `tls_trust_file ${reception.platform.caFile}`,
      `auth ${auth}`,
      `user ${ALICE}`,
      `password ${PASSWORD}`,
      `from ${ALICE}`,
    ]
    await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o600 })
    await run('msmtp', ['-C', file, BOB], MAIL)
    expect(await arrived(before)).toMatchObject({ account: true, body: BODY })
  })

  test('a wrong password is told as such', async () => {
    const file = join(directory, 'msmtprc-wrong')
    const settings = `host localhost\nport ${String(reception.ports.submissions)}\ntls on\ntls_starttls off\ntls_trust_file ${reception.platform.caFile}\nauth scram-sha-256\nuser ${ALICE}\npassword wrong\nfrom ${ALICE}\n`
    await writeFile(file, `account default\n${settings}`, { mode: 0o600 })
    await expect(run('msmtp', ['-C', file, BOB], MAIL)).rejects.toThrow(/535 5\.7\.8/)
  })
})

describe('swaks', () => {
  const swaks = (...args: readonly string[]): Promise<string> =>
    run(
      'swaks',
      ['--data', '-', '--helo', 'client.example', '--to', BOB, '--from', ALICE, ...args],
      MAIL.trimEnd(),
    )

  test.each(['PLAIN', 'LOGIN'])('submits with %s over TLS', async (mechanism) => {
    const before = reception.queue.mails.length
    const server = ['--server', `127.0.0.1:${String(reception.ports.submissions)}`, '--tls-on-connect']
    const account = ['--auth', mechanism, '--auth-user', ALICE, '--auth-password', PASSWORD]
    expect(await swaks(...server, ...account)).toContain('235 2.7.0')
    expect(await arrived(before)).toMatchObject({ account: true, body: BODY })
  })

  test('hands in at the mail exchanger, pipelined, after STARTTLS', async () => {
    const before = reception.queue.mails.length
    const server = ['--server', `127.0.0.1:${String(reception.ports.mx)}`, '--tls', '--pipeline']
    expect(await swaks(...server)).toContain('250 2.6.0 Queued')
    expect(await arrived(before)).toMatchObject({ account: false, body: BODY })
  })
})

test.runIf(process.getuid?.() === 0)(
  'Postfix delivers over verified TLS, and learns that a recipient does not exist',
  async () => {
    const before = reception.queue.mails.length
    await using postfix = await Postfix.start({
      relay: reception.ports.mx,
      caFile: reception.platform.caFile,
    })
    await postfix.send('sender@elsewhere.example', [BOB, 'nobody@localhost'], MAIL)
    expect(await arrived(before)).toMatchObject({ account: false, body: BODY })
    const log = await postfix.logged(/status=bounced/)
    expect(log).toMatch(/Verified TLS connection established to 127\.0\.0\.1.*TLSv1\.3/)
    expect(log).toMatch(/to=<bob@localhost>.*dsn=2\.6\.0, status=sent \(250 2\.6\.0 Queued as/)
    expect(log).toMatch(/to=<nobody@localhost>.*dsn=5\.1\.1, status=bounced/)
  },
)
