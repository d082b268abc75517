/** Mail to lists: members are asked by mail, confirm on a page, get the list's mail, and leave it with one click. The whole relay, its ports and pages. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type AccountsDomain, createAccounts } from '@sealpost/accounts'
import { defineConfig } from '@sealpost/config'
import { type Db, openDb, sql } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { systemClock } from '@sealpost/runtime'
import { createTestPlatform, type TestPlatform } from '../../../test/platform.ts'
import { readConfig } from '../src/config.ts'
import { ListStore } from '../src/lists/list-store.ts'
import { Lists } from '../src/lists/lists.ts'
import { MemberHashes } from '../src/lists/member-hashes.ts'
import { createSmtpService, type SmtpService } from '../src/service.ts'
import { MailSink } from './mail-sink.ts'
import { send } from './reception.ts'
import { SmtpClient } from './smtp-client.ts'

const PASSWORD = 'pass-word'
const LIST = 'news.alice.example'
const DAY_MS = 86_400_000

let platform: TestPlatform
let service: SmtpService
let accounts: AccountsDomain
let db: Db
let sink: MailSink
let ca: string
let origin: string
let ahead = 0
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  sink = stack.use(await MailSink.open())
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  platform = { ...stack.use(await createTestPlatform()), clock }
  const { bus, random, databaseUrl: url, dataDir, log, metrics } = platform
  const http = stack.use(await createHttp({ log, metrics, title: 'Test' }))
  service = stack.use(
    await createSmtpService(
      {
        ...defineConfig({ SEALPOST_DATA_DIR: dataDir }, readConfig),
        mxPort: 0,
        submissionPort: 0,
        submissionsPort: 0,
        smarthost: sink.smarthost,
        publicOrigin: () => 'https://mail.example:8443',
      },
      platform,
      { keys: { find: () => Promise.resolve(undefined), submit: () => Promise.resolve() } },
    ),
  )
  await http.app.register(service.http)
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  origin = `http://127.0.0.1:${String(port)}`
  ca = await readFile(platform.caFile, 'utf8')
  accounts = stack.use(
    createAccounts({ db: stack.use(await openDb({ url, role: 'sealpost_account' })), bus, clock, random }),
  )
  db = stack.use(await openDb({ url, role: 'sealpost_smtp' }))
  for (const name of ['alice', 'bob']) await accounts.create(parseJid(`${name}@localhost`), PASSWORD)
  await accounts.create(parseJid('carl@localhost'), PASSWORD)
})
afterAll(() => stack.disposeAsync())

async function api(
  method: string,
  path: string,
  body?: unknown,
  user = 'alice',
): Promise<{ status: number; json: unknown }> {
  const headers = {
    authorization: `Basic ${Buffer.from(`${user}@localhost:${PASSWORD}`).toString('base64')}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const answer = await fetch(`${origin}/v1/me/lists${path}`, init)
  const text = await answer.text()
  return { status: answer.status, json: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

/** The mail that asks an address, and the path of its link. */
async function ask(address: string, list = LIST, user = 'alice'): Promise<{ asking: string; path: string }> {
  const count = sink.mails.length
  expect(await api('POST', `/${list}/members`, { address }, user)).toEqual({
    status: 202,
    json: { state: 'asked' },
  })
  const { message } = await sink.next(count)
  const path = /https:\/\/mail\.example:8443(\/lists\/confirm\/[\w-]+)\r\n/.exec(message)?.[1] ?? ''
  return { asking: message, path }
}

const state = async (address: string, list = LIST): Promise<unknown> =>
  (await api('GET', `/${list}/members/${encodeURIComponent(address)}`)).json

async function page(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const answer = await fetch(origin + path, init)
  const text = await answer.text()
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(text).not.toMatch(/<script|\son\w+=/)
  return { status: answer.status, text }
}
const press = (path: string): Promise<{ status: number; text: string }> => page(path, { method: 'POST' })

async function member(address: string): Promise<void> {
  expect((await press((await ask(address)).path)).status).toBe(200)
}

