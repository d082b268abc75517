/** Plants unique texts through every flow there is, then looks for them in what the processes say, in the metrics, the tables and the files. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Running } from '../stack/stack.ts'
import { certify, ed25519, userId } from '../../packages/openpgp/test/maker.ts'
import { armor } from '../../services/keys/test/keys.ts'
import { MailSink } from '../../services/smtp/test/mail-sink.ts'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { canary, filesWith, says, tablesWith } from '../canaries.ts'
import { shape } from './shape.ts'

/** Where a planted text may be found: in these tables and nowhere else. */
interface Planted {
  readonly text: string
  readonly tables: readonly string[]
}

const SERVICES = ['api', 'xmpp', 'keys', 'smtp'] as const

/** Who exists is kept by the accounts alone; a contact list holds the addresses and names that its owner put there. */
const NAME_TABLES = ['account.account', 'xmpp.roster_item']

function plant() {
  const nowhere = (prefix: string): Planted => ({ text: canary(prefix), tables: [] })
  return {
    alice: { text: canary('alice'), tables: NAME_TABLES },
    bob: { text: canary('bob'), tables: NAME_TABLES },
    contactName: { text: canary('name'), tables: ['xmpp.roster_item'] },
    /** Whom an account has blocked is kept; what it reports about them lies sealed at the abuse desk. */
    blocked: { text: canary('blocked'), tables: ['xmpp.blocked'] },
    reported: nowhere('reported'),
    /** What a client publishes is kept until it is replaced (XEP-0163). */
    published: { text: canary('published'), tables: ['xmpp.pep_item'] },
    password: nowhere('password'),
    wrongPassword: nowhere('wrong'),
    stranger: nowhere('stranger'),
    resource: nowhere('resource'),
    status: nowhere('status'),
    body: nowhere('body'),
    subject: nowhere('subject'),
    ciphertext: nowhere('ciphertext'),
    stanzaId: nowhere('id'),
    mailAddress: nowhere('mail'),
    helo: nowhere('helo'),
    userAgent: nowhere('agent'),
    malformed: nowhere('malformed'),
    searched: nowhere('searched'),
    /** Found by it once its owner followed the link; another user id of the same key waits for that, or is forgotten. */
    keyOwner: { text: canary('owner'), tables: ['keys.certificate', 'keys.published_address'] },
    keyUnverified: { text: canary('unverified'), tables: ['keys.certificate', 'keys.link'] },
  } satisfies Record<string, Planted>
}

type Garden = ReturnType<typeof plant>

/** Takes the mails of all deployments. */
const sink = await MailSink.open()
afterAll(() => sink[Symbol.asyncDispose]())

