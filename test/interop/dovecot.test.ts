/** Debian's Dovecot as the mailbox server: LMTP in, IMAP and POP3 out to real clients, users signed in by their SCRAM verifiers, suspended ones out. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { parseJid } from '@sealpost/jid'
import { Secret } from '@sealpost/config'
import { systemClock } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createFlow, enqueue, envelopeFor, type FlowFixture } from '../../services/smtp/test/flow.ts'
import { type DoveadmPlace, expungeOld } from '../../services/smtp/src/mailbox/doveadm.ts'
import { freePort } from './free-port.ts'
import { asDovecot, Dovecot, DOVEADM_KEY, dovecotPorts } from './dovecot.ts'
import type { DovecotPorts } from './dovecot.ts'

const PASSWORD = 'pass-word'
const run = promisify(execFile)

const stack = new AsyncDisposableStack()
let fixture: FlowFixture
let dovecot: Dovecot
let ports: DovecotPorts
let ann: string
let doveadm: DoveadmPlace
const { signal } = new AbortController()

beforeAll(async () => {
  ports = await dovecotPorts()
  doveadm = {
    url: new URL(`http://127.0.0.1:${String(ports.http)}`),
    key: Secret.of(DOVEADM_KEY),
  }
  fixture = stack.use(await createFlow({}, { lmtp: { host: '127.0.0.1', port: ports.lmtp }, doveadm }))
  ann = await fixture.account('ann')
  await fixture.account('bob')
  const { databaseUrl, dataDir } = fixture.platform
  dovecot = stack.use(await Dovecot.start({ ports, databaseUrl, dataDir }))
})
afterAll(() => stack.disposeAsync())

/** curl, a client of IMAP and POP3; rejects when it does not get what it asked for. */
async function curl(url: string, user: string, ...more: readonly string[]): Promise<string> {
  const ca = fixture.platform.caFile
  const { stdout } = await run('curl', [
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

const imap = (
  path: string,
  user = `ann@localhost:${PASSWORD}`,
  ...more: readonly string[]
): Promise<string> => curl(`imap://localhost:${String(ports.imap)}/${path}`, user, ...more)

test('what comes in by LMTP is read over IMAP and POP3', async () => {
  await enqueue(fixture.flow, {
    account: ann,
    envelope: envelopeFor('bob@localhost', 'ann@localhost'),
    body: 'over LMTP\r\n.\r\nend\r\n',
  })
  await expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
  const mail = await imap('INBOX/;UID=1')
  expect(mail).toMatch(/^Return-Path: <bob@localhost>\r\n/)
  expect(mail).toMatch(/Subject: hello\r\n\r\nover LMTP\r\n\.\r\nend\r\n$/)
  expect(await curl(`pop3://localhost:${String(ports.pop3)}/1`, `ann@localhost:${PASSWORD}`)).toContain(
    'over LMTP',
  )
})

/** Files of clients. */
async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mailbox-client-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

async function deliver(body: string): Promise<void> {
  const envelope = envelopeFor('bob@localhost', 'ann@localhost')
  await enqueue(fixture.flow, { account: ann, envelope, body })
  await expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
}

test('mbsync signs in by SCRAM-SHA-256 over IMAP and fetches', async () => {
  await deliver('for mbsync\r\n')
  const directory = await scratch()
  const settings = `IMAPAccount ann
Host localhost
Port ${String(ports.imap)}
User ann@localhost
Pass ${PASSWORD}
SSLType STARTTLS
SystemCertificates no
CertificateFile ${fixture.platform.caFile}
AuthMechs SCRAM-SHA-256

IMAPStore far
Account ann

MaildirStore near
Path ${directory}/
Inbox ${directory}/INBOX

Channel mail
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
SyncState *
`
  await writeFile(join(directory, 'mbsyncrc'), settings, { mode: 0o600 })
  await run('mbsync', ['-c', join(directory, 'mbsyncrc'), 'mail'])
  const names = await readdir(join(directory, 'INBOX', 'new'))
  const mails = await Promise.all(
    names.map((name) => readFile(join(directory, 'INBOX', 'new', name), 'utf8')),
  )
  expect(mails.join('')).toContain('for mbsync')
  expect(await dovecot.log()).toMatch(/imap-login: Info: Login: .*method=SCRAM-SHA-256/)
})

/** Fetches by POP3 and, unless told, deletes there. */
async function mpop({ keep = false } = {}): Promise<string> {
  const directory = await scratch()
  const settings = {
    host: 'localhost',
    port: ports.pop3,
    tls: 'on',
    tls_starttls: 'on',
    tls_trust_file: fixture.platform.caFile,
    auth: 'scram-sha-256',
    user: 'ann@localhost',
    password: PASSWORD,
    keep: keep ? 'on' : 'off',
    uidls_file: join(directory, 'uidls'),
    delivery: `mbox ${join(directory, 'mails')}`,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${String(value)}\n`)
  await writeFile(join(directory, 'mpoprc'), `account default\n${lines.join('')}`, { mode: 0o600 })
  await run('mpop', ['-C', join(directory, 'mpoprc')])
  return await readFile(join(directory, 'mails'), 'utf8').catch(() => '')
}

/** Mails of ann. */
async function count(mailbox: string): Promise<number> {
  const found = await dovecot.doveadm('search', '-u', 'ann@localhost', 'mailbox', mailbox, 'all')
  return found.split('\n').filter((line) => line !== '').length
}

test('what is older than the plan says is gone for good from all mailboxes, also of who is suspended', async () => {
  const { accounts } = fixture
  await accounts.plans.set('short', { mailbox_days: 3 })
  await accounts.plans.assign(parseJid('ann@localhost'), 'short')
  await deliver('old at last\r\n')
  await dovecot.doveadm('mailbox', 'create', '-u', 'ann@localhost', 'Friends')
  await dovecot.doveadm('copy', '-u', 'ann@localhost', 'Friends', 'mailbox', 'INBOX', 'text', 'last')
  await accounts.suspend(parseJid('ann@localhost'), 'abuse')
  const retain = async (days: number): Promise<void> => {
    await dovecot.setForward(days)
    await expungeOld(doveadm, { user: ann, days: 3, clock: systemClock, signal })
  }
  await retain(2)
  expect(await count('Friends')).toBe(1)
  await retain(4)
  expect([await count('*'), await dovecot.mailsHolding('old at last')]).toEqual([0, []])
  await accounts.restore(parseJid('ann@localhost'))
})

test('mpop signs in by SCRAM-SHA-256 over POP3; what it deletes can be had back for seven days, and is gone after', async () => {
  await deliver('deleted by mistake\r\n')
  const before = await count('INBOX')
  expect(await mpop()).toContain('deleted by mistake')
  expect(await dovecot.log()).toMatch(/pop3-login: Info: Login: .*method=SCRAM-SHA-256/)
  await dovecot.setForward(6)
  await dovecot.doveadm('expunge', '-A', 'mailbox', 'Expunged', 'savedbefore', '7d')
  expect([await count('INBOX'), await count('Expunged')]).toEqual([0, before])
  expect(await dovecot.mailsHolding('deleted by mistake')).toHaveLength(1)
  // By the operator, and by its owner.
  await dovecot.doveadm('move', '-u', 'ann@localhost', 'INBOX', 'mailbox', 'Expunged', 'all')
  expect(await mpop()).toContain('deleted by mistake')
  await imap('Expunged', undefined, '-X', 'UID MOVE 1:* INBOX')
  expect(await mpop()).toContain('deleted by mistake')
  await dovecot.setForward(14)
  await imap('INBOX', undefined, '-X', 'NOOP') // Sessions collect what is old when they end.
  await expect.poll(() => count('Expunged')).toBe(0)
  expect(await count('INBOX')).toBe(0)
  expect(await dovecot.mailsHolding('deleted by mistake')).toEqual([])
})

test('a wrong password and nobody do not get in', async () => {
  await expect(imap('INBOX', 'ann@localhost:wrong')).rejects.toThrow()
  await expect(imap('INBOX', `nobody@localhost:${PASSWORD}`)).rejects.toThrow()
})

/** An IMAP session that waits for mail. */
async function idle(user: string): Promise<{ closed: Promise<string> }> {
  const ca = await readFile(fixture.platform.caFile)
  const socket = connectTls({ port: ports.imaps, host: '127.0.0.1', servername: 'localhost', ca })
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const closed = once(socket, 'close').then(() => said)
  socket.write(`a LOGIN ${user} ${PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n`)
  await vi.waitUntil(() => said.includes('+ idling'), { timeout: 30_000 })
  return { closed }
}

test('a suspended account is out at once: its open session ends, it does not sign in, others stay', async () => {
  await idle('bob@localhost')
  const ofAnn = await idle('ann@localhost')
  await fixture.accounts.suspend(parseJid('ann@localhost'), 'abuse')
  expect(await ofAnn.closed).toMatch(/\* BYE/)
  await expect(imap('INBOX')).rejects.toThrow()
  expect(await dovecot.doveadm('who')).toMatch(/^bob@localhost/m)
  await fixture.accounts.restore(parseJid('ann@localhost'))
  expect(await imap('')).toContain('INBOX')
})

test('a suspended account’s open session of POP3 ends, too', async () => {
  const ca = await readFile(fixture.platform.caFile)
  const socket = connectTls({ port: ports.pop3s, host: '127.0.0.1', servername: 'localhost', ca })
  onTestFinished(() => void socket.destroy())
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const closed = once(socket, 'close')
  socket.write(`USER ann@localhost\r\nPASS ${PASSWORD}\r\nSTAT\r\n`)
  await vi.waitUntil(() => /^\+OK \d+ \d+\r$/m.test(said), { timeout: 30_000 })
  await fixture.accounts.suspend(parseJid('ann@localhost'), 'abuse')
  await closed
  await fixture.accounts.restore(parseJid('ann@localhost'))
})

test('Dovecot’s role reads who may sign in, and neither changes that nor sees accounts', async () => {
  const client = new Client(asDovecot(fixture.platform.databaseUrl))
  await client.connect()
  onTestFinished(() => client.end())
  const code = (text: string): Promise<string> =>
    client.query(text).then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
  for (const view of ['mail_sign_in', 'mail_login', 'mail_user']) {
    expect(await code(`select * from account.${view}`)).toBe('done')
    // 55000: nobody could, since the view is no simple one.
    expect(await code(`delete from account.${view}`)).toMatch(/^(?:42501|55000)$/)
  }
  for (const text of [
    'select from account.account',
    'update account.account set id = id',
    'delete from account.account',
    'create table account.own (id int)',
    'select from smtp.mail',
    'set role sealpost_account',
  ])
    expect([text, await code(text)]).toEqual([text, '42501'])
})

test('who was suspended while the relay did not follow is out when it does', async () => {
  await fixture.restart({ doveadm: undefined })
  const { closed } = await idle('ann@localhost')
  await fixture.accounts.suspend(parseJid('ann@localhost'), 'abuse')
  expect(await dovecot.doveadm('who')).toContain('ann@localhost')
  await fixture.restart()
  expect(await closed).toMatch(/\* BYE/)
  await fixture.accounts.restore(parseJid('ann@localhost'))
})

test('of a terminated account no mail is left nor anything cached of one, and only then it is erased', async () => {
  const { accounts } = fixture
  const pending = (): Promise<string[]> => accounts.erasure.pending('smtp')
  const cat = await fixture.account('cat')
  const session = `cat@localhost:${PASSWORD}`
  const envelope = envelopeFor('bob@localhost', 'cat@localhost')
  const header = 'From: <bob@localhost>\r\nSubject: secret\r\n\r\n'
  await enqueue(fixture.flow, { account: ann, envelope, header, body: 'remains of cat\r\n' })
  await expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
  await dovecot.doveadm(
    'mailbox',
    'create',
    '-u',
    'cat@localhost',
    'Relatives',
    'Relatives.Old',
    'Expunged.More',
  )
  await dovecot.doveadm('copy', '-u', 'cat@localhost', 'Relatives.Old', 'mailbox', 'INBOX', 'all')
  await imap('Relatives.Old', session, '-X', 'FETCH 1:* (ENVELOPE)') // Fills the caches.
  await imap('INBOX', session, '-X', 'FETCH 1:* (ENVELOPE)')
  await dovecot.doveadm('copy', '-u', 'cat@localhost', 'Expunged', 'mailbox', 'INBOX', 'all')
  expect((await dovecot.mailsHolding('remains of cat')).length).toBeGreaterThan(1)
  expect((await dovecot.mailsHolding('secret')).length).toBeGreaterThan(1)
  await fixture.restart({
    doveadm: { ...doveadm, url: new URL(`http://127.0.0.1:${String(await freePort())}`) },
  })
  await accounts.terminate(parseJid('cat@localhost'))
  await expect.poll(() => fixture.platform.logged()).toContain('smtp_queue_troubled')
  expect(await pending()).toEqual([cat])
  await fixture.restart()
  await expect.poll(pending).toEqual([])
  for (const text of ['remains of cat', 'secret']) expect(await dovecot.mailsHolding(text)).toEqual([])
})

test('the mailbox has the quota of the plan', async () => {
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
  const reason = (): string => fixture.flow.queue.show(id)?.recipients[0]?.reason?.status ?? ''
  await expect.poll(reason).toMatch(/^4\./)
})

test('what Dovecot logs of sessions and mails names nobody', async () => {
  const lines = (await dovecot.log()).split('\n').filter((line) => line.includes(': Info: '))
  expect(lines.length).toBeGreaterThan(20)
  expect(lines.filter((line) => /\b(?:ann|bob|cat|nobody)\b/.test(line))).toEqual([])
})