/** The reply to the last line. */
async function mail(to: readonly string[], header = '', user = 'alice'): Promise<string> {
  const from = `${user}@localhost`
  const port = Number(new URL(service.addresses[2]?.url ?? '').port)
  const client = await SmtpClient.connect(port, { ca })
  onTestFinished(() => client[Symbol.dispose]())
  await client.ask()
  await client.ask('EHLO client.example')
  await client.ask(`AUTH PLAIN ${Buffer.from(`\0${from}\0${PASSWORD}`).toString('base64')}`)
  return await send(client, { from, to, text: `From: ${from}\r\nSubject: news\r\n${header}\r\nhello` })
}
const listMail = (to: string, header = ''): Promise<string> =>
  mail([to], `List-Id: News <${LIST}>\r\n${header}`)

test('an address is asked by mail, and is a member once somebody pressed the button behind the link', async () => {
  expect((await api('POST', `/${LIST}/members`, { address: 'x@elsewhere.example' })).status).toBe(404)
  expect(await api('PUT', `/${LIST.toUpperCase()}`)).toEqual({ status: 200, json: { list: LIST } })
  expect((await api('PUT', `/${LIST}`)).status).toBe(200)
  const { asking, path } = await ask('ann@elsewhere.example')
  expect(asking).toMatch(/^To: <ann@elsewhere\.example>\r\n/m)
  expect(asking).toContain('    of alice@localhost\r\n')
  expect(sink.mails.at(-1)?.sender).toBe('')
  expect(await state('ann@elsewhere.example')).toEqual({ state: 'asked' })
  expect(await listMail('ann@elsewhere.example')).toMatch(/^550 5\.7\.1 The recipient has not confirmed/)
  const shown = await page(path)
  expect([shown.status, shown.text.includes(LIST), shown.text.includes('alice@localhost')]).toEqual([
    200,
    true,
    true,
  ])
  expect(await state('ann@elsewhere.example')).toEqual({ state: 'asked' })
  const pressed = await Promise.all([press(path), press(path), press(path)])
  expect(pressed.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404, 404])
  expect((await page(path)).status).toBe(404)
  const today = new Date().toISOString().slice(0, 10)
  expect(await state('Ann@ELSEWHERE.example')).toEqual({ state: 'confirmed', confirmed_on: today })
  expect((await api('POST', `/${LIST}/members`, { address: 'ann@elsewhere.example' })).status).toBe(409)
})

test('mail of the list reaches a member with a link of its own, and no more after one click (RFC 8058)', async () => {
  await member('one@elsewhere.example')
  const count = sink.mails.length
  const forged = 'List-Unsubscribe: <https://tracker.example/>\r\nList-Unsubscribe-Post: x\r\n'
  expect(await listMail('one@elsewhere.example', forged)).toMatch(/^250/)
  const { message } = await sink.next(count)
  expect(message).not.toContain('tracker')
  expect(message).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n/m)
  expect(/^DKIM-Signature:[^]*?b=/m.exec(message)?.[0].replaceAll(/\s/g, '')).toMatch(
    /h=[^;]*:list-unsubscribe:list-unsubscribe-post/,
  )
  const path =
    /^List-Unsubscribe: <https:\/\/mail\.example:8443(\/lists\/leave\/[\w-]{64})>\r\n/m.exec(message)?.[1] ??
    ''
  expect((await page(path)).text).toContain(LIST)
  expect(await listMail('one@elsewhere.example')).toMatch(/^250/)
  const wrong = path.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')).replace(/(.{20})./, '$1x')
  expect((await press(wrong)).status).toBe(404)
  const form = new FormData()
  form.append('List-Unsubscribe', 'One-Click')
  expect((await page(path, { method: 'POST', body: form })).status).toBe(200)
  const encoded = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
  expect((await page(path, { method: 'POST', body: encoded })).status).toBe(200)
  expect(await listMail('one@elsewhere.example')).toMatch(/^550 5\.7\.1 The recipient has not confirmed/)
  expect(await state('one@elsewhere.example')).toMatchObject({
    state: 'left',
    left_on: expect.any(String) as string,
  })
  expect((await api('DELETE', `/${LIST}/members/one%40elsewhere.example`)).status).toBe(204)
  expect(await api('POST', `/${LIST}/members`, { address: 'one@elsewhere.example' })).toMatchObject({
    status: 409,
    json: { type: 'urn:sealpost:problem:member-left' },
  })
})

