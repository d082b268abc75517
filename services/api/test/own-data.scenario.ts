/** Everything that the server holds of an account, as its owner and as others get it. */
import { PassThrough, Readable } from 'node:stream'
import { type Element, readElement } from '@sealpost/stanza'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { runCtl } from '../src/cli/index.ts'
import { appoint } from './administrator.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

let api: TestApi
const ann = basic('ann@example.org', 'secret')
beforeAll(async () => {
  api = await createTestApi()
  await api.owner('POST', '/v1/accounts', { jid: 'ann@example.org', password: 'secret' })
  api.ownData.chat = {
    devices: [
      {
        id: '6d0c6c2e-5b1f-4d5e-9d5b-0a4ed0a4a001',
        createdOn: '2026-01-02',
        lastSeenOn: '2026-02-03',
        registered: true,
        waiting: 2,
        overrun: false,
        label: 'Pocket',
        typed: true,
        bound: false,
        carbons: true,
        tokens: [{ mechanism: 'HT-SHA-256-NONE', expiresOn: '2026-03-01' }],
        pushes: [{ service: 'push.example', node: 'n1' }],
      },
    ],
    queues: [{ deviceId: undefined, messages: 1, bytes: 1_024, oldestAgeSeconds: 60 }],
    blocked: ['eve@example.net'],
    groups: [
      {
        jid: 'friends@groups.example.org',
        name: 'Friends',
        affiliation: 'owner',
        nick: 'alice',
        entered: true,
      },
      { jid: 'work@groups.example.org', name: '', affiliation: 'outcast', nick: undefined, entered: false },
    ],
    contacts: [
      {
        jid: 'bob@example.net',
        name: "Bob 'the' <b> & co",
        groups: ['Friends'],
        subscription: 'both',
        ask: false,
        approved: false,
        pendingIn: false,
        listed: true,
      },
      {
        jid: 'eve@example.com',
        name: undefined,
        groups: [],
        subscription: 'none',
        ask: false,
        approved: false,
        pendingIn: true,
        listed: false,
      },
    ],
    nodes: [
      {
        node: 'urn:xmpp:bookmarks:1',
        config: { 'pubsub#access_model': 'whitelist', 'pubsub#max_items': '10' },
        items: [{ id: "a'b", payload: "<conference xmlns='urn:xmpp:bookmarks:1' name='x'/>" }],
        subscribers: [],
      },
      {
        node: 'eu.siacs.conversations.axolotl.devicelist',
        config: { 'pubsub#access_model': 'open', 'pubsub#max_items': '1' },
        items: [{ id: 'current', payload: "<list xmlns='eu.siacs.conversations.axolotl'/>" }],
        subscribers: ['bob@example.net'],
      },
    ],
    subscriptions: [{ jid: 'bob@example.net', node: 'urn:xmpp:microblog:0' }],
    elements: [
      { ns: 'storage:bookmarks', name: 'storage', xml: "<storage xmlns='storage:bookmarks'/>" },
      { ns: 'vcard-temp', name: 'vCard', xml: "<vCard xmlns='vcard-temp'><FN>Ann</FN></vCard>" },
    ],
    files: [{ bytes: 2_000, uploadedAt: 0, expiresAt: 86_400_000, fetchesLeft: 1 }],
    contactInvites: [{ expiresAt: 86_400_000 }],
  }
  api.ownData.certificates = {
    certificates: [
      {
        fingerprint: 'A'.repeat(40),
        algorithm: 'Ed25519',
        createdOn: '2026-01-01',
        expiresOn: undefined,
        revoked: false,
        published: ['ann@example.org'],
        suspended: [],
        certificate: Buffer.from([1, 2, 3]),
      },
    ],
    pending: [{ purpose: 'manage', expiresAt: 0 }],
  }
  api.ownData.mails = {
    outgoing: { mails: 1, bytes: 10 },
    waiting: { mails: 2, bytes: 20 },
    pgp: 'required',
    onMissingKey: undefined,
    lists: [{ listId: 'news.example.org', asked: 1, confirmed: 2, left: 3 }],
  }
})
afterAll(() => api[Symbol.asyncDispose]())

const mine = (query = '') => api.call('GET', `/v1/me/export${query}`, { headers: ann })

test('JSON: account, devices, contacts, nodes, keys, mail, and what is left out', async () => {
  const answer = await mine()
  expect(answer.status).toBe(200)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.json).toMatchObject({
    schema: 'urn:sealpost:own-data:1',
    version: 1,
    account: { jid: 'ann@example.org', state: 'active', plan: 'default' },
    chat: {
      devices: [
        {
          last_seen_on: '2026-02-03',
          tokens: [{ expires_on: '2026-03-01' }],
          pushes: [{ service: 'push.example', node: 'n1' }],
        },
      ],
      queues: [{ messages: 1, oldest_seconds: 60 }],
      contacts: [{ jid: 'bob@example.net', subscription: 'both' }, { pending_in: true }],
      blocked: ['eve@example.net'],
      groups: [
        { jid: 'friends@groups.example.org', affiliation: 'owner', nick: 'alice', entered: true },
        { jid: 'work@groups.example.org', affiliation: 'outcast', entered: false },
      ],
      nodes: [
        { node: 'urn:xmpp:bookmarks:1' },
        { items: [{ id: 'current' }], subscribers: ['bob@example.net'] },
      ],
      subscriptions: [{ jid: 'bob@example.net', node: 'urn:xmpp:microblog:0' }],
      files: [{ bytes: 2_000, expires_at: '1970-01-02T00:00:00.000Z', fetches_left: 1 }],
      contact_invites: [{ expires_at: '1970-01-02T00:00:00.000Z' }],
    },
    keys: { certificates: [{ published: ['ann@example.org'], certificate: 'AQID' }], pending: [{}] },
    mail: { waiting: { mails: 2 }, settings: { pgp: 'required' }, lists: [{ confirmed: 2 }] },
  })
  expect(JSON.stringify(answer.json)).not.toMatch(/stored_key|server_key|salt/)
})

