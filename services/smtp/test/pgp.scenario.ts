/** RFC 3156 from the port to the mailbox: who takes and sends what, and what is encrypted on arrival. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { decrypt, generateKey, readMessage, type PrivateKey } from 'openpgp'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Account, MailPgpMode } from '@sealpost/accounts'
import { openDb, type Db } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { encryptionReader, MailHeader } from '@sealpost/mail'
import { createPasswordCheck } from '@sealpost/accounts'
import { PortError } from '@sealpost/ports'
import type { Content } from '../src/content.ts'
import { createEvents } from '../src/events.ts'
import type { Arrival } from '../src/mailbox/arrival.ts'
import { MailSettingsStore, type OnMissingKey } from '../src/pgp/mail-settings.ts'
import { pgpArrival } from '../src/pgp/pgp-arrival.ts'
import { PgpPolicy } from '../src/pgp/pgp-policy.ts'
import { RecipientKeys } from '../src/pgp/recipient-keys.ts'
import { SessionKeyThread } from '../src/pgp/session-key-thread.ts'
import type { Envelope } from '../src/reception/stage.ts'
import { mailSettingsRoutes } from '../src/routes/mail-settings.ts'
import { pgpPolicyStage } from '../src/stages/pgp-policy.ts'
import { ALICE, openTestReception, PASSWORD, send, type TestReception } from './reception.ts'

const BOB = 'bob@localhost'
const SENDER = 'sender@elsewhere.example'
const vector = new URL('../../../test/vectors/openpgp/encrypted/js-v6-x25519.txt', import.meta.url)
const base64 = readFileSync(vector, 'utf8')
  .split('\n')
  .filter((line) => /^[A-Za-z0-9+/]/.test(line))
const armored = [
  '-----BEGIN PGP MESSAGE-----',
  'Version: X',
  '',
  ...base64,
  '-----END PGP MESSAGE-----',
].join('\r\n')
const lines = (...all: readonly string[]): string => all.join('\r\n')
const pgpMime = lines(
  `From: ${ALICE}`,
  'Subject: x',
  'Sealpost-Encrypted: at-relay; fpr=forged',
  'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=B',
  '',
  '--B',
  'Content-Type: application/pgp-encrypted',
  '',
  'Version: 1',
  '',
  '--B',
  'Content-Type: application/octet-stream; name="secret plan.asc"',
  '',
  armored,
  '',
  '--B--',
)
const inline = lines(`From: ${ALICE}`, 'Subject: x', '', armored)
const plain = lines(`From: ${ALICE}`, 'Subject: secret c4n4ry', '', 'Dear Bob')
const report = lines(
  'From: MAILER-DAEMON@elsewhere.example',
  'Auto-Submitted: auto-replied',
  'Content-Type: multipart/report; report-type=delivery-status; boundary=R',
  '',
  '--R--',
)

let reception: TestReception
let db: Db
let settings: MailSettingsStore
let policy: PgpPolicy
let keys: RecipientKeys
let thread: SessionKeyThread
let arrival: Arrival
let bob: Account
let alice: Account
/** What the directory has published; an error: it is away. */
const published = new Map<string, Buffer | Error>()
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  reception = stack.use(
    await openTestReception({
      stages: ({ accounts, platform }) => [
        // Made below, over the same database.
        pgpPolicyStage({
          accounts,
          domains: platform.domains,
          policy: { of: (account) => policy.of(account) },
          keys: { find: (address) => keys.find(address) },
        }),
      ],
    }),
  )
  const { platform, accounts } = reception
  const { bus, clock, random, databaseUrl } = platform
  db = stack.use(await openDb({ url: databaseUrl, role: 'sealpost_smtp' }))
  settings = stack.use(new MailSettingsStore(db, bus))
  policy = stack.use(new PgpPolicy({ settings, domains: accounts.domains, server: 'optional', bus }))
  const directory = {
    find: (address: string) => {
      const found = published.get(address)
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found)
    },
  }
  thread = stack.use(new SessionKeyThread(clock))
  keys = new RecipientKeys({ directory, sources: [], thread, onError: () => undefined })
  arrival = pgpArrival({ policy, keys, random, events: createEvents(platform) })
  const find = async (address: string): Promise<Account> => {
    const account = await accounts.find(parseJid(address))
    if (account === undefined) throw new Error('no account')
    return account
  }
  bob = await find(BOB)
  alice = await find(ALICE)
})
afterAll(() => stack.disposeAsync())
beforeEach(async () => {
  published.clear()
  await settings.erase(bob.id)
  await settings.erase(alice.id)
  await setDomain(undefined)
})