shape.describe(
  'privacy',
  (deployment, which) => {
    const garden = plant()
    const everything = Object.entries(garden)

    beforeAll(async () => {
      await makeAccounts(deployment(), garden)
      await callApi(deployment(), garden)
      await talkSmtp(deployment(), garden)
      await lookUpKeys(deployment(), garden)
      await publishKey(deployment(), garden)
      await talkXmpp(deployment(), garden)
      await sendToBobWhoIsAway(deployment(), garden)
    })

    test('the search would find what is there: accounts hold names, the data directory holds the CA', async () => {
      expect(await tablesWith(await deployment().databaseUrl(), garden.alice.text)).toContain(
        'account.account',
      )
      const files = await filesWith(deployment().dataDir, ['BEGIN CERTIFICATE'])
      expect(files.get('BEGIN CERTIFICATE')).toContain('tls/ca.pem')
      expect(says(`x${Buffer.from(`y${garden.body.text}z`).toString('base64')}`, garden.body.text)).toBe(true)
      expect(deployment().output).toContain('"event":')
    })

    test('each text stands in a table only where it belongs', async () => {
      const url = await deployment().databaseUrl()
      for (const [name, { text, tables }] of everything) {
        const found = await tablesWith(url, text)
        expect([name, ...found.filter((table) => !tables.includes(table))]).toEqual([name])
      }
    })

    test('each text stands in no file of the data directory but those of Postgres, if a table holds it', async () => {
      const texts = everything.map(([, { text }]) => text)
      const files = await filesWith(deployment().dataDir, texts)
      for (const [name, { text, tables }] of everything) {
        const found = files.get(text) ?? []
        // The embedded cluster is in there, with its write-ahead log.
        const excused = (path: string): boolean => tables.length > 0 && path.startsWith('postgres/')
        expect([name, ...found.filter((path) => !excused(path))]).toEqual([name])
      }
    })

    test('a message delivered after kill -9 leaves nothing either', async () => {
      await deployment().kill()
      await deployment().start()
      await using bob = await signIn(deployment(), garden, garden.bob)
      await bob.available()
      const message = await bob.message()
      expect(message.attrs['id']).toBe(garden.stanzaId.text)
      await bob.ping()
      await bob.close()
      for (const planted of [garden.ciphertext, garden.stanzaId])
        expect(await tablesWith(await deployment().databaseUrl(), planted.text)).toEqual([])
      if (which === 'all-in-one') {
        const { text } = garden.ciphertext
        expect((await filesWith(deployment().dataDir, [text])).get(text)).toEqual([])
      }
    })

    test('no process says any of it, nor an address', async () => {
      const { output } = deployment()
      expect(everything.filter(([, { text }]) => says(output, text)).map(([name]) => name)).toEqual([])
      const logged = output.split('\n').filter((line) => line.startsWith('{'))
      expect(logged.length).toBeGreaterThan(0)
      expect(logged.filter((line) => /127\.0\.0\.1|::1|@/.test(line))).toEqual([])
    })

    test('of terminated accounts no row, key or file is left: neither their address nor their id', async () => {
      const made = await deployment().ctl(['apikey', 'create', '--scope', '*', '--json'])
      const { token } = JSON.parse(made.output) as { token: string }
      const ask = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
        const authorization = `Bearer ${token}`
        const json = {
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }
        const sent = { method, ...(body === undefined ? { headers: { authorization } } : json) }
        const answer = await fetch(deployment().url('api', path), sent)
        return { ...((await answer.json()) as object), status: answer.status }
      }
      const { id: organisation } = await ask('POST', '/v1/organisations', { name: 'Leaving' })
      await ask('PUT', '/v1/plans/leaving', { mailbox_mib: 64 })
      const terms = { term_months: 1, started_on: '2026-01-01', renews_on: '2126-01-01', fee: 'due' }
      const url = await deployment().databaseUrl()
      const paths = [garden.alice, garden.bob].map(({ text }) => `/v1/accounts/${text}@localhost`)
      const texts: string[] = [garden.alice.text, garden.bob.text]
      for (const path of paths) {
        const id = String((await ask('GET', path))['id'])
        texts.push(id, id.replaceAll('-', ''))
        await ask('PUT', `${path}/organisation`, { organisation })
        await ask('PUT', `${path}/plan`, { plan: 'leaving' })
        await ask('PUT', `${path}/mail-limit`, { messages_per_day: 5 })
        await ask('PUT', path.replace('/v1/', '/v1/subscriptions/'), terms)
        const tables = ['account.account_plan', 'account.mail_limit', 'api.subscription']
        expect(await tablesWith(url, id)).toEqual(expect.arrayContaining(tables))
        expect(await ask('POST', `${path}/terminate`, {})).toMatchObject({ state: 'terminated' })
      }
      const gone = async (): Promise<unknown> =>
        Promise.all(paths.map(async (path) => (await ask('GET', path))['type']))
      const unknown = 'urn:sealpost:problem:account-unknown'
      await expect.poll(gone, { interval: 200 }).toEqual([unknown, unknown])
      // The audit log keeps ids, which mean nothing any more.
      for (const text of [...texts, garden.contactName.text, garden.published.text])
        expect([text, ...(await tablesWith(url, text)).filter((table) => table !== 'audit.entry')]).toEqual([
          text,
        ])
      const files = await filesWith(deployment().dataDir, texts)
      // Those of the embedded cluster hold what a vacuum has yet to overwrite.
      for (const text of texts)
        expect([text, ...(files.get(text) ?? []).filter((path) => !path.startsWith('postgres/'))]).toEqual([
          text,
        ])
      expect(await ask('DELETE', `/v1/organisations/${String(organisation)}`)).toMatchObject({ status: 200 })
      expect(await ask('POST', '/v1/accounts', { jid: `${garden.alice.text}@localhost` })).toMatchObject({
        type: 'urn:sealpost:problem:name-retired',
      })
    })

    test.each(SERVICES)('the metrics of %s hold none of it', async (service) => {
      const metrics = await (await fetch(deployment().url(service, '/metrics'))).text()
      expect(everything.filter(([, { text }]) => says(metrics, text)).map(([name]) => name)).toEqual([])
      expect(metrics).not.toContain('127.0.0.1')
    })
  },
  {
    env: {
      LOG_LEVEL: 'debug',
      SMTP_REPORTS: 'tls,dmarc',
      SMTP_SMARTHOST: `127.0.0.1:${String(sink.smarthost.port)}`,
    },
  },
)