test.each([
  ['a List-Id of nobody', 'List-Id: <other.example.org>\r\n', 'needs one List-Id'],
  ['two of them', `List-Id: <${LIST}>\r\nList-Id: <${LIST}>\r\n`, 'needs one List-Id'],
  ['none that can be read', `List-Id: ${LIST}\r\n`, 'needs one List-Id'],
  ['Precedence: bulk', 'Precedence: bulk\r\n', 'needs one List-Id'],
  ['a link to leave of its own', 'List-Unsubscribe: <mailto:x@elsewhere.example>\r\n', 'needs one List-Id'],
])('%s: refused', async (_what, header, reply) => {
  expect(await mail(['ann@elsewhere.example'], header)).toMatch(new RegExp(`^550 5\\.7\\.1 .*${reply}`))
})

test('list mail goes to one at a time, of the account whose list it is; answers by programs are none', async () => {
  await member('two@elsewhere.example')
  const header = `List-Id: <${LIST}>\r\n`
  expect(await mail(['two@elsewhere.example', 'ann@elsewhere.example'], header)).toMatch(
    /^550 5\.7\.1 .*one recipient at a time/,
  )
  expect(await mail(['two@elsewhere.example'], header, 'bob')).toMatch(/^550 5\.7\.1 .*needs one List-Id/)
  expect(
    await mail(['two@elsewhere.example'], 'Precedence: bulk\r\nAuto-Submitted: auto-replied\r\n', 'bob'),
  ).toMatch(/^250/)
})

test('members do not count as new recipients, nor list mail toward the limits of the account', async () => {
  const plan = { new_recipients_per_message: 1, messages_per_hour: 3, list_mails_per_day: 4 }
  await accounts.plans.set('tiny', plan)
  await accounts.plans.assign(parseJid('alice@localhost'), 'tiny')
  const strangers = ['s1@elsewhere.example', 's2@elsewhere.example']
  expect(await mail(strangers)).toMatch(/^550 5\.7\.1 More than 1 recipients that you have not written to/)
  expect(await mail(['ann@elsewhere.example', 'two@elsewhere.example', 's1@elsewhere.example'])).toMatch(
    /^250/,
  )
  for (let each = 0; each < 4; each++) expect(await listMail('ann@elsewhere.example')).toMatch(/^250/)
  expect(await listMail('ann@elsewhere.example')).toMatch(/^450 4\.7\.1/)
  for (let each = 0; each < 2; each++) expect(await mail(['ann@elsewhere.example'])).toMatch(/^250/)
  expect(await mail(['ann@elsewhere.example'])).toMatch(/^450 4\.7\.1/)
  await accounts.plans.assign(parseJid('alice@localhost'), 'default')
})

test('a restriction by an administrator counts all mail of the account, to members and to others, and none is asked beyond it', async () => {
  const kim = parseJid('kim@localhost')
  await accounts.create(kim, PASSWORD)
  await api('PUT', '/c.example.org', undefined, 'kim')
  const { path } = await ask('kay@elsewhere.example', 'c.example.org', 'kim')
  await press(path)
  const toMember = (): Promise<string> =>
    mail(['kay@elsewhere.example'], 'List-Id: <c.example.org>\r\n', 'kim')
  await accounts.mailConduct.setLimit(kim, 3)
  expect(await toMember()).toMatch(/^250/)
  expect(await mail(['kay@elsewhere.example'], '', 'kim')).toMatch(/^250/)
  expect(await toMember()).toMatch(/^250/)
  expect(await mail(['kay@elsewhere.example'], '', 'kim')).toMatch(/^450 4\.7\.1/)
  expect(await toMember()).toMatch(/^450 4\.7\.1/)
  await accounts.mailConduct.setLimit(kim, 0)
  expect(await toMember()).toMatch(/^450 4\.7\.1/)
  const asked = await api('POST', '/c.example.org/members', { address: 'new@elsewhere.example' }, 'kim')
  expect(asked).toMatchObject({ status: 429, json: { type: 'urn:sealpost:problem:members-too-fast' } })
  await accounts.terminate(kim)
})