const setDomain = (mailPgp: MailPgpMode | undefined): Promise<void> =>
  reception.accounts.domains.setPolicy('localhost', {
    e2ee: undefined,
    storage: undefined,
    messageTtlSeconds: undefined,
    mailPgp,
  })
const choose = (account: Account, pgp: MailPgpMode, onMissingKey?: OnMissingKey): Promise<void> =>
  settings.put(account.id, { pgp, onMissingKey })

const fromOutside = async (text: string, { from = SENDER, to = [BOB] } = {}): Promise<string> =>
  await send(await reception.connect('mx'), { from, to, text })
const fromAlice = async (text: string, to: readonly string[]): Promise<string> =>
  await send(await reception.signedIn(), { from: ALICE, to, text })

async function makeKey(address = BOB): Promise<PrivateKey> {
  const date = new Date(Date.now() - 60_000)
  const userIDs = [{ email: address }]
  const { privateKey } = await generateKey({ type: 'curve25519', userIDs, date, format: 'object' })
  published.set(address, Buffer.from(privateKey.toPublic().write()))
  return privateKey
}

describe('at the port', () => {
  test('by default everybody takes everything', async () => {
    for (const text of [plain, inline, pgpMime, report]) expect(await fromOutside(text)).toMatch(/^250/)
  })

  test('who takes encrypted mail alone gets nothing else, and senders are told what to do', async () => {
    await choose(bob, 'required')
    const refused =
      /^550 5\.7\.1 Encryption needed: the recipient takes encrypted mail only; encrypt the whole mail/
    expect(await fromOutside(plain)).toMatch(refused)
    expect(await fromOutside(inline)).toMatch(refused)
    expect(await fromOutside(pgpMime.replace('Version: 1', 'Version: 1\r\nDear Bob'))).toMatch(refused)
    expect(await fromOutside(pgpMime.replace('--B--', ''))).toMatch(refused)
    expect(await fromOutside(pgpMime)).toMatch(/^250/)
    expect(await fromOutside(lines('Secure-Join: vc-request', '', 'Secure-Join: vc-request'))).toMatch(/^250/)
    expect(await fromAlice(plain, [BOB])).toMatch(refused)
    expect(await fromAlice(pgpMime, [BOB])).toMatch(/^250/)
  })

  test('reports of mail servers come in everywhere, but from the null sender only', async () => {
    await choose(bob, 'required')
    expect(await fromOutside(report, { from: '' })).toMatch(/^250/)
    expect(await fromOutside(report)).toMatch(/^550 5\.7\.1/)
    expect(await fromOutside(plain, { from: '' })).toMatch(/^550 5\.7\.1/)
    await choose(bob, 'on-arrival')
    expect(await fromOutside(report, { from: '' })).toMatch(/^250/)
    expect((await arrived(report)).header.value('auto-submitted')).toBe('auto-replied')
    await makeKey()
    expect((await arrived(report)).header.value('subject')).toBe('...')
  })

  test('who runs the server always takes mail', async () => {
    await setDomain('required')
    expect(await fromOutside(plain, { to: ['abuse@localhost'] })).toMatch(/^250/)
  })

  test('who sends encrypted mail alone sends nothing else, to anybody', async () => {
    await choose(alice, 'required')
    const refused = /^550 5\.7\.1 Encryption needed: your account sends encrypted mail only/
    expect(await fromAlice(plain, ['carol@elsewhere.example'])).toMatch(refused)
    expect(await fromAlice(pgpMime, ['carol@elsewhere.example'])).toMatch(/^250/)
  })

  test('the domain decides for all its accounts; they may be stricter, not laxer', async () => {
    await setDomain('required')
    expect(await fromOutside(plain)).toMatch(/^550 5\.7\.1/)
    await choose(bob, 'optional')
    expect(await fromOutside(plain)).toMatch(/^550 5\.7\.1/)
    await setDomain('on-arrival')
    await choose(bob, 'required')
    expect(await fromOutside(plain)).toMatch(/^550 5\.7\.1/)
    await setDomain(undefined)
    await choose(bob, 'optional')
    expect(await fromOutside(plain)).toMatch(/^250/)
  })

  test('recipients who want different things get mail from elsewhere in transactions of their own', async () => {
    await choose(bob, 'required')
    const client = await reception.connect('mx')
    await client.ask(`MAIL FROM:<${SENDER}>`)
    expect(await client.ask(`RCPT TO:<${ALICE}>`)).toMatch(/^250/)
    expect(await client.ask(`RCPT TO:<${BOB}>`)).toMatch(/^452 4\.5\.3/)
    await client.ask('DATA')
    expect(await client.ask(`${plain}\r\n.`)).toMatch(/^250/)
    expect(await fromAlice(plain, [ALICE, BOB])).toMatch(/^550 5\.7\.1/)
  })

  test('on arrival without a key: what the account has chosen', async () => {
    await choose(bob, 'on-arrival')
    expect(await fromOutside(plain)).toMatch(/^550 5\.7\.1 Encryption needed: the recipient has no key here/)
    expect(await fromOutside(inline)).toMatch(/^250/)
    await choose(bob, 'on-arrival', 'defer')
    expect(await fromOutside(plain)).toMatch(/^450 4\.7\.1/)
    await choose(bob, 'on-arrival', 'plain')
    expect(await fromOutside(plain)).toMatch(/^250/)
    await choose(bob, 'on-arrival')
    await makeKey()
    expect(await fromOutside(plain)).toMatch(/^250/)
    published.set(BOB, new PortError('PORT_UNREACHABLE'))
    expect(await fromOutside(plain)).toMatch(/^250/)
  })

  test('encrypted mail of our users loses what tells about it outside; mail from elsewhere passes as it came', async () => {
    const count = reception.queue.mails.length
    await fromAlice(pgpMime, [BOB])
    await fromOutside(pgpMime)
    const [ours, theirs] = [await reception.queue.mail(count + 1), await reception.queue.mail(count + 2)]
    expect(ours.body.toString()).toContain('filename="attachment.pgp"')
    expect(ours.body.toString()).not.toMatch(/secret plan|Version: X/)
    expect(theirs.body.toString()).toContain('secret plan')
    for (const { header } of [ours, theirs]) expect(header.toString()).not.toContain('Sealpost-Encrypted')
  })
})

