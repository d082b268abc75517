/** Debian's Dovecot with the configuration of infra/dovecot: LMTP in, IMAP and POP3 out to curl, users signed in by their SCRAM verifiers, suspended ones out. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parseJid } from '@sealpost/jid'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from './free-port.ts'
import { createFlow, enqueue, envelopeFor, type FlowFixture } from '../../services/smtp/test/flow.ts'

const INFRA = join(import.meta.dirname, '../../infra/dovecot')
const PASSWORD = 'pass-word'

let fixture: FlowFixture
let directory: string
let dovecot: ChildProcess
let ports: { lmtp: number; imap: number; pop3: number }
let ann: string

beforeAll(async () => {
  const [lmtp, imap, pop3] = [await freePort(), await freePort(), await freePort()]
  ports = { lmtp, imap, pop3 }
  fixture = await createFlow({}, { lmtp: { host: '127.0.0.1', port: lmtp } })
  ann = await fixture.account('ann')
  await fixture.account('bob')
  directory = await mkdtemp(join(tmpdir(), 'dovecot-'))
  await chmod(directory, 0o755)
  await configure()
  dovecot = spawn('dovecot', ['-F', '-c', join(directory, 'dovecot.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (let waited = 0; !(await reachable(ports.lmtp)); waited += 100) {
    if (waited > 15_000) throw new Error(await readFile(join(directory, 'log'), 'utf8'))
    await pause(100)
  }
})
afterAll(async () => {
  if (dovecot !== undefined) {
    const exited = once(dovecot, 'exit')
    dovecot.kill('SIGTERM')
    await exited
  }
  await fixture[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

/** The files of infra/dovecot, with the paths, ports and users of this test. */
async function configure(): Promise<void> {
  const { databaseUrl } = fixture.platform
  const role = `dovecot_${String(process.pid)}`
  const grant = await readFile(join(INFRA, 'grant.sql'), 'utf8')
  await administer(grant.replaceAll('sealpost_dovecot', role).replace('CHANGE-ME', PASSWORD))
  const { hostname, port, pathname, searchParams } = new URL(databaseUrl)
  const host = searchParams.get('host') ?? hostname
  const mails = join(directory, 'vmail')
  const sql = (await readFile(join(INFRA, 'sealpost-sql.conf.ext'), 'utf8'))
    .replace(
      /^connect = .*$/m,
      `connect = host=${host} port=${searchParams.get('port') ?? (port || '5432')} dbname=${pathname.slice(1)} user=${role} password=${PASSWORD}`,
    )
    .replace('/var/vmail', mails)
    .replaceAll("'vmail'", '65534')
  await writeFile(join(directory, 'sql.conf.ext'), sql)
  for (const name of ['cert.pem', 'key.pem'])
    await writeFile(join(directory, name), await readFile(join(fixture.platform.dataDir, 'tls', name)))
  await mkdir(mails)
  await chown(mails, 65_534, 65_534)
  const shipped = (await readFile(join(INFRA, 'dovecot.conf'), 'utf8'))
    .replaceAll('/etc/dovecot/private/', `${directory}/`)
    .replaceAll('/etc/dovecot/sealpost-sql.conf.ext', join(directory, 'sql.conf.ext'))
    .replace('port = 24', `port = ${String(ports.lmtp)}`)
    .replace('listen = *, ::', 'listen = 127.0.0.1')
  await writeFile(join(directory, 'dovecot.conf'), `${shipped}\n${ofThisTest()}`)
}

function ofThisTest(): string {
  return [
    `base_dir = ${join(directory, 'run')}`,
    `state_dir = ${join(directory, 'state')}`,
    `log_path = ${join(directory, 'log')}`,
    'first_valid_uid = 1',
    // Wrong passwords are slowed down by address, and all of this test come from one.
    'service anvil {\n unix_listener anvil-auth-penalty {\n mode = 0\n }\n}',
    // The socket of the tests' Postgres is in a directory of root's.
    'service auth {\n user = root\n}',
    `service imap-login {\n inet_listener imap {\n port = ${String(ports.imap)}\n }\n inet_listener imaps {\n port = 0\n }\n}`,
    `service pop3-login {\n inet_listener pop3 {\n port = ${String(ports.pop3)}\n }\n inet_listener pop3s {\n port = 0\n }\n}`,
    'service stats {\n unix_listener stats-writer {\n mode = 0666\n }\n}',
  ].join('\n')
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: fixture.platform.databaseUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function reachable(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** curl, a client of IMAP and POP3; rejects when it does not get what it asked for. */
async function curl(url: string, user: string, ...more: readonly string[]): Promise<string> {
  const ca = fixture.platform.caFile
  const { stdout } = await promisify(execFile)('curl', [
    '-sS',
    '--ssl-reqd',
    '--cacert',
    ca,
    '--max-time',
    '10',
    '-u',
    user,
    ...more,
    url,
  ])
  return stdout
}

const imap = (path: string, user = `ann@localhost:${PASSWORD}`): Promise<string> =>
  curl(`imap://localhost:${String(ports.imap)}/${path}`, user)

test.runIf(userInfo().uid === 0)('what comes in by LMTP is read over IMAP and POP3', async () => {
  await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('bob@localhost', 'ann@localhost'),
    body: 'over LMTP\r\n.\r\nend\r\n',
  })
  await expect.poll(() => fixture.flow.queue.list(10), { timeout: 20_000 }).toEqual([])
  const mail = await imap('INBOX/;UID=1')
  expect(mail).toMatch(/^Return-Path: <bob@localhost>\r\n/)
  expect(mail).toMatch(/Subject: hello\r\n\r\nover LMTP\r\n\.\r\nend\r\n$/)
  expect(await curl(`pop3://localhost:${String(ports.pop3)}/1`, `ann@localhost:${PASSWORD}`)).toContain(
    'over LMTP',
  )
})

test.runIf(userInfo().uid === 0)(
  'a wrong password, nobody, and a suspended account do not get in',
  async () => {
    await expect(imap('INBOX', 'ann@localhost:wrong')).rejects.toThrow()
    await expect(imap('INBOX', `nobody@localhost:${PASSWORD}`)).rejects.toThrow()
    await fixture.accounts.suspend(parseJid('ann@localhost'), 'abuse')
    await expect(imap('INBOX')).rejects.toThrow()
    await fixture.accounts.restore(parseJid('ann@localhost'))
    expect(await imap('')).toContain('INBOX')
  },
)

test.runIf(userInfo().uid === 0)('the mailbox has the quota of the plan', async () => {
  const { accounts } = fixture
  const quota = (user: string): Promise<string> =>
    curl(`imap://localhost:${String(ports.imap)}/`, `${user}:${PASSWORD}`, '-X', 'GETQUOTAROOT INBOX')
  await accounts.plans.set('small', { mailbox_mib: 3 })
  await accounts.plans.assign(parseJid('ann@localhost'), 'small')
  expect(await quota('ann@localhost')).toMatch(/STORAGE \d+ 3072/)
  expect(await quota('bob@localhost')).toMatch(/STORAGE \d+ 1048576/)
  const mail = {
    envelope: envelopeFor('bob@localhost', 'ann@localhost'),
    body: 'x'.repeat(76).concat('\r\n').repeat(50_000),
  }
  const id = await enqueue(fixture.flow, { account: ann, ...mail })
  await expect.poll(() => fixture.flow.queue.show(id)?.recipients[0]?.reason?.status).toMatch(/^4\./)
})
