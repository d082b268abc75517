/** Coming from Debian's ejabberd and Prosody: their own exports, imported as docs/importing.md says, and then the same people with the same passwords here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { Ejabberd, Prosody } from './other-servers.ts'
import { Sealpost } from './sealpost.ts'

const DOMAIN = 'example.org'
const OTHER = 'example.net'
const ROSTER = 'jabber:iq:roster'
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const DEVICES = 'eu.siacs.conversations.axolotl.devicelist'
const BOOKMARKS = `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='room@rooms.example'/></storage></query>`
const ASK_BOOKMARKS = `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>`

let sealpost: Sealpost
beforeAll(async () => {
  sealpost = await Sealpost.start({ environment: { SEALPOST_DOMAIN: `${DOMAIN},${OTHER}` } })
})
afterAll(() => sealpost[Symbol.asyncDispose]())

interface Report {
  readonly created: number
  readonly completed: number
  readonly exists: number
  readonly invalid: number
  readonly credentials: object
  readonly chat: object
  readonly left_out: Readonly<Record<string, number>>
  readonly problems: readonly unknown[]
}

async function ctl(verb: 'preview' | 'run', path: string): Promise<Report> {
  const { code, output } = await sealpost.ctl(['import', verb, path, '--json'])
  expect([code, output.startsWith('{')]).toEqual([0, true])
  return JSON.parse(output) as Report
}

/** As the page of an account signs in: the password as such. */
async function signsIn(name: string, password: string): Promise<boolean> {
  const authorization = `Basic ${Buffer.from(`${name}@${DOMAIN}:${password}`).toString('base64')}`
  const url = `http://127.0.0.1:${String(sealpost.httpPort)}/v1/me`
  return (await fetch(url, { headers: { authorization } })).status === 200
}

const client = (username: string, password: string): Promise<TestClient> =>
  TestClient.signIn({ port: sealpost.port, domain: DOMAIN, username, password, resource: 'new' })

/** Whoever signs in with the old password: not in chat, then where it is sent as such, then everywhere. */
async function arrives(name: string, password: string): Promise<TestClient> {
  await expect(client(name, password)).rejects.toThrow('not-authorized')
  expect(await signsIn(name, 'wrong')).toBe(false)
  expect(await signsIn(name, password)).toBe(true)
  return client(name, password)
}

async function rosterOf(one: TestClient): Promise<string[]> {
  const query = (await one.request('get', `<query xmlns='${ROSTER}'/>`)).child('query', ROSTER)
  return (query?.elements() ?? []).map((item) => item.toString(ROSTER)).sort()
}

const none = { invalid: 0, problems: [] }

test('ejabberd: accounts with passwords, contacts, bookmarks and vCard', async () => {
  await using ejabberd = await Ejabberd.start(DOMAIN)
  await ejabberd.control('register', 'ella', DOMAIN, 'pass word')
  await ejabberd.control('register', 'eric', DOMAIN, 'other')
  await ejabberd.control('add_rosteritem', 'ella', DOMAIN, 'eric', DOMAIN, 'Eric', 'Friends', 'both')
  await ejabberd.control('add_rosteritem', 'ella', DOMAIN, 'bob', 'elsewhere.example', 'Bob', '', 'to')
  await ejabberd.control('private_set', 'ella', DOMAIN, /<storage.*<\/storage>/.exec(BOOKMARKS)?.[0] ?? '')
  await ejabberd.control('set_vcard', 'ella', DOMAIN, 'FN', 'Ella')
  await ejabberd.control('send_message', 'chat', `a@${DOMAIN}`, `eric@${DOMAIN}`, 'subject', 'secret words')
  const path = await ejabberd.export()

  const credentials = { password: 0, verifier: 2, link: 0 }
  const chat = { contacts: 2, items: 0, elements: 2, refused: 0 }
  const all = { created: 2, completed: 0, exists: 0, credentials, chat, ...none }
  expect(await ctl('preview', path)).toMatchObject(all)
  const done = await ctl('run', path)
  expect(done).toMatchObject(all)
  expect(done.left_out).toMatchObject({ offline_messages: 1, includes: 1, malformed: 0 })
  expect(await ctl('run', path)).toMatchObject({ created: 0, completed: 0, exists: 2, invalid: 0 })

  const ella = await arrives('ella', 'pass word')
  expect(await rosterOf(ella)).toEqual([
    `<item jid='bob@elsewhere.example' name='Bob' subscription='to'/>`,
    `<item jid='eric@${DOMAIN}' name='Eric' subscription='both'><group>Friends</group></item>`,
  ])
  expect(String(await ella.request('get', ASK_BOOKMARKS))).toContain('room@rooms.example')
  expect(String(await ella.request('get', `<vCard xmlns='vcard-temp'/>`))).toContain('Ella')
  await ella.close()
  expect(await sealpost.tablesHolding('secret words')).toEqual([])
  expect(await sealpost.tablesHolding('pass word')).toEqual([])
})