async function makeAccounts(deployment: Running, { alice, bob, password }: Garden): Promise<void> {
  for (const { text } of [alice, bob]) {
    const made = await deployment.ctl(
      ['account', 'create', `${text}@localhost`, '--password-stdin'],
      `${password.text}\n`,
    )
    expect(made.code).toBe(0)
  }
  await deployment.ctl(['account', 'suspend', `${bob.text}@localhost`])
  await deployment.ctl(['account', 'restore', `${bob.text}@localhost`])
}

async function callApi(deployment: Running, garden: Garden): Promise<void> {
  const { alice, password, wrongPassword, stranger, userAgent, malformed } = garden
  const basic = (user: string, secret: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${user}@localhost:${secret}`).toString('base64')}`,
    'user-agent': userAgent.text,
  })
  const me = deployment.url('api', '/v1/me')
  expect((await fetch(me, { headers: basic(alice.text, password.text) })).status).toBe(200)
  expect((await fetch(me, { headers: basic(alice.text, wrongPassword.text) })).status).toBe(401)
  expect((await fetch(me, { headers: basic(stranger.text, wrongPassword.text) })).status).toBe(401)
  await fetch(deployment.url('api', `/v1/accounts/${alice.text}@localhost?q=${malformed.text}`))
  await fetch(deployment.url('api', `/${malformed.text}/../%00${malformed.text}`))
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${malformed.text}` }
  for (const body of [
    `{"jid": "${malformed.text}`,
    JSON.stringify({ jid: `@${malformed.text}@`, more: malformed.text }),
  ])
    await fetch(deployment.url('api', '/v1/accounts'), { method: 'POST', headers, body })
}

