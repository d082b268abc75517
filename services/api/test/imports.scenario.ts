/** `ctl import` and `POST /v1/import`: what becomes of another server's users, by what their passwords are; hostile files; cut off and repeated. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { deriveVerifier, type ScramHash } from '@sealpost/sasl'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runCtl } from '../src/cli/index.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

let api: TestApi
let folder: string
let files = 0
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-import-'))
  return () => rm(folder, { recursive: true })
})

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function ctl(...args: readonly string[]): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: true })]
  const env = { dataDir: api.dataDir, stdin: Readable.from([]), stdout, stderr, localVerbs: [] }
  const code = await runCtl(['import', ...args], env)
  const read = (stream: PassThrough): string => String(stream.read() ?? '')
  return { code, out: read(stdout), err: read(stderr) }
}

interface Report {
  readonly created: number
  readonly completed: number
  readonly exists: number
  readonly invalid: number
  readonly credentials: Readonly<Record<'password' | 'verifier' | 'link', number>>
  readonly chat: Readonly<Record<string, number>>
  readonly left_out: Readonly<Record<string, number>>
  readonly problems: readonly { readonly document: number; readonly jid?: string; readonly problem: string }[]
  readonly links: readonly { readonly jid: string; readonly url: string }[]
}

async function report(verb: 'run' | 'preview', path: string, ...args: readonly string[]): Promise<Report> {
  const { code, out, err } = await ctl(verb, path, ...args, '--json')
  expect([code, err.includes('The server')]).toEqual([0, false])
  return JSON.parse(out) as Report
}

async function file(content: string | Buffer, name = `${String(files++)}.xml`): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const server = (users: string, host = 'example.org'): string =>
  `<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'><host jid='${host}'>${users}</host></server-data>`

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64')

async function scram(
  password: string,
  hash: ScramHash,
  salt: Buffer,
  iterations: number,
  encode: (bytes: Buffer) => string = base64,
): Promise<string> {
  const { storedKey, serverKey } = await deriveVerifier(password, hash, { salt, iterations })
  const fields = {
    'server-key': encode(serverKey),
    'stored-key': encode(storedKey),
    'iter-count': String(iterations),
    salt: encode(salt),
  }
  const inner = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  return `<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-${hash}'>${inner.join('')}</scram-credentials>`
}

const UUID_SALT = Buffer.from('0b1f9a2c-7f6e-4c5d-9e8f-3a2b1c0d9e8f')
const signsIn = async (name: string, password: string): Promise<boolean> =>
  (await api.call('GET', '/v1/me', { headers: basic(name, password) })).status === 200

describe('what passwords become', () => {
  test('one in the clear is hashed; a verifier serves until its password was used; others get a link', async () => {
    const old = await scram('old', 'SHA-1', UUID_SALT, 10_000)
    const both =
      (await scram('both', 'SHA-1', UUID_SALT, 4096)) + (await scram('both', 'SHA-256', UUID_SALT, 4096))
    const twice = await scram('twice', 'SHA-1', UUID_SALT.subarray(0, 16), 4096, (bytes) =>
      base64(base64(bytes)),
    )
    const mislabelled = (await scram('twelve', 'SHA-256', UUID_SALT, 10_000)).replace('SHA-256', 'SHA-1')
    const weak = await scram('weak', 'SHA-1', UUID_SALT, 100)
    const path = await file(
      server(
        `<user name='clear' password='in the &lt;clear&gt;'/><user name='prosody'>${old}</user><user name='both'>${both}</user><user name='ejabberd'>${twice}</user><user name='migrated'>${mislabelled}</user>` +
          `<user name='weak'>${weak}</user><user name='strong'>${old.replace('SCRAM-SHA-1', 'SCRAM-SHA-512')}</user>` +
          `<user name='bell' password='&#9;'/><user name='torn' password='scram:not,a,verifier'/><user name='none'/>`,
      ),
    )
    expect(await report('preview', path)).toMatchObject({
      created: 10,
      completed: 0,
      links: [],
      credentials: { verifier: 4 },
    })
    expect(await api.owner('GET', '/v1/accounts/clear@example.org')).toMatchObject({ status: 404 })
    const done = await report('run', path)
    expect(done).toMatchObject({ created: 10, exists: 0, invalid: 0, problems: [] })
    expect(done.credentials).toEqual({ password: 1, verifier: 4, link: 5 })
    expect(done.links.map(({ jid }) => jid)).toEqual(
      ['weak', 'strong', 'bell', 'torn', 'none'].map((name) => `${name}@example.org`),
    )
    expect(await signsIn('clear', 'in the <clear>')).toBe(true)
    for (const [name, password] of [
      ['prosody', 'old'],
      ['both', 'both'],
      ['ejabberd', 'twice'],
      ['migrated', 'twelve'],
    ] as const) {
      expect(await signsIn(name, 'wrong')).toBe(false)
      expect(await signsIn(name, password)).toBe(true)
      expect(await signsIn(name, password)).toBe(true)
    }
    expect(await signsIn('torn', 'scram:not,a,verifier')).toBe(false)
    expect(api.logged()).not.toMatch(/prosody@|in the|0b1f9a2c/)
  })

  test('repeated: whoever has a password keeps it, whoever waits for one gets another link', async () => {
    const path = await file(server(`<user name='settled' password='one'/><user name='waiting'/>`))
    const first = await report('run', path)
    await writeFile(path, server(`<user name='settled' password='two'/><user name='waiting'/>`))
    expect(await report('preview', path)).toMatchObject({ created: 0, completed: 1, exists: 1 })
    const again = await report('run', path)
    expect(again).toMatchObject({ created: 0, completed: 1, exists: 1, credentials: { link: 1 } })
    expect(again.problems).toEqual([{ document: 1, jid: 'settled@example.org', problem: 'exists' }])
    expect(again.links[0]?.url).not.toBe(first.links[0]?.url)
    expect(await signsIn('settled', 'one')).toBe(true)
  })
})

describe('what is not imported', () => {
  test('names that nobody can have, or not any more, and domains of others', async () => {
    await api.owner('POST', '/v1/accounts', { jid: 'gone@example.org', password: 'x' })
    await api.owner('POST', '/v1/accounts/gone@example.org/terminate', {}, { 'sealpost-reason': 'test' })
    const users = ['gone', 'keys', 'a@b', '', 'x'.repeat(1024), '../../etc/passwd', 'a&#10;b']
    const path = await file(
      server(`${users.map((name) => `<user name='${name}'/>`).join('')}<user/>`) +
        `\f${server(`<user name='a'/>`, 'elsewhere.example')}\f${server(`<user name='a'/>`, 'example.org/x')}\f<user xmlns='urn:xmpp:pie:0' name='homeless'/>`,
    )
    for (const verb of ['preview', 'run'] as const) {
      const { created, invalid, problems } = await report(verb, path)
      expect([created, invalid]).toEqual([0, 11])
      expect(problems.map(({ document, problem }) => `${String(document)} ${problem}`)).toEqual([
        '1 retired',
        '1 reserved',
        ...Array.from({ length: 6 }, () => '1 username'),
        '2 domain',
        '3 username',
        '4 username',
      ])
    }
  })

  test('messages, archives, lists and what nobody knows are counted and left; the relay gets the rest as it is', async () => {
    const wait = `<offline-messages><message xmlns='jabber:client'><body>secret words</body></message></offline-messages>`
    const archive = `<archive xmlns='urn:xmpp:pie:0#mam'><result xmlns='urn:xmpp:mam:2'>${'secret words '.repeat(1000)}</result></archive>`
    const parts =
      `<query xmlns='jabber:iq:roster'><item jid='b@example.org'/><item jid='c@example.org'/></query><presence type='subscribe' from='d@example.org'/>` +
      `<query xmlns='jabber:iq:private'><a xmlns='urn:a'/></query><vCard xmlns='vcard-temp'/>` +
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'><item id='1'/><item id='2'/></items></pubsub>`
    const others = `<query xmlns='jabber:iq:privacy'/><own xmlns='urn:own'/><a>&evil;</a><vCard xmlns='vcard-temp'>&evil;</vCard>`
    const path = await file(
      server(`<user name='rich'>${wait}${archive}${parts}${others}</user>`).replace(
        '</server-data>',
        `<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/></server-data>`,
      ),
    )
    const preview = await report('preview', path)
    expect(preview.chat).toEqual({ contacts: 2, items: 2, elements: 2, refused: 0 })
    const before = api.chatImport.taken.length
    const done = await report('run', path)
    expect(done.left_out).toEqual({
      offline_messages: 1,
      archives: 1,
      privacy_lists: 1,
      extensions: 2,
      includes: 1,
      too_large: 0,
      malformed: 1,
    })
    const taken = api.chatImport.taken.slice(before).map(([, given]) => given)
    expect(taken).toEqual([
      [
        `<query xmlns='jabber:iq:roster'><item jid='b@example.org'/><item jid='c@example.org'/></query>`,
        `<presence xmlns='jabber:client' type='subscribe' from='d@example.org'/>`,
        `<query xmlns='jabber:iq:private'><a xmlns='urn:a'/></query>`,
        `<vCard xmlns='vcard-temp'/>`,
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'><item id='1'/><item id='2'/></items></pubsub>`,
      ],
    ])
    const { out } = await ctl('preview', path)
    expect(out).toContain('left out: 1 queues of waiting messages')
    expect(out).toContain('left out: 1 files that are named in others')
  })
})

describe('hostile files', () => {
  const LAUGHS = `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`
  test.each([
    ['an entity bomb', `${LAUGHS}${server(`<user name='bomb' password='&b;'/>`)}`, 'restricted-xml'],
    ['an external entity', `<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>`, 'restricted-xml'],
    ['a huge name', server(`<user name='${'x'.repeat(100_000)}'/>`), 'policy-violation'],
    ['no XML', 'username,password\nromeo,secret\n', 'not-well-formed'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x3c]), 'not-well-formed'],
    ['half of a file', server(`<user name='half'><query xmlns='jabber:iq:roster'>`), 'not-well-formed'],
  ])('%s: nothing of it comes in, and the next file does', async (_name, content, condition) => {
    await file(content, '1.xml')
    const next = `next${String(files++)}`
    await file(server(`<user name='${next}'/>`), '2.xml')
    const done = await report('run', folder)
    expect(done.problems).toEqual([{ document: 1, problem: `broken: ${condition}` }])
    expect(done.links.map(({ jid }) => jid)).toEqual([`${next}@example.org`])
    const { out } = await ctl('preview', folder)
    expect(out).toContain(`1.xml: the file is not well-formed from some place on (${condition})`)
  })

  test('an element of a hundred megabytes, or of 100,000 levels, is passed over', async () => {
    const deep = `<vCard xmlns='vcard-temp'>${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</vCard>`
    const long = `<query xmlns='jabber:iq:private'>${'x'.repeat(9 * 1024 * 1024)}</query>`
    const done = await report('run', await file(server(`<user name='deep'>${deep}${long}</user>`)))
    expect(done).toMatchObject({ created: 1, left_out: { too_large: 1, malformed: 1 } })
  })

  test('links in a directory lead nowhere', async () => {
    const secret = join(folder, 'secret')
    await writeFile(secret, server(`<user name='linked'/>`))
    await mkdir(join(folder, 'export', 'example.org'), { recursive: true })
    await symlink(secret, join(folder, 'export', 'example.org', 'linked.xml'))
    await symlink(folder, join(folder, 'export', 'folder'))
    await writeFile(join(folder, 'export', 'example.org', 'own.xml'), server(`<user name='own'/>`))
    await writeFile(join(folder, 'export', 'example.org', 'own.dat'), 'return {}')
    const done = await report('run', join(folder, 'export'))
    expect(done.links.map(({ jid }) => jid)).toEqual(['own@example.org'])
    expect(await ctl('run', join(folder, 'absent'))).toMatchObject({ code: 1 })
    await mkdir(join(folder, 'empty'))
    expect((await ctl('run', join(folder, 'empty'))).err).toContain('no file there whose name ends in .xml')
  })
})

test('cut off by the relay, it goes on when it is repeated: credentials come last', async () => {
  const path = await file(server(`<user name='cut' password='secret'><vCard xmlns='vcard-temp'/></user>`))
  api.chatImport.away = true
  expect(await ctl('run', path)).toMatchObject({ code: 1 })
  expect(await signsIn('cut', 'secret')).toBe(false)
  api.chatImport.away = false
  expect(await report('run', path)).toMatchObject({ created: 0, completed: 1, credentials: { password: 1 } })
  expect(await signsIn('cut', 'secret')).toBe(true)
  expect(await report('run', path)).toMatchObject({ created: 0, completed: 0, exists: 1 })
})

test('chatmail: mailboxes with a password file, one directory deep or two', async () => {
  for (const address of ['a1b2c3d4e@example.net', 'f5g6h7i8j@example.net', 'e@elsewhere.example']) {
    await mkdir(join(folder, 'mail', 'example.net', address), { recursive: true })
    await writeFile(join(folder, 'mail', 'example.net', address, 'password'), '{SHA512-CRYPT}$6$salt$hash')
  }
  await mkdir(join(folder, 'mail', 'example.net', 'never-used@example.net'))
  await mkdir(join(folder, 'mail', 'example.net', 'linked@example.net'))
  await symlink('/etc/passwd', join(folder, 'mail', 'example.net', 'linked@example.net', 'password'))
  const path = join(folder, 'mail')
  expect(await report('preview', path, '--from', 'chatmail')).toMatchObject({ created: 2, invalid: 1 })
  const done = await report('run', join(path, 'example.net'), '--from', 'chatmail')
  expect(done.links.map(({ jid }) => jid)).toEqual(['a1b2c3d4e@example.net', 'f5g6h7i8j@example.net'])
  expect((await ctl('preview', path, '--from', 'chatmail')).out).toContain(
    'hashes of this source cannot be taken over',
  )
})

test('Mailcow: the mailboxes that are active', async () => {
  const mailboxes = [
    { username: 'mailcow@example.net', active: 1, name: 'M' },
    { username: 'resting@example.net', active: 0 },
    { username: 'text@example.net', active: '1' },
    { username: 7, active: 1 },
    { username: `x'/><user name='injected@example.net`, active: 1 },
    'nothing',
  ]
  const path = await file(JSON.stringify(mailboxes), 'mailboxes.json')
  const done = await report('run', path, '--from', 'mailcow')
  expect(done).toMatchObject({ created: 2, invalid: 1 })
  const { out } = await ctl('preview', path, '--from', 'mailcow')
  expect(out).toContain('left out: 1 mailboxes that are not active')
  for (const bad of ['{}', 'x', ''])
    expect(await ctl('run', await file(bad, 'bad.json'), '--from', 'mailcow')).toMatchObject({ code: 1 })
  expect(await ctl('run', path, '--from', 'elsewhere')).toMatchObject({ code: 1 })
})

test('by REST for whoever may make accounts, one import at a time; each is on record, without names', async () => {
  const key = await api.key('accounts:read')
  const asked = { key, headers: { 'content-type': 'application/xml' }, body: server(`<user name='rest'/>`) }
  expect((await api.call('POST', '/v1/import', asked)).status).toBe(403)
  const may = { ...asked, key: await api.key('accounts:write') }
  expect((await api.call('POST', '/v1/import/preview', may)).json).toMatchObject({ created: 1 })
  const { status, json } = await api.call('POST', '/v1/import', may)
  expect([status, json['created']]).toEqual([200, 1])
  expect((await api.call('POST', '/v1/import', { key: may.key, body: {} })).status).toBe(415)
  const audit = await api.owner('GET', '/v1/audit?action=import.run&limit=1')
  expect(audit.text).not.toContain('rest@')
})