test('XEP-0227: contacts, requests, configurations and items, read by a strict parser', async () => {
  const answer = await mine('?format=xep-0227')
  expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8')
  expect(answer.headers['content-disposition']).toBe('attachment; filename="account.xml"')
  const user = parse(answer.text).child('host')?.child('user')
  expect(user?.attrs).toEqual({ name: 'ann' })
  const [contact, ...more] = user?.child('query', 'jabber:iq:roster')?.elements() ?? []
  expect(more).toEqual([])
  expect(contact?.attrs).toEqual({ jid: 'bob@example.net', name: "Bob 'the' <b> & co", subscription: 'both' })
  expect(contact?.child('group')?.text()).toBe('Friends')
  expect(user?.child('presence', 'jabber:client')?.attrs).toEqual({
    type: 'subscribe',
    from: 'eve@example.com',
  })
  const configured = user?.child('pubsub', 'http://jabber.org/protocol/pubsub#owner')?.elements() ?? []
  expect(configured.map(({ attrs }) => attrs['node'])).toEqual([
    'urn:xmpp:bookmarks:1',
    'eu.siacs.conversations.axolotl.devicelist',
  ])
  const fields = configured[0]?.child('x', 'jabber:x:data')?.elements() ?? []
  expect(fields.map(({ attrs }) => attrs['var'])).toEqual([
    'FORM_TYPE',
    'pubsub#access_model',
    'pubsub#max_items',
  ])
  const [items] = user?.child('pubsub', 'http://jabber.org/protocol/pubsub')?.elements() ?? []
  expect(items?.attrs).toEqual({ node: 'urn:xmpp:bookmarks:1' })
  expect(items?.child('item')?.attrs).toEqual({ id: "a'b" })
  expect(items?.child('item')?.child('conference', 'urn:xmpp:bookmarks:1')?.attrs['name']).toBe('x')
})

function parse(document: string): Element {
  return readElement(document.replace(/^<\?xml [^>]*>\s*/, '').trimEnd())
}

test('administrators get neither contacts nor private nodes, and that is said and on record', async () => {
  const key = await api.key('privacy:write')
  const answer = await api.call('POST', '/v1/accounts/ann@example.org/export', { key })
  expect(answer.json).toMatchObject({
    chat: {
      contacts: [],
      blocked: [],
      groups: [],
      nodes: [{ node: 'eu.siacs.conversations.axolotl.devicelist' }],
    },
    left_out: expect.arrayContaining([expect.stringMatching(/^contacts/)]) as unknown,
  })
  const xml = await api.call('POST', '/v1/accounts/ann@example.org/export?format=xep-0227', { key })
  expect(xml.text).not.toContain('bob@example.net')
  const audit = (await api.owner('GET', '/v1/audit?action=account.export')).json['items']
  expect(audit).toHaveLength(4)
})

test.each([
  ['no such account', '/v1/accounts/nobody@example.org/export', 404],
  ['unknown format', '/v1/accounts/ann@example.org/export?format=vcard', 400],
])('%s is refused', async (_what, path, status) => {
  expect((await api.owner('POST', path)).status).toBe(status)
})

test('an administrator without a fresh proof gets nothing either', async () => {
  const administrator = await appoint(api, 'Ada')
  const path = '/v1/accounts/ann@example.org/export'
  // Whoever enrols has proven themselves, for five minutes.
  expect((await administrator.call('POST', path)).status).toBe(200)
  await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
  await db.execute(sql`update api.administrator_session set proved_at = proved_at - interval '6 minutes'`)
  const refused = { status: 403, json: { type: 'urn:sealpost:problem:proof-needed' } }
  expect(await administrator.call('POST', path)).toMatchObject(refused)
})

test('others get nothing', async () => {
  const key = await api.key('privacy:read', 'accounts:read')
  expect((await api.call('POST', '/v1/accounts/ann@example.org/export', { key })).status).toBe(403)
  expect((await api.call('GET', '/v1/me/export')).status).toBe(401)
})

test('half of it is no answer: 503 while a service is away', async () => {
  api.ownData.away = true
  expect((await mine()).status).toBe(503)
  api.ownData.away = false
})

test('ctl account export on the host writes all of it, in both formats', async () => {
  const run = async (line: string) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const stdin = Readable.from([''])
    const code = await runCtl(line.split(' '), {
      dataDir: api.dataDir,
      stdin,
      stdout,
      stderr,
      localVerbs: [],
    })
    return { code, out: String(stdout.read() ?? '') }
  }
  const json = await run('account export ann@example.org')
  expect(json.code).toBe(0)
  expect(JSON.parse(json.out)).toMatchObject({ chat: { contacts: [{ jid: 'bob@example.net' }, {}] } })
  const xml = await run('account export ann@example.org --format xep-0227')
  expect(xml.out).toMatch(/^<\?xml [^]*bob@example.net/)
})
