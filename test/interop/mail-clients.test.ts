/** Real mail clients and a real mail server hand mail in: msmtp with SCRAM, swaks, Postfix with verified TLS. What they sent waits in the mailbox. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { Postfix } from './postfix.ts'
import { Sealpost } from './sealpost.ts'

const ALICE = 'alice@localhost'
const BOB = 'bob@localhost'
const PASSWORD = 'pass-word'
const LINES = Array.from({ length: 2_000 }, (_, index) => `${'.'.repeat(index % 4)}line ${String(index)}`)
const MAIL = `From: ${ALICE}\nTo: ${BOB}\nSubject: from a client\n\n${LINES.join('\n')}\n`

let sealpost: Sealpost
let directory: string

beforeAll(async () => {
  sealpost = await Sealpost.start({})
  await sealpost.importAccounts(['alice', 'bob'].map((username) => ({ username, password: PASSWORD })))
  directory = await mkdtemp(join(tmpdir(), 'mail-clients-'))
  return async () => {
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

async function api(path: string, method = 'GET'): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${BOB}:${PASSWORD}`).toString('base64')}`
  const url = `http://127.0.0.1:${String(sealpost.httpPort)}/v1/mail${path}`
  return await fetch(url, { method, headers: { authorization } })
}

/** The one mail that waits for Bob, which is acknowledged. Only of mail from other servers it is said where it came from. */
async function arrived(): Promise<{ fromServer: boolean; body: string }> {
  const waiting = async (): Promise<readonly { id: string }[]> =>
    ((await (await api('')).json()) as { items: { id: string }[] }).items
  await expect.poll(waiting).toHaveLength(1)
  const [{ id } = { id: '' }] = await waiting()
  const mail = await (await api(`/${id}`)).text()
  expect((await api(`/${id}`, 'DELETE')).status).toBe(204)
  const end = mail.indexOf('\r\n\r\n')
  return { fromServer: /^Received: /m.test(mail.slice(0, end)), body: mail.slice(end + 4) }
}

const portOf = (entrance: 'submission' | 'submissions'): string =>
  String(entrance === 'submission' ? sealpost.submissionPort : sealpost.submissionsPort)

const BODY = `${LINES.join('\r\n')}\r\n`

describe('msmtp', () => {
  test.each([
    ['scram-sha-256', 'submissions'],
    ['scram-sha-256', 'submission'],
    ['plain', 'submissions'],
    ['login', 'submission'],
  ] as const)('signs in by %s at %s, TLS verified, and sends', async (auth, entrance) => {
    const file = join(directory, `msmtprc-${auth}-${entrance}`)
    const settings = [
      'account default',
      'host localhost',
      `port ${portOf(entrance)}`,
      `tls on`,
      `tls_starttls ${entrance === 'submission' ? 'on' : 'off'}`,
      `tls_trust_file ${sealpost.caFile}`,
      `auth ${auth}`,
      `user ${ALICE}`,
      `password ${PASSWORD}`,
      `from ${ALICE}`,
    ]
    await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o600 })
    await run('msmtp', ['-C', file, BOB], MAIL)
    expect(await arrived()).toEqual({ fromServer: false, body: BODY })
  })

  test('a wrong password is told as such', async () => {
    const file = join(directory, 'msmtprc-wrong')
    const settings = `host localhost\nport ${portOf('submissions')}\ntls on\ntls_starttls off\ntls_trust_file ${sealpost.caFile}\nauth scram-sha-256\nuser ${ALICE}\npassword wrong\nfrom ${ALICE}\n`
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
    const server = ['--server', `127.0.0.1:${portOf('submissions')}`, '--tls-on-connect']
    const account = ['--auth', mechanism, '--auth-user', ALICE, '--auth-password', PASSWORD]
    expect(await swaks(...server, ...account)).toContain('235 2.7.0')
    expect(await arrived()).toEqual({ fromServer: false, body: BODY })
  })

  test('hands in at the mail exchanger, pipelined, after STARTTLS', async () => {
    const server = ['--server', `127.0.0.1:${String(sealpost.mxPort)}`, '--tls', '--pipeline']
    expect(await swaks(...server)).toContain('250 2.6.0 Queued')
    expect(await arrived()).toEqual({ fromServer: true, body: BODY })
  })
})

test.runIf(process.getuid?.() === 0)(
  'Postfix delivers over verified TLS, and learns that a recipient does not exist',
  async () => {
    await using postfix = await Postfix.start({
      relay: sealpost.mxPort,
      caFile: sealpost.caFile,
    })
    await postfix.send('sender@elsewhere.example', [BOB, 'nobody@localhost'], MAIL)
    expect(await arrived()).toEqual({ fromServer: true, body: BODY })
    const log = await postfix.logged(/status=bounced/)
    expect(log).toMatch(/Verified TLS connection established to 127\.0\.0\.1.*TLSv1\.3/)
    expect(log).toMatch(/to=<bob@localhost>.*dsn=2\.6\.0, status=sent \(250 2\.6\.0 Queued as/)
    expect(log).toMatch(/to=<nobody@localhost>.*dsn=5\.1\.1, status=bounced/)
  },
)