async function talkSmtp(deployment: Running, garden: Garden): Promise<void> {
  const { alice, password, wrongPassword, stranger, mailAddress, helo, malformed, subject, body } = garden
  const ca = await readFile(deployment.caFile, 'utf8')
  const plain = (user: string, secret: string): string =>
    `AUTH PLAIN ${Buffer.from(`\0${user}@localhost\0${secret}`).toString('base64')}`
  using user = await SmtpClient.connect(deployment.ports.submissions, { ca })
  await user.ask()
  await user.ask(`EHLO ${helo.text}.example`)
  await user.ask(plain(stranger.text, wrongPassword.text))
  await user.ask(plain(alice.text, wrongPassword.text))
  expect(await user.ask(plain(alice.text, password.text))).toMatch(/^235/)
  await user.ask(`MAIL FROM:<${alice.text}@localhost>`)
  const count = sink.mails.length
  expect(await user.ask(`RCPT TO:<${mailAddress.text}@elsewhere.example>`)).toMatch(/^250/)
  await user.ask('DATA')
  user.send(
    `From: <${alice.text}@localhost>\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nSubject: ${subject.text}\r\n\r\n${body.text}\r\n`,
  )
  expect(await user.ask('.')).toMatch(/^250/)
  expect((await sink.next(count)).message).toContain(body.text)
  await submitNoKey(user, deployment, garden)
  using server = await SmtpClient.connect(deployment.ports.smtp)
  await server.ask()
  await server.ask(`EHLO ${helo.text}.example`)
  await server.ask(`MAIL FROM:<${mailAddress.text}@elsewhere.example>`)
  await server.ask(`RCPT TO:<${alice.text}@localhost>`)
  await server.ask(`RCPT TO:<${mailAddress.text}@elsewhere.example>`)
  await server.ask('DATA')
  // It waits for alice, sealed.
  server.send(
    `From: <${mailAddress.text}@elsewhere.example>\r\nSubject: ${subject.text}\r\n\r\n${body.text}\r\n`,
  )
  expect(await server.ask('.')).toMatch(/^250/)
  await server.ask(`${malformed.text} ${malformed.text}`)
  server.send(Buffer.from(`MAIL FROM:<${malformed.text}\xff\0>\r\n`, 'latin1'))
  await server.ask()
}

/** To the key directory, from there back to the mail relay, where the answer waits for alice. */
async function submitNoKey(
  user: SmtpClient,
  deployment: Running,
  { alice, password, subject, body }: Garden,
): Promise<void> {
  await user.ask(`MAIL FROM:<${alice.text}@localhost>`)
  expect(await user.ask('RCPT TO:<key-submission@localhost>')).toMatch(/^250/)
  await user.ask('DATA')
  user.send(
    `From: <${alice.text}@localhost>\r\nSubject: ${subject.text}\r\nContent-Type: application/pgp-keys\r\n\r\n${body.text}\r\n`,
  )
  expect(await user.ask('.')).toMatch(/^250/)
  const authorization = `Basic ${Buffer.from(`${alice.text}@localhost:${password.text}`).toString('base64')}`
  const waiting = async (): Promise<unknown> =>
    (await fetch(deployment.url('smtp', '/v1/mail'), { headers: { authorization } })).json()
  await vi.waitFor(async () => expect(await waiting()).toMatchObject({ items: [{}] }), { timeout: 30_000 })
}

async function lookUpKeys(deployment: Running, { searched }: Garden): Promise<void> {
  const lookup = `/pks/lookup?op=get&search=${searched.text}%40localhost`
  expect((await fetch(deployment.url('keys', lookup))).status).toBe(404)
  expect((await fetch(`http://127.0.0.1:${String(deployment.ports.hkp)}${lookup}`)).status).toBe(404)
  await fetch(deployment.url('keys', `/.well-known/openpgpkey/hu/x?l=${searched.text}`))
  const body = new URLSearchParams({ keytext: searched.text })
  expect((await fetch(deployment.url('keys', '/pks/add'), { method: 'POST', body })).status).toBe(422)
}

