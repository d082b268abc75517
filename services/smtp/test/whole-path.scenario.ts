/** From the port to the reader: TLS and SCRAM, queue, encryption on arrival, mailbox, gpg; and what is acknowledged cannot be had back. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '@sealpost/runtime'
import { scramClient } from '@sealpost/sasl'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SmtpClient } from './smtp-client.ts'
import { openWholeRelay, PASSWORD, type WholeRelay } from './whole-relay.ts'

const ALICE = 'alice@localhost'
const BOB = `bob@localhost:${PASSWORD}`
/** In a file of the spool. */
const LARGE = `${'large c4n4ry '.repeat(6)}\r\n`.repeat(5_000)

const stack = new AsyncDisposableStack()
let relay: WholeRelay
let home: string

beforeAll(async () => {
  relay = stack.use(await openWholeRelay())
  for (const name of ['alice', 'bob']) await relay.account(name)
  home = mkdtempSync(join(tmpdir(), 'sealpost-gpg-'))
  stack.defer(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(home, { recursive: true, force: true })
  })
  // Made a while ago: keys of the future are none.
  const made = ['--faked-system-time', '20260101T000000', '--passphrase', '']
  gpg([...made, '--quick-generate-key', 'bob@localhost', 'ed25519', 'default', '0'])
  const [, fingerprint = ''] =
    /^fpr:+([0-9A-F]{40}):/m.exec(gpg(['--list-keys', '--with-colons']).toString()) ?? []
  gpg([...made, '--quick-add-key', fingerprint, 'cv25519', 'encr', '0'])
  relay.published.set('bob@localhost', gpg(['--export']))
  const init = {
    method: 'PUT',
    body: '{"pgp":"on-arrival"}',
    headers: { 'content-type': 'application/json' },
  }
  expect((await relay.fetch('/v1/me/mail-settings', BOB, init)).status).toBe(200)
})
afterAll(() => stack.disposeAsync())

function gpg(args: readonly string[], input = ''): Buffer {
  const stdio = ['pipe', 'pipe', 'ignore'] as const
  return execFileSync('gpg', ['--batch', '--homedir', home, ...args], { input, stdio: [...stdio] })
}

/** SCRAM-SHA-256-PLUS, bound to the TLS that it is said under. */
async function signIn(client: SmtpClient): Promise<void> {
  const exchange = scramClient({
    hash: 'SHA-256',
    plus: true,
    username: ALICE,
    password: PASSWORD,
    random: (count) => systemRandom.bytes(count),
    channelBinding: { type: 'tls-exporter', data: client.channelBinding('tls-exporter') },
  })
  const said = (reply: string): string => Buffer.from(reply.slice(4), 'base64').toString()
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const first = await client.ask(`AUTH SCRAM-SHA-256-PLUS ${base64(exchange.first())}`)
  exchange.verify(said(await client.ask(base64(await exchange.final(said(first))))))
  expect(await client.ask('')).toMatch(/^235/)
}

async function send(entrance: 'mx' | 'submission', from: string, text: string): Promise<void> {
  using client = await relay.connect(entrance)
  await client.startTls(await readFile(relay.platform.caFile, 'utf8'))
  await client.ask('EHLO client.example')
  if (entrance === 'submission') await signIn(client)
  for (const line of [`MAIL FROM:<${from}>`, 'RCPT TO:<bob@localhost>', 'DATA']) await client.ask(line)
  const header = `From: <${from}>\r\nTo: <bob@localhost>\r\nSubject: subject-c4n4ry\r\n`
  expect(await client.ask(`${header}\r\n${text}\r\n.`)).toMatch(/^250/)
}

async function idsOfBob(): Promise<string[]> {
  const { items } = (await (await relay.fetch('/v1/mail', BOB)).json()) as { items: { id: string }[] }
  return items.map(({ id }) => id)
}

const rows = async (): Promise<number> =>
  (await relay.query<{ count: number }>('select count(*)::int as count from smtp.mail'))[0]?.count ?? -1

test('a mail of ours and one from elsewhere are read by gpg, acknowledged, and gone for ever', async () => {
  await send('submission', ALICE, 'Dear Bob, c4n4ry')
  await send('mx', 'carol@elsewhere.example', LARGE)
  await expect.poll(idsOfBob).toHaveLength(2)
  const ids = await idsOfBob()
  const decrypted: string[] = []
  for (const id of ids) {
    const mail = await (await relay.fetch(`/v1/mail/${id}`, BOB)).text()
    expect(mail).not.toContain('c4n4ry')
    decrypted.push(gpg(['--decrypt'], mail.slice(mail.indexOf('-----BEGIN'))).toString())
  }
  const isWhole = (text: string): boolean =>
    text.includes('Subject: subject-c4n4ry') && (text.includes('Dear Bob, c4n4ry') || text.includes(LARGE))
  expect(decrypted.filter(isWhole)).toHaveLength(2)
  await expect.poll(rows).toBe(2) // those of the queue are gone

  // A backup: what it holds can be read as long as the keys are there.
  const { dataDir } = relay.platform
  const [spool, copy] = [join(dataDir, 'spool'), join(dataDir, 'copy')]
  await relay.stop()
  await relay.query('create table public.copy as table smtp.mail')
  await cp(spool, copy, { recursive: true })
  const restore = async (): Promise<void> => {
    await relay.query('insert into smtp.mail select * from public.copy')
    await cp(copy, spool, { recursive: true })
    await relay.start()
  }
  await relay.query('delete from smtp.mail')
  await restore()
  expect(await idsOfBob()).toEqual(ids)
  expect(await relay.keys()).toBe(2)

  for (const id of ids) {
    expect((await relay.fetch(`/v1/mail/${id}`, BOB, { method: 'DELETE' })).status).toBe(204)
    expect((await relay.fetch(`/v1/mail/${id}`, BOB)).status).toBe(404)
  }
  expect(await relay.keys()).toBe(0)
  const left = async () => ({ rows: await rows(), files: await readdir(spool) })
  await expect.poll(left).toEqual({ rows: 0, files: [] })

  // The same backup, and nobody can read it any more.
  await relay.stop()
  await restore()
  expect(await idsOfBob()).toEqual([])
  expect(await left()).toEqual({ rows: 0, files: [] })
})

test('nothing of it is in logs or metrics', async () => {
  const everything = relay.platform.logged() + (await relay.platform.metrics.render())
  expect(everything).not.toMatch(/c4n4ry|elsewhere|bob|alice|127\.0\.0\.1/)
})