test('asking is bounded: three times a day for one address, as many addresses as may be new for one account', async () => {
  await api('PUT', '/b.example.org', undefined, 'bob')
  for (let each = 0; each < 3; each++) await ask('often@elsewhere.example', 'b.example.org', 'bob')
  const tooFast = { status: 429, json: { type: 'urn:sealpost:problem:members-too-fast' } }
  const once = (address: string, user: string, list: string) =>
    api('POST', `/${list}/members`, { address }, user)
  expect(await once('often@elsewhere.example', 'bob', 'b.example.org')).toMatchObject(tooFast)
  expect(await once('often@elsewhere.example', 'alice', LIST)).toMatchObject(tooFast)
  await accounts.plans.set('asking', { new_recipients_per_day: 4 })
  await accounts.plans.assign(parseJid('bob@localhost'), 'asking')
  await ask('fourth@elsewhere.example', 'b.example.org', 'bob')
  expect(await once('fifth@elsewhere.example', 'bob', 'b.example.org')).toMatchObject(tooFast)
})

test('at once no more are asked than one after the other', async () => {
  const { random, clock } = platform
  const account = await accounts.create(parseJid('dora@localhost'), PASSWORD)
  let sent = 0
  using lists = new Lists({
    store: new ListStore(db),
    hashes: new MemberHashes('a key'),
    accounts,
    mail: { send: () => Promise.resolve(void (sent += 1)) },
    origin: () => 'https://mail.example',
    asksPerDay: async (id) => (await accounts.plans.of(id)).limits.new_recipients_per_day ?? 4,
    clock,
    random,
    events: { listMember: () => undefined },
  })
  const list = await lists.create(account.id, 'at-once.example.org')
  const names = Array.from({ length: 12 }, (_, index) => `once${String(index)}@elsewhere.example`)
  const asked = await Promise.allSettled(names.map((name) => lists.ask(account, list, name)))
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
  expect(sent).toBe(4)
  await lists.erase(account.id)
})

test.each([
  ['PUT', '/no-dot', undefined, 400],
  ['PUT', '/sp%20ace.example', undefined, 400],
  ['POST', `/${LIST}/members`, { address: 'nobody' }, 400],
  ['POST', `/${LIST}/members`, {}, 400],
  ['GET', `/${LIST}/members/none%40elsewhere.example`, undefined, 404],
  ['GET', '/other.example/members/none%40elsewhere.example', undefined, 404],
  ['DELETE', '/other.example', undefined, 404],
])('%s %s: %i', async (method, path, body, status) => {
  expect((await api(method, path, body)).status).toBe(status)
})

test('lists are bounded and are whose they are; strangers are shown nothing', async () => {
  for (let each = 0; each < 20; each++)
    expect((await api('PUT', `/l${String(each)}.example`, undefined, 'carl')).status).toBe(200)
  expect((await api('PUT', '/one-more.example', undefined, 'carl')).status).toBe(409)
  expect((await api('GET', `/${LIST}/members/ann%40elsewhere.example`, undefined, 'carl')).status).toBe(404)
  expect((await fetch(`${origin}/v1/me/lists`)).status).toBe(401)
  expect(await api('GET', '')).toMatchObject({ json: { items: [{ list: LIST, confirmed: 2, left: 1 }] } })
})

test('a link that nobody follows ends after seven days, and its address is forgotten', async () => {
  const { path } = await ask('late@elsewhere.example')
  ahead = 7.1 * DAY_MS
  expect([(await page(path)).status, (await press(path)).status]).toEqual([404, 404])
  ahead = 0
  expect((await page(path)).status).toBe(200)
})

test('nobody is named in the tables, the log or the metrics; with the list, or the account, all of it goes', async () => {
  const rows = async (): Promise<unknown[]> =>
    await db.query(sql`select list_member::text as row from smtp.list_member`)
  expect(JSON.stringify(await rows())).not.toMatch(/elsewhere|ann|alice/)
  const everything = platform.logged() + (await platform.metrics.render())
  expect(everything).not.toMatch(/elsewhere|alice/)
  expect(everything).toContain('smtp_list_members_total{event="confirmed"}')
  expect((await api('DELETE', `/${LIST}`)).status).toBe(204)
  expect(await listMail('ann@elsewhere.example')).toMatch(/^550 5\.7\.1 .*needs one List-Id/)
  for (const name of ['bob', 'carl']) await accounts.terminate(parseJid(`${name}@localhost`))
  await expect.poll(async () => [await db.query(sql`select from smtp.list`), await rows()]).toEqual([[], []])
})
