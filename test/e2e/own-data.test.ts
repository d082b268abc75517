/**
 * What the server holds of an account is in the account's own export, or in the list of exceptions below, with the reason: every table of all schemas is searched for
 * the account's id and address.
 */
import { Client } from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { certify, ed25519, userId } from '../../packages/openpgp/test/maker.ts'
import { armor } from '../../services/keys/test/keys.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { canary, tablesWith } from '../canaries.ts'
import { shape } from './shape.ts'

/** Tables whose rows of an account are in its export, and where. */
const EXPORTED: Readonly<Record<string, string>> = {
  'account.account': 'account',
  'account.account_plan': 'account',
  'account.mail_limit': 'account',
  'account.mail_review': 'account',
  'api.legal_request': 'legal_requests',
  'api.notice': 'notices',
  'api.phone': 'phone',
  'api.policy_acceptance': 'policies',
  'api.privacy_request': 'privacy_requests',
  'keys.address_token': 'keys',
  'keys.certificate': 'keys',
  'keys.link': 'keys',
  'keys.published_address': 'keys',
  'smtp.list': 'mail',
  'smtp.mail_settings': 'mail',
  'xmpp.blocked': 'chat',
  'xmpp.device': 'chat',
  'xmpp.fast_token': 'chat',
  'xmpp.pep_item': 'chat',
  'xmpp.pep_node': 'chat',
  'xmpp.push': 'chat',
  'xmpp.room_affiliation': 'chat',
  'xmpp.roster': 'chat',
  'xmpp.roster_item': 'chat',
  'xmpp.stored_xml': 'chat',
}

/** Tables with an account's id or address that are not exported, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'account.app_password':
    'verifiers, as those of the password; names, scopes and days are shown to the owner by GET /v1/me/app-passwords',
  'account.credential':
    'verifiers of the password: of no use to its owner, and to others a help in guessing it',
  'account.erasure': 'the ledger of what is still to be erased: there is nobody any more to export for',
  'account.invite': 'the hash of a link that sets the password; gone when used or expired',
  'account.published_key': 'that a certificate counts: which one is told under keys',
  'account.transition':
    'that the account was made, suspended or restored, on its way to the operator’s systems; gone within seconds',
  'api.abuse_report': 'what others said, which is theirs; gone after half a year',
  'api.account_session': 'the hash of a cookie; gone after half an hour of rest, or twelve hours',
  'api.idempotency': 'a hash of a request and the id of the account that it made; gone after a day',
  'api.legal_production':
    'what an authority was given, for thirty days: a part of the export, and told when nothing forbids it',
  'api.subscription':
    'what the billing system says of terms and fees, and answers for; gone with the account',
  'api.webhook_event':
    'ids and codes on their way to the operator’s systems; gone when taken, with the account, or after thirty days',
  'audit.entry': 'what administrators did, by ids: kept from everybody who could change it',
  'xmpp.contact_invite':
    'hashes of links that their owner has; who came by one is not kept; gone when used or expired',
}

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
      const section = EXPORTED[table]
      if (section === undefined)
        expect([table, EXCEPTIONS[table] ?? 'not exported']).toEqual([table, EXCEPTIONS[table]])
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
    const known = new Set([...Object.keys(EXPORTED), ...Object.keys(EXCEPTIONS)])
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
        timeout: 20_000,
      })
      .toEqual(['audit.entry'])
  })
})
