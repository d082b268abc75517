/** DELIVERY.md has the holes by number; here is what comes out at the other end, and in the tables. */
import { openDb, sql } from '@sealpost/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const CANARY = 'attack at dawn'
const FALLBACK = '<body>[This message is encrypted]</body>'

let relay: RelayFixture
let alice: TestClient
let bob: TestClient
beforeAll(async () => {
  relay = await startRelay()
  alice = await relay.client('alice', { resource: 'a' })
  bob = await relay.client('bob', { resource: 'b' })
  await bob.available()
})
afterAll(() => relay[Symbol.asyncDispose]())

const ciphertext = /<encrypted.*<\/encrypted>/.exec(omemo('x', 'x'))?.[0] ?? ''
const chat = (inner: string, attrs = `type='chat' id='p'`) =>
  `<message to='${bob.bare}' ${attrs}>${inner}</message>`

describe('required', () => {
  test.each([
    `<body>${CANARY}</body>`,
    `<subject>${CANARY}</subject>`,
    `<body>?OTR ${CANARY}</body>`,
    `<body>${CANARY}</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>`,
    `<openpgp xmlns='urn:xmpp:openpgp:0'>${Buffer.from(CANARY).toString('base64')}</openpgp>`,
    `<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>${CANARY}</reaction></reactions>`,
    `<x xmlns='jabber:x:oob'><url>${CANARY}</url></x><request xmlns='urn:xmpp:receipts'/>`,
    `<thread>${CANARY}</thread>`,
  ])('%s is refused with policy-violation and a text, and does not arrive', async (inner) => {
    alice.sendRaw(chat(inner))
    const error = await alice.message()
    expect(error.attrs).toMatchObject({ type: 'error', id: 'p', from: bob.bare })
    expect(condition(error)).toBe('policy-violation')
    expect(error.child('error')?.child('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')?.text()).toContain(
      'encrypted',
    )
    await bob.receivesNothing()
  })

  test.each(['normal', 'headline', 'groupchat'])('%s is no way around', async (type) => {
    alice.sendRaw(chat(`<body>${CANARY}</body>`, `type='${type}' id='p'`))
    expect(condition(await alice.message())).toBe('policy-violation')
    await bob.receivesNothing()
  })

  test('what is readable beside ciphertext does not arrive', async () => {
    const noise = `<subject>${CANARY}</subject><body>${CANARY}</body><nick xmlns='http://jabber.org/protocol/nick'>${CANARY}</nick>`
    const label = `<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='${CANARY}'/>`
    alice.sendRaw(
      chat(
        noise + ciphertext + label,
        `type='chat' id='p' xml:lang='${CANARY}' note='${CANARY}' xmlns:n='${CANARY}'`,
      ),
    )
    const message = await bob.message()
    expect(String(message)).not.toContain(CANARY)
    expect(message.innerXml()).toContain(ciphertext)
    expect(message.innerXml()).toContain(FALLBACK)
  })

  test('ciphertext arrives byte for byte, wherever its prefixes were declared', async () => {
    const odd = ciphertext.replace(`<header sid='1'>`, `<header  sid = "1" >\n`)
    alice.sendRaw(chat(odd))
    expect((await bob.message()).innerXml()).toContain(odd)
    const prefixed = ciphertext
      .replace(` xmlns='eu.siacs.conversations.axolotl'`, '')
      .replaceAll(/(<\/?)/g, '$1o:')
    alice.sendRaw(chat(prefixed, `type='chat' id='p' xmlns:o='eu.siacs.conversations.axolotl'`))
    const encrypted = (await bob.message()).child('encrypted', 'eu.siacs.conversations.axolotl')
    expect(encrypted?.child('header')?.child('iv')?.text()).toBe('AAAAAAAAAAAAAAAA')
  })

  test('an id that could be read is refused', async () => {
    alice.sendRaw(chat(ciphertext, `type='chat' id='${CANARY}'`))
    expect(condition(await alice.message())).toBe('policy-violation')
    await bob.receivesNothing()
  })

  test('errors carry their condition and nothing else', async () => {
    const error = `<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>${CANARY}</text></error>`
    alice.sendRaw(`<message type='error' id='p' to='${bob.jid}'><body>${CANARY}</body>${error}</message>`)
    const message = await bob.message()
    expect(String(message)).not.toContain(CANARY)
    expect(condition(message)).toBe('service-unavailable')
  })

  test('marks of a server are not taken from a client', async () => {
    const stamp = `stamp='2002-09-10T23:08:25Z'`
    alice.sendRaw(
      chat(
        `${ciphertext}<stanza-id xmlns='urn:xmpp:sid:0' id='s' by='${bob.bare}'/><origin-id xmlns='urn:xmpp:sid:0' id='o'/>` +
          `<delay xmlns='urn:xmpp:delay' from='localhost' ${stamp}/><delay xmlns='urn:xmpp:delay' from='${alice.bare}' ${stamp}/>`,
      ),
    )
    const message = await bob.message()
    expect(message.child('stanza-id', 'urn:xmpp:sid:0')).toBeUndefined()
    expect(message.child('origin-id', 'urn:xmpp:sid:0')?.attrs['id']).toBe('o')
    expect(message.childrenNamed('delay', 'urn:xmpp:delay').map((delay) => delay.attrs['from'])).toEqual([
      alice.bare,
    ])
  })

  test('XEP-0280 §6: <private/> keeps the sender’s other devices out', async () => {
    const other = await relay.client('alice', { resource: 'other' })
    await other.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    await other.available()
    alice.sendRaw(chat(`${ciphertext}<private xmlns='urn:xmpp:carbons:2'/>`))
    await bob.message()
    await other.receivesNothing()
    alice.sendRaw(chat(ciphertext))
    await bob.message()
    expect((await other.message()).child('sent', 'urn:xmpp:carbons:2')).toBeDefined()
    await other.close()
  })

  test('receipts, markers, states and call proposals pass', async () => {
    for (const inner of [
      `<received xmlns='urn:xmpp:receipts' id='m0'/>`,
      `<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/>`,
      `<composing xmlns='http://jabber.org/protocol/chatstates'/>`,
      `<propose xmlns='urn:xmpp:jingle-message:0' id='c1'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>`,
    ]) {
      alice.sendRaw(chat(inner))
      expect((await bob.message()).innerXml()).toContain(inner)
    }
  })

  test('nothing of all that is in a table or in the log', async () => {
    await relay.account('away')
    await alice.enableStreamManagement()
    const mixed = `<body>${CANARY}</body>${ciphertext}<x xmlns='urn:x'>${CANARY}</x>`
    alice.sendRaw(`<message to='away@localhost' type='chat' id='a1'>${mixed}</message>`)
    await alice.safeUpTo(1)
    const db = await openDb({ url: relay.databaseUrl })
    const tables = await db.query<{ name: string }>(
      sql`select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('xmpp', 'account')`,
    )
    expect(tables.length).toBeGreaterThan(3)
    for (const { name } of tables) {
      const rows = await db.query<{ found: string }>(
        sql`select query_to_xml(${`select * from ${name}`}, true, false, '')::text as found`,
      )
      expect(rows[0]?.found ?? '').not.toMatch(/attack|away@/)
    }
    await db[Symbol.asyncDispose]()
    expect(relay.logged()).not.toMatch(/attack|alice|bob|away/)
    const away = await relay.client('away')
    await away.available()
    expect(String(await away.message())).not.toContain(CANARY)
  })
})