const envelope: Envelope = {
  sender: undefined,
  recipients: [],
  smtpUtf8: false,
  eightBit: true,
  requireTls: false,
  returnContent: undefined,
  envelopeId: undefined,
}

function contentOf(text: string | Buffer): Content {
  const bytes = Buffer.from(text as string)
  const end = bytes.indexOf('\r\n\r\n') + 4
  const body = bytes.subarray(end)
  return {
    header: bytes.subarray(0, end),
    bodyBytes: body.length,
    async *body() {
      for (let at = 0; at < body.length; at += 65_536)
        yield await Promise.resolve(body.subarray(at, at + 65_536))
    },
  }
}

async function readBody(content: Content): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content.body()) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  expect(body.length).toBe(content.bodyBytes)
  return body
}

async function arrived(text: string | Buffer): Promise<{ header: MailHeader; body: Buffer }> {
  const prepared = await arrival.prepare(bob, envelope, contentOf(text))
  if (prepared.result !== 'content') throw new Error(prepared.reply.text)
  const header = MailHeader.parse(prepared.content.header)
  if (header === undefined) throw new Error('no header')
  const body = await readBody(prepared.content)
  expect((await readBody(prepared.content)).equals(body)).toBe(true)
  return { header, body }
}

const messageOf = (body: Buffer): string => {
  const text = body.toString('latin1')
  return text.slice(text.indexOf('-----BEGIN'), text.indexOf('-----END') + 25)
}