const publish = (
  node: string,
  id: string,
  payload: string,
  options: Readonly<Record<string, string>>,
): string => {
  const fields = Object.entries({ FORM_TYPE: `${PUBSUB}#publish-options`, ...options })
  const form = fields.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`).join('')
  return `<pubsub xmlns='${PUBSUB}'><publish node='${node}'><item id='${id}'>${payload}</item></publish>
    <publish-options><x xmlns='jabber:x:data' type='submit'>${form}</x></publish-options></pubsub>`
}

test('Prosody: the same, with published keys and bookmarks, and a request that waits', async () => {
  await using prosody = await Prosody.start(DOMAIN, { pia: 'pass word ü', paul: 'other' })
  const here = { domain: DOMAIN, direct: true, mechanism: 'SCRAM-SHA-1' } as const
  const old = await TestClient.signIn({
    ...here,
    port: prosody.port,
    username: 'pia',
    password: 'pass word ü',
  })
  await old.request(
    'set',
    `<query xmlns='${ROSTER}'><item jid='paul@${DOMAIN}' name='Paul'><group>Friends</group></item></query>`,
  )
  await old.request('set', BOOKMARKS)
  await old.request('set', `<vCard xmlns='vcard-temp'><FN>Pia</FN></vCard>`)
  const list = `<list xmlns='eu.siacs.conversations.axolotl'><device id='7'/></list>`
  await old.request('set', publish(DEVICES, 'current', list, { 'pubsub#access_model': 'open' }))
  const whitelist = {
    'pubsub#access_model': 'whitelist',
    'pubsub#max_items': 'max',
    'pubsub#persist_items': 'true',
  }
  for (const room of ['a@rooms.example', 'b@rooms.example'])
    await old.request(
      'set',
      publish('urn:xmpp:bookmarks:1', room, `<conference xmlns='urn:xmpp:bookmarks:1'/>`, whitelist),
    )
  old.sends(`<presence type='subscribe' to='paul@${DOMAIN}'/>`)
  await old.request('get', `<query xmlns='${ROSTER}'/>`)
  await old.close()
  const path = await prosody.export()

  const all = {
    created: 2,
    completed: 0,
    exists: 0,
    credentials: { password: 0, verifier: 2, link: 0 },
    ...none,
  }
  expect(await ctl('preview', path)).toMatchObject(all)
  expect(await ctl('run', path)).toMatchObject({
    ...all,
    chat: { contacts: 1, items: 4, elements: 1, refused: 0 },
  })
  expect(await ctl('run', path)).toMatchObject({ created: 0, completed: 0, exists: 2, invalid: 0 })

  const pia = await arrives('pia', 'pass word ü')
  expect(await rosterOf(pia)).toEqual([
    `<item jid='paul@${DOMAIN}' name='Paul' subscription='none' ask='subscribe'><group>Friends</group></item>`,
  ])
  expect(String(await pia.request('get', ASK_BOOKMARKS))).toContain('room@rooms.example')
  const asked = (node: string): string => `<pubsub xmlns='${PUBSUB}'><items node='${node}'/></pubsub>`
  expect(String(await pia.request('get', asked(DEVICES)))).toContain(`id='7'`)
  expect(String(await pia.request('get', asked('urn:xmpp:bookmarks:1')))).toMatch(/a@rooms.*b@rooms/s)
  const paul = await arrives('paul', 'other')
  paul.sends('<presence/>')
  await paul.next(({ name, attrs }) => name === 'presence' && attrs['type'] === 'subscribe')
  expect(String(await paul.request('get', asked(DEVICES), `pia@${DOMAIN}`))).toContain(`id='7'`) // open
  await pia.close()
  await paul.close()
})

test('our own export comes back in, by a link, with all that it has', async () => {
  const { output } = await sealpost.ctl(['account', 'export', `pia@${DOMAIN}`, '--format', 'xep-0227'])
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-import-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'pia.xml')
  await writeFile(path, output.replace(`<host jid='${DOMAIN}'>`, `<host jid='${OTHER}'>`))
  const { created, credentials, chat, left_out: leftOut } = await ctl('run', path)
  expect({ created, credentials, chat }).toEqual({
    created: 1,
    credentials: { password: 0, verifier: 0, link: 1 },
    chat: { contacts: 1, items: 4, elements: 1, refused: 0 },
  })
  expect(Object.values(leftOut).every((count) => count === 0)).toBe(true)
})

test('killed in the midst of an import, it is run again: nobody is missing, and nobody has half of what is theirs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-import-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'users.xml')
  const contacts = Array.from({ length: 20 }, (_, n) => `<item jid='friend${String(n)}@elsewhere.example'/>`)
  const users = Array.from(
    { length: USERS },
    (_, n) =>
      `<user name='user${String(n)}' password='secret'><query xmlns='${ROSTER}'>${contacts.join('')}</query></user>`,
  )
  await writeFile(
    path,
    `<server-data xmlns='urn:xmpp:pie:0'><host jid='${OTHER}'>${users.join('')}</host></server-data>`,
  )
  const first = sealpost.ctl(['import', 'run', path])
  await expect.poll(() => made(), { timeout: 60_000 }).toBeGreaterThan(20)
  await sealpost.kill({ database: true })
  expect((await first).code).toBe(1)
  await sealpost.restart()
  const before = await made()
  expect(before).toBeLessThan(USERS)
  const { created, completed, exists, invalid } = await ctl('run', path)
  expect([created, completed + exists, invalid]).toEqual([USERS - before, before, 0])
  expect(completed).toBeLessThan(2)
  const [row] = await sealpost.query<{ count: string }>(`
    select count(*) from account.account a where a.domain = '${OTHER}' and a.localpart ~ '^user'
      and (select count(*) from account.credential c where c.account_id = a.id) = 2
      and (select count(*) from xmpp.roster_item i where i.account_id = a.id) = 20`)
  expect(row?.count).toBe(String(USERS))
})

const USERS = 300

async function made(): Promise<number> {
  const [row] = await sealpost.query<{ count: string }>(
    `select count(*) from account.account where domain = '${OTHER}' and localpart ~ '^user'`,
  )
  return Number(row?.count)
}