describe('optional', () => {
  let optional: RelayFixture
  beforeAll(async () => {
    optional = await startRelay({ e2eePolicy: 'optional' })
  })
  afterAll(() => optional[Symbol.asyncDispose]())

  test('plaintext reaches who is here and is not kept for who is not; ciphertext is normalised', async () => {
    const carla = await optional.client('carla')
    const dave = await optional.client('dave')
    await dave.available()
    carla.sendRaw(`<message to='dave@localhost' type='chat' id='1'><body>${CANARY}</body></message>`)
    expect((await dave.message()).child('body')?.text()).toBe(CANARY)
    carla.sendRaw(
      `<message to='dave@localhost' type='chat' id='2'><body>${CANARY}</body>${ciphertext}</message>`,
    )
    expect(String(await dave.message())).not.toContain(CANARY)
    carla.sendRaw(
      `<message to='dave@localhost' type='chat' id='3'><body>b</body><stanza-id xmlns='urn:xmpp:sid:0' id='s' by='x'/></message>`,
    )
    expect(String(await dave.message())).not.toContain('stanza-id')
    await dave.close()
    carla.sendRaw(`<message to='dave@localhost' type='chat' id='4'><body>${CANARY}</body></message>`)
    expect(condition(await carla.message())).toBe('recipient-unavailable')
    const again = await optional.client('dave')
    await again.available()
    await again.receivesNothing()
  })
})