const letter = Buffer.from(
  lines(
    'Received: from x by y',
    `From: ${SENDER}`,
    `To: ${BOB}`,
    'Subject: secret c4n4ry',
    'Message-ID: <1@elsewhere.example>',
    'Autocrypt: addr=sender@elsewhere.example; keydata=AAAA',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    'X-Custom: c4n4ry',
    '',
    'Dear Bob, grüß Gott c4n4ry',
    '',
  ),
)

describe('on arrival', () => {
  beforeEach(() => choose(bob, 'on-arrival'))

  test('what is readable is encrypted as a whole; outside stands what is needed to sort and answer it', async () => {
    const key = await makeKey()
    const { header, body } = await arrived(letter)
    expect(header.toBuffer().toString()).not.toContain('c4n4ry')
    expect(header.value('subject')).toBe('...')
    expect(header.value('sealpost-encrypted')).toBe(`at-relay; fpr=${key.getFingerprint().toUpperCase()}`)
    for (const name of ['received', 'from', 'to', 'message-id', 'autocrypt'])
      expect(header.values(name)).toEqual(MailHeader.parse(letter)?.values(name))
    const reader = encryptionReader(header)
    reader?.write(body)
    expect(reader?.end()).toEqual({ kind: 'pgp-mime', armorHeaders: [] })
    const message = await readMessage({ armoredMessage: messageOf(body) })
    const decrypted: { data: unknown } = await decrypt({ message, decryptionKeys: key, format: 'binary' })
    expect(Buffer.from(decrypted.data as Uint8Array).toString()).toBe(
      letter
        .toString()
        .replace('Received: from x by y\r\n', '')
        .replace('utf-8', 'utf-8;\r\n\tprotected-headers="v1"'),
    )
  })

  test('gpg decrypts it', async () => {
    const home = mkdtempSync(join(tmpdir(), 'sealpost-gpg-'))
    onTestFinished(() => {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
      rmSync(home, { recursive: true, force: true })
    })
    const gpg = (args: readonly string[], input = ''): Buffer =>
      execFileSync('gpg', ['--batch', '--homedir', home, ...args], {
        input,
        stdio: ['pipe', 'pipe', 'ignore'],
      })
    gpg([
      '--faked-system-time',
      '20260101T000000',
      '--passphrase',
      '',
      '--quick-generate-key',
      BOB,
      'rsa2048',
      'default',
      '0',
    ])
    gpg([
      '--faked-system-time',
      '20260101T000000',
      '--passphrase',
      '',
      '--quick-add-key',
      fingerprintOf(gpg(['--list-keys', '--with-colons'])),
      'rsa2048',
      'encr',
      '0',
    ])
    published.set(BOB, gpg(['--export']))
    const { body } = await arrived(letter)
    expect(gpg(['--decrypt'], messageOf(body)).toString()).toContain('grüß Gott c4n4ry')
  })

  test.each([
    ['PGP/MIME', () => pgpMime],
    ['an armored text', () => inline],
    [
      'S/MIME',
      () =>
        lines(
          'Content-Type: application/pkcs7-mime',
          'Content-Transfer-Encoding: base64',
          '',
          Buffer.from('308006092a864886f70d010703a080', 'hex').toString('base64'),
          '',
        ),
    ],
  ])('nothing is encrypted twice: %s', async (_, text) => {
    await makeKey()
    const { header, body } = await arrived(text())
    expect(header.value('subject')).toBe(MailHeader.parse(Buffer.from(text()))?.value('subject'))
    expect(body.toString()).not.toMatch(/secret plan/)
    const again = await arrived(Buffer.concat([header.toBuffer(), body]))
    expect(again.body.equals(body)).toBe(true)
  })

  test('what was encrypted here is not encrypted again', async () => {
    await makeKey()
    const once = await arrived(letter)
    const twice = await arrived(Buffer.concat([once.header.toBuffer(), once.body]))
    expect(twice.body.equals(once.body)).toBe(true)
  })

  test('without a key the account’s choice holds; when the directory is away, the mail waits', async () => {
    const outcome = async (): Promise<unknown> => {
      const prepared = await arrival.prepare(bob, envelope, contentOf(letter))
      return prepared.result === 'content'
        ? prepared.content.header.toString()
        : [prepared.result, prepared.reply.code]
    }
    expect(await outcome()).toEqual(['refused', 550])
    await choose(bob, 'on-arrival', 'defer')
    expect(await outcome()).toEqual(['deferred', 450])
    await choose(bob, 'on-arrival', 'plain')
    expect(await outcome()).toContain('secret c4n4ry')
    published.set(BOB, new PortError('PORT_UNREACHABLE'))
    expect(await outcome()).toEqual(['deferred', 451])
    await makeKey('carol@localhost')
    published.set(BOB, published.get('carol@localhost') ?? Buffer.alloc(0))
    await choose(bob, 'on-arrival')
    expect(await outcome()).toEqual(['refused', 550])
  })

  test('with mode optional mail stays as it came, but for the disguise', async () => {
    await settings.erase(bob.id)
    expect((await arrived(letter)).header.toBuffer().toString()).toContain('secret c4n4ry')
    expect((await arrived(inline)).body.toString()).toContain('Version: X')
    expect((await arrived(pgpMime)).body.toString()).toContain('filename="attachment.pgp"')
  })

  test('45 MB are encrypted in memory that does not grow with them, and nobody waits for it', async () => {
    const key = await makeKey()
    const chunk = Buffer.from(`${'x'.repeat(76)}\r\n`.repeat(800))
    const bodyBytes = chunk.length * 720
    const big: Content = {
      header: Buffer.from('Subject: big\r\n\r\n'),
      bodyBytes,
      async *body() {
        // A turn of the event loop each, as what is read from a file.
        for (let sent = 0; sent < bodyBytes; sent += chunk.length) yield await setImmediate(chunk)
      },
    }
    const prepared = await arrival.prepare(bob, envelope, big)
    if (prepared.result !== 'content') throw new Error('not encrypted')
    const before = process.memoryUsage().rss
    let [bytes, most] = [0, 0]
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    for await (const piece of prepared.content.body()) {
      bytes += piece.length
      most = Math.max(most, process.memoryUsage().rss - before)
    }
    delay.disable()
    expect(bytes).toBe(prepared.content.bodyBytes)
    expect(bytes).toBeGreaterThan(60_000_000)
    // V8 lets 64 MiB of buffers pile up before it collects them, whatever the size of the mail: 70 to 131 MB were seen.
    expect(most).toBeLessThan(160_000_000)
    // Others are served meanwhile: that it is encrypted in this thread costs them little.
    expect(delay.percentile(99) / 1e6).toBeLessThan(2_000)
    expect(key.isPrivate()).toBe(true)
  })
})