/** By VKS, with the link that comes by mail: it goes from the key directory to the mail relay, and out. */
async function publishKey(deployment: Running, { keyOwner, keyUnverified }: Garden): Promise<void> {
  const [owner, unverified] = [keyOwner, keyUnverified].map(({ text }) => `${text}@elsewhere.example`)
  const primary = ed25519(Date.now())
  const userIds = [owner, unverified].flatMap((name = '') => [userId(name), certify(primary, name)])
  const keytext = armor(Buffer.concat([primary.key.packet.bytes, ...userIds]))
  const post = async (path: string, body: object): Promise<{ token: string }> => {
    const answer = await fetch(deployment.url('keys', path), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect([path, answer.status]).toEqual([path, 200])
    return (await answer.json()) as { token: string }
  }
  const count = sink.mails.length
  const { token } = await post('/vks/v1/upload', { keytext })
  await post('/vks/v1/request-verify', { token, addresses: [owner, unverified] })
  await sink.next(count + 1)
  const message = sink.mails.find(({ recipient }) => recipient === owner)?.message ?? ''
  const link = /https:\/\/localhost:\d+(\/keys\/confirm\/[\w-]+)/.exec(message)?.[1] ?? ''
  expect((await fetch(deployment.url('keys', link), { method: 'POST' })).status).toBe(200)
  const found = deployment.url('keys', `/pks/lookup?op=get&search=${String(owner)}`)
  expect((await fetch(found)).status).toBe(200)
}

function signIn(deployment: Running, { password, resource }: Garden, who: Planted): Promise<TestClient> {
  const account = { username: who.text, password: password.text, resource: resource.text }
  return TestClient.signIn({ port: deployment.ports.xmpp, ...account })
}

/** Everything that is refused, and the plain parts of what is not: presence, the contact list, bad XML. */
async function talkXmpp(deployment: Running, garden: Garden): Promise<void> {
  const { alice, bob, wrongPassword, stranger, contactName, published, status, body, subject, malformed } =
    garden
  const { blocked, reported } = garden
  const { xmpp, xmpps } = deployment.ports
  for (const username of [alice.text, stranger.text]) {
    const attempt = TestClient.signIn({ port: xmpps, direct: true, username, password: wrongPassword.text })
    await expect(attempt).rejects.toThrow('sign-in refused')
  }
  await using client = await signIn(deployment, garden, alice)
  await client.available()
  const contact = `<item jid='${bob.text}@localhost' name='${contactName.text}'><group>${contactName.text}</group></item>`
  await client.request('set', `<query xmlns='jabber:iq:roster'>${contact}</query>`)
  const item = `<item id='current'><list xmlns='eu.siacs.conversations.axolotl' x='${published.text}'><device id='1'/></list></item>`
  const publish = `<publish node='eu.siacs.conversations.axolotl.devicelist'>${item}</publish>`
  await client.request('set', `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}</pubsub>`)
  const report = `<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text>${reported.text}</text></report>`
  const block = `<block xmlns='urn:xmpp:blocking'><item jid='${blocked.text}@elsewhere.example'>${report}</item></block>`
  expect((await client.request('set', block)).attrs['type']).toBe('result')
  client.sends(`<presence><status>${status.text}</status></presence>`)
  client.sends(
    `<presence type='subscribe' to='${bob.text}@localhost'><status>${status.text}</status></presence>`,
  )
  client.sends(
    `<message type='chat' id='plain' to='${bob.text}@localhost'><subject>${subject.text}</subject><body>${body.text}</body></message>`,
  )
  await client.receives(
    `<message type='error' id='plain' {any}>{any}<policy-violation {any}/>{any}</message>`,
  )
  await client.request('get', `<query xmlns='${malformed.text}'>${malformed.text}</query>`)
  await client.close()
  await using hostile = await TestClient.connect({ port: xmpp })
  hostile.sendRaw(`<message><${malformed.text} a='&${malformed.text};'></oops></message>`)
  await hostile.ended()
}

async function sendToBobWhoIsAway(deployment: Running, garden: Garden): Promise<void> {
  const { bob, ciphertext, stanzaId } = garden
  await using client = await signIn(deployment, garden, garden.alice)
  await client.enableStreamManagement()
  const sealed = Buffer.from(ciphertext.text.repeat(4)).toString('base64')
  client.sends(
    `<message type='chat' id='${stanzaId.text}' to='${bob.text}@localhost'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
      `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header>` +
      `<payload>${sealed}</payload></encrypted><store xmlns='urn:xmpp:hints'/></message>`,
  )
  await client.safeUpTo(1)
}
