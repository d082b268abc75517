/**
 * What the server holds of an account is in the account's own export, or is an exception with a reason, as the data map says: every table of all schemas is searched for
 * the account's id and address.
 */
import { DATA_MAP } from '@sealpost/data-map'
import { Client } from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { certify, ed25519, userId } from '../../packages/openpgp/test/maker.ts'
import { armor } from '../../services/keys/test/keys.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { canary, tablesWith } from '../canaries.ts'
import { shape } from './shape.ts'

const MAP = Object.entries(DATA_MAP)
/** Tables whose rows of an account are in its export, and where. */
const EXPORTED = new Map(
  MAP.flatMap(([name, table]) =>
    table.about === 'account' && 'export' in table.told ? [[name, table.told.export] as const] : [],
  ),
)
/** Tables about people that are not exported, and why. */
const EXCEPTIONS = new Map(
  MAP.flatMap(([name, table]) =>
    table.about !== 'nobody' && 'notExported' in table.told ? [[name, table.told.notExported] as const] : [],
  ),
)

/** Columns whose name says that they lead to an account. */
const LEADS_TO_ACCOUNT = "column_name ~ '(^|_)account_id$' or column_name in ('username', 'contact')"

shape.describe('own data', (deployment) => {
  const name = canary('owner')
  const address = `${name}@localhost`
  const password = canary('secret')
  const headers = { authorization: `Basic ${Buffer.from(`${address}:${password}`).toString('base64')}` }
  let id = ''

  const ask = async (service: 'api' | 'keys' | 'smtp', method: string, path: string, body?: object) => {
    const answer = await fetch(deployment().url(service, path), {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    expect([path, answer.ok]).toEqual([path, true])
    return answer
  }

  beforeAll(async () => {
    const made = await deployment().ctl(['account', 'create', address, '--password-stdin'], `${password}\n`)
    expect(made.code).toBe(0)
    id = ((await (await ask('api', 'GET', '/v1/me')).json()) as { id: string }).id
    await deployment().ctl(['account', 'limit-mail', address, '--messages-per-day', '5'])
    await ask('api', 'POST', '/v1/me/privacy-requests', { kind: 'correction', details: 'x' })
    const today = new Date().toISOString().slice(0, 10)
    const text = ['--language', 'en', '--title', 'Terms', '--text', 'Be good.', '--effective-on', today]
    const published = await deployment().ctl(['policy', 'publish', 'terms', ...text])
    expect(published.output).toContain('version 1')
    await ask('api', 'POST', '/v1/me/policies/terms/versions/1/acceptance', { words: 'I agree' })
    const notice = [
      '--audience',
      'account',
      '--jid',
      address,
      '--title',
      'Hello',
      '--body',
      'You.',
      '--by',
      'chat',
    ]
    expect((await deployment().ctl(['notice', 'publish', '--kind', 'announcement', ...notice])).code).toBe(0)
    await ask('smtp', 'PUT', '/v1/me/mail-settings', { pgp: 'on-arrival' })
    const primary = ed25519(Date.now())
    const keytext = armor(
      Buffer.concat([primary.key.packet.bytes, userId(address), certify(primary, address)]),
    )
    await ask('keys', 'POST', '/v1/me/keys', { keytext })
    await using client = await TestClient.signIn({ port: deployment().ports.xmpp, username: name, password })
    await client.available()
    const contact = "<item jid='friend@localhost' name='Friend'/>"
    await client.request('set', `<query xmlns='jabber:iq:roster'>${contact}</query>`)
    await client.request('set', "<block xmlns='urn:xmpp:blocking'><item jid='foe@localhost'/></block>")
    const item = "<item id='a'><conference xmlns='urn:xmpp:bookmarks:1'/></item>"
    const publish = `<publish node='urn:xmpp:bookmarks:1'>${item}</publish>`
    await client.request('set', `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}</pubsub>`)
    await client.request('set', "<vCard xmlns='vcard-temp'><FN>Owner</FN></vCard>")
  })

  test('every table with rows of the account is exported, or is an exception with a reason', async () => {
    const document = (await (await ask('api', 'GET', '/v1/me/export')).json()) as Record<string, unknown>
    const url = await deployment().databaseUrl()
    const found = new Set([...(await tablesWith(url, id)), ...(await tablesWith(url, name))])
    for (const table of ['account.account', 'api.privacy_request', 'keys.published_address', 'xmpp.device'])
      expect([...found]).toContain(table)
    for (const table of found) {
      const section = EXPORTED.get(table)
      if (section === undefined)
        expect([table, EXCEPTIONS.get(table) ?? 'not exported']).toEqual([table, EXCEPTIONS.get(table)])
      else expect([table, document[section]]).toEqual([table, expect.anything()])
    }
  })

  test('every table that leads to accounts is in one of the two lists, with or without rows', async () => {
    const database = new Client({ connectionString: await deployment().databaseUrl() })
    await database.connect()
    const { rows } = await database.query<{ name: string }>(
      `select distinct format('%s.%s', table_schema, table_name) as name from information_schema.columns
       join information_schema.tables using (table_schema, table_name)
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') and (${LEADS_TO_ACCOUNT})`,
    )
    await database.end()
    expect(rows.length).toBeGreaterThan(10)
    const known = new Set([...EXPORTED.keys(), ...EXCEPTIONS.keys()])
    expect(rows.map((row) => row.name).filter((table) => !known.has(table))).toEqual([])
  })

  test('what was put there is in it: contact, node, key, setting, request, acceptance, notice, limit', async () => {
    const document = await (await ask('api', 'GET', '/v1/me/export')).json()
    expect(document).toMatchObject({
      account: { jid: address, mails_per_day: 5 },
      chat: {
        devices: [{ registered: false }],
        contacts: [{ jid: 'friend@localhost', name: 'Friend' }],
        blocked: ['foe@localhost'],
        nodes: [{ node: 'urn:xmpp:bookmarks:1', items: [{ id: 'a' }] }],
        elements: [{ ns: 'vcard-temp', name: 'vCard' }],
      },
      keys: { certificates: [{ published: [address] }] },
      mail: { settings: { pgp: 'on-arrival' } },
      privacy_requests: [{ kind: 'correction' }],
      policies: [{ kind: 'terms', version: 1 }],
      notices: [{ title: 'Hello' }],
    })
    const { output } = await deployment().ctl(['account', 'export', address, '--format', 'xep-0227'])
    expect(output).toContain("<item jid='friend@localhost'")
    expect(output).toContain("<vCard xmlns='vcard-temp'><FN>Owner</FN></vCard>")
  })

  test('whoever runs the server finds the key by its address; one that never was here is taken off, and readmitted', async () => {
    const ctl = async (...line: string[]) => (await deployment().ctl(['key', ...line])).output.trim()
    expect(await ctl('find', '--search', address)).toMatch(
      new RegExp(`^[0-9A-F]{40}  published  ed25519  ${RegExp.escape(address)}$`),
    )
    const other = 'A'.repeat(40)
    expect(await ctl('remove', other)).toContain('It is not here, and will not be taken')
    expect(await ctl('find', '--search', other)).toBe(`${other}  removed`)
    await ctl('readmit', other)
    expect(await ctl('find', '--search', other)).toBe('Nothing is here')
  })

  test('terminated, nothing of it is left in any table but what names nobody', async () => {
    expect((await ask('api', 'POST', '/v1/me/privacy-requests', { kind: 'deletion', password })).status).toBe(
      201,
    )
    const url = await deployment().databaseUrl()
    await expect
      .poll(async () => [...(await tablesWith(url, name)), ...(await tablesWith(url, id))], {
        timeout: 90_000,
      })
      .toEqual(['audit.entry'])
  })
})