describe('where a key is looked for', () => {
  const [OURS, FIRST, SECOND] = ['our directory', 'the first elsewhere', 'the second elsewhere']
  type Known = Record<string, Buffer | Error | undefined>
  /** Who was asked, and what came of it. */
  const look = async (known: Known): Promise<readonly [string, readonly string[], number]> => {
    const asked: string[] = []
    let errors = 0
    const source = (name: string) => ({
      find: (address: string) => {
        expect(address).toBe(BOB)
        asked.push(name)
        const answer = known[name]
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
      },
    })
    const all = new RecipientKeys({
      directory: source(OURS),
      sources: [source(FIRST), source(SECOND)],
      thread,
      onError: () => (errors += 1),
    })
    const found = await all.find(BOB)
    const whose = found.result === 'found' ? found.session.fingerprint : found.result
    return [whose, asked, errors]
  }
  const make = async (address = BOB): Promise<readonly [Buffer, string]> => {
    const key = await makeKey(address)
    return [Buffer.from(key.toPublic().write()), key.getFingerprint().toUpperCase()]
  }
  const away = new PortError('PORT_UNREACHABLE')

  test('the first who has one that can be used ends the search', async () => {
    const [[one, first], [two, second], [other]] = await Promise.all([
      make(),
      make(),
      make('carol@localhost'),
    ])
    expect(await look({ [OURS]: one, [FIRST]: two })).toEqual([first, [OURS], 0])
    expect(await look({ [FIRST]: two, [SECOND]: one })).toEqual([second, [OURS, FIRST], 0])
    expect(await look({ [SECOND]: one })).toEqual([first, [OURS, FIRST, SECOND], 0])
    expect(await look({ [OURS]: other, [FIRST]: two }), 'of another').toEqual([second, [OURS, FIRST], 0])
    expect(await look({ [FIRST]: Buffer.from('no key'), [SECOND]: one })).toEqual([
      first,
      [OURS, FIRST, SECOND],
      0,
    ])
  })

  test('one elsewhere that fails is passed over; that nobody has a key is certain only when all have answered', async () => {
    const [one, first] = await make()
    const everybody = [OURS, FIRST, SECOND]
    expect(await look({})).toEqual(['none', everybody, 0])
    expect(await look({ [FIRST]: away, [SECOND]: one })).toEqual([first, everybody, 1])
    expect(await look({ [FIRST]: away })).toEqual(['failed', everybody, 1])
    expect(await look({ [SECOND]: away })).toEqual(['failed', everybody, 1])
    expect(await look({ [FIRST]: away, [SECOND]: away })).toEqual(['failed', everybody, 2])
  })

  test('while our directory is away nobody else is asked: they may have an older key', async () => {
    const [one] = await make()
    expect(await look({ [OURS]: away, [FIRST]: one, [SECOND]: one })).toEqual(['failed', [OURS], 1])
  })
})

test('an account shows and changes its settings, signed in with its password (RFC 7617)', async () => {
  await using http = await createHttp({
    log: reception.platform.log,
    metrics: reception.platform.metrics,
    title: 'Test',
  })
  const { clock, random } = reception.platform
  using passwords = createPasswordCheck({ accounts: reception.accounts, clock, random, opens: 'mail' })
  await http.app.register(mailSettingsRoutes, { settings, policy, passwords, defaultDomain: 'localhost' })
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const ask = async (init: RequestInit = {}, password = PASSWORD): Promise<[number, unknown]> => {
    const authorization = `Basic ${Buffer.from(`${BOB}:${password}`).toString('base64')}`
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${String(port)}/v1/me/mail-settings`, { ...init, headers })
    return [response.status, await response.json()]
  }
  const put = (body: unknown): Promise<[number, unknown]> =>
    ask({ method: 'PUT', body: JSON.stringify(body) })
  expect(await ask()).toEqual([200, { in_force: { pgp: 'optional', on_missing_key: 'refuse' } }])
  const chosen = { pgp: 'on-arrival', on_missing_key: 'defer' }
  expect(await put(chosen)).toEqual([200, { ...chosen, in_force: chosen }])
  expect((await put({ pgp: 'sometimes' }))[0]).toBe(400)
  expect((await put({ colour: 'blue' }))[0]).toBe(400)
  expect(await ask()).toEqual([200, { ...chosen, in_force: chosen }])
  await setDomain('required')
  expect(await ask()).toEqual([200, { ...chosen, in_force: { pgp: 'required', on_missing_key: 'defer' } }])
  expect(await put({})).toMatchObject([200, { in_force: { pgp: 'required', on_missing_key: 'refuse' } }])
  expect((await ask({}, 'wrong'))[0]).toBe(401)
})

test('nothing of it all is in logs or metrics', async () => {
  const everything = reception.platform.logged() + (await reception.platform.metrics.render())
  expect(everything).not.toMatch(/c4n4ry|elsewhere|bob@/)
  expect(everything).toContain('smtp_arrived_total{outcome="encrypted here"}')
})

function fingerprintOf(colons: Buffer): string {
  return /^fpr:+([0-9A-F]{40}):/m.exec(colons.toString())?.[1] ?? ''
}
