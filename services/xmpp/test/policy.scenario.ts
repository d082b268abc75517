/** The holes of an encryption policy, each a test: here is what comes out at the other end, and in the tables. */
import { readdirSync } from 'node:fs'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canary, says, tablesWith } from '../../../test/canaries.ts'
import { axolotl, legacyPgp, omemo as omemoOf, openpgpVector, ox } from '../src/policy/_ciphertexts.ts'
import { TestClient } from './client.ts'
import { expectNoMessage } from './delivery-fixture.ts'
import { arrive, befriend, condition } from './friends.ts'
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

  test('a correction and a retraction say beside ciphertext which message they are about (XEP-0308, XEP-0424)', async () => {
    for (const edit of [
      `<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>`,
      `<retract xmlns='urn:xmpp:message-retract:1' id='m0'/>`,
    ]) {
      alice.sendRaw(chat(`${edit}<store xmlns='urn:xmpp:hints'/>${ciphertext}`))
      const received = (await bob.message()).innerXml()
      expect(received).toContain(edit)
      expect(received).toContain(ciphertext)
      alice.sendRaw(chat(edit))
      expect(condition(await alice.message())).toBe('policy-violation')
    }
  })

  describe('ways around, as other servers have them', () => {
    const refused = async (inner: string, attrs?: string) => {
      alice.sendRaw(chat(inner, attrs))
      const error = await alice.message()
      expect([inner, condition(error)]).toEqual([inner, 'policy-violation'])
      expect(String(error)).not.toContain(CANARY)
      await bob.receivesNothing()
    }
    /** Arrives with its ciphertext and without anything readable. */
    const cleaned = async (inner: string, cipher: string) => {
      alice.sendRaw(chat(inner))
      const message = await bob.message()
      expect(String(message)).not.toContain(CANARY)
      expect(message.innerXml()).toContain(cipher)
    }
    /** What people read, without a body. */
    const readable = [
      `<subject>${CANARY}</subject>`,
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>${CANARY}</p></body></html>`,
      `<x xmlns='jabber:x:oob'><url>https://example.org/${CANARY}</url><desc>${CANARY}</desc></x>`,
      `<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing xmlns='urn:xmpp:sims:1'><file xmlns='urn:xmpp:jingle:apps:file-transfer:5'><name>${CANARY}</name></file></media-sharing></reference>`,
      `<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><name>${CANARY}</name></file></file-sharing>`,
      `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>${CANARY}</reaction></reactions>`,
      `<replace xmlns='urn:xmpp:message-correct:0' id='m0'/><body>${CANARY}</body>`,
      `<apply-to xmlns='urn:xmpp:fasten:0' id='m0'><retract xmlns='urn:xmpp:message-retract:0'/><reason>${CANARY}</reason></apply-to>`,
      `<retract xmlns='urn:xmpp:message-retract:1' id='m0'><reason>${CANARY}</reason></retract>`,
      `<Description xmlns='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><title>${CANARY}</title></Description>`,
      `<fallback xmlns='urn:xmpp:fallback:0' for='${CANARY}'/>`,
      `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='x'><item><m>${CANARY}</m></item></items></event>`,
      `<x xmlns='jabber:x:data' type='form'><title>${CANARY}</title></x>`,
      `<anything xmlns='urn:example:anything' said='${CANARY}'/>`,
      `<body xmlns='urn:example:anything'>${CANARY}</body>`,
    ]

    test('hole 1: plaintext beside a dummy in the name of ciphertext', async () => {
      const dummies = [
        `<encrypted xmlns='eu.siacs.conversations.axolotl'/>`,
        `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>`,
        `<encrypted xmlns='eu.siacs.conversations.axolotl'><payload>AAAA</payload></encrypted>`,
        ciphertext.replace(/<key.*<\/key>/, ''),
        ciphertext.replace(/<iv>.*<\/iv>/, ''),
        ciphertext.replace('<payload>', `<payload note='${CANARY}'>`),
        ciphertext.replace('<payload>', `<payload>${CANARY}`),
        ciphertext.replace('</encrypted>', `<note>${CANARY}</note></encrypted>`),
        ciphertext.replace(`sid='1'`, `sid='${CANARY}'`),
        `<wrapper xmlns='urn:x'>${ciphertext}</wrapper>`,
        `<encrypted xmlns='urn:xmpp:omemo:2'/>`,
        `<openpgp xmlns='urn:xmpp:openpgp:0'/>`,
        `<x xmlns='jabber:x:encrypted'/>`,
      ]
      for (const dummy of dummies) {
        await refused(`<body>${CANARY}</body>${dummy}`)
        await refused(dummy + `<body>${CANARY}</body>`)
      }
      await cleaned(`<body>${CANARY}</body>${ciphertext}<body xml:lang='de'>${CANARY}</body>`, ciphertext)
    })

    test('hole 2: content without a body, alone and beside ciphertext', async () => {
      for (const inner of readable) {
        await refused(inner)
        await refused(`${inner}<request xmlns='urn:xmpp:receipts'/><store xmlns='urn:xmpp:hints'/>`)
        await cleaned(inner + ciphertext, ciphertext)
      }
      await refused(`said without any element: ${CANARY}`)
    })

    test('hole 3: there is no other way in: no server, no component, and another domain of ours is checked alike', async () => {
      for (const ns of ['jabber:server', 'jabber:component:accept']) {
        const stranger = await TestClient.open({ port: relay.port })
        stranger.sendRaw(
          `<stream:stream xmlns='${ns}' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`,
        )
        expect(await stranger.streamError()).toBe('invalid-namespace')
        await stranger.ended()
      }
      await relay.accounts.create(parseJid('eve@example.org'), 'secret')
      const eve = await TestClient.signIn({
        port: relay.port,
        domain: 'example.org',
        username: 'eve',
        password: 'secret',
      })
      for (const room of ['', `<x xmlns='http://jabber.org/protocol/muc#user'/>`]) {
        eve.sendRaw(chat(`<body>${CANARY}</body>${room}`))
        expect(condition(await eve.message())).toBe('policy-violation')
      }
      eve.sendRaw(
        `<message to='room@muc.example.net/nick' type='chat' id='p'><body>${CANARY}</body></message>`,
      )
      expect(condition(await eve.message())).toBe('remote-server-not-found')
      await bob.receivesNothing()
      await eve.close()
    })

    test('hole 4: every version of OMEMO in use is known as what it is', async () => {
      for (const cipher of [axolotl(), omemoOf(1), omemoOf(2), omemoOf(2, '')]) {
        await cleaned(`${cipher}<body>${CANARY}</body>`, cipher)
      }
      await refused(omemoOf(2).replaceAll('urn:xmpp:omemo:2', 'urn:xmpp:omemo:3'))
    })

    test('hole 5: what only begins like OTR', async () => {
      for (const body of [
        `?OTR`,
        `?OTR ${CANARY}`,
        `?OTR Error: ${CANARY}`,
        `?OTR:${CANARY}`,
        `?OTR:${CANARY}.`,
        `?OTR:AAMD ${CANARY}.`,
        `?OTR:AAMD.${CANARY}`,
        `?OTR,1,2,${CANARY},`,
        `?OTR|1|2,1,2,${CANARY},`,
        `?OTRv${CANARY}?`,
        `${CANARY} ?OTRv23?`,
        ` ?OTR:AAMDAA==.`,
      ])
        await refused(`<body>${body}</body>`)
      alice.sendRaw(chat(`<body>?OTRv23? ${CANARY}</body>`))
      expect((await bob.message()).child('body')?.text()).toBe('?OTRv23?')
      for (const body of ['?OTR:AAMDAA==.', '?OTR,1,2,?OTR:AAMD,', '?OTR|5a|1f,1,2,?OTR:AAMD,']) {
        alice.sendRaw(chat(`<body>${body}</body>`))
        expect((await bob.message()).child('body')?.text()).toBe(body)
      }
    })

    test('hole 6: OpenPGP that is not encrypted: text in Base64, signed only, compressed, truncated', async () => {
      const directory = new URL('../../../test/vectors/openpgp/', import.meta.url)
      const others = readdirSync(new URL('other/', directory)).map((file) => openpgpVector(`other/${file}`))
      expect(others.length).toBeGreaterThan(20)
      const texts = [CANARY, `<sign>${CANARY}</sign>`].map((text) => Buffer.from(text).toString('base64'))
      for (const data of [...others, ...texts, CANARY, '']) {
        await refused(ox(data))
        await refused(`<body>${CANARY}</body>${legacyPgp(data)}`)
      }
      for (const file of readdirSync(new URL('encrypted/', directory))) {
        const data = openpgpVector(`encrypted/${file}`)
        await cleaned(`<body>${CANARY}</body>${ox(data)}`, 'urn:xmpp:openpgp:0')
        await cleaned(`<body>${CANARY}</body>${legacyPgp(data)}`, 'jabber:x:encrypted')
      }
    })

    test('hole 7: a label (XEP-0380) proves nothing', async () => {
      for (const ns of ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2', 'urn:xmpp:otr:0', CANARY]) {
        const label = `<encryption xmlns='urn:xmpp:eme:0' namespace='${ns}' name='OMEMO'/>`
        await refused(`<body>${CANARY}</body>${label}`)
        await refused(`<body>[This message is encrypted]</body>${label}`)
      }
    })

    test('hole 8: a file by PGP: its address beside the ciphertext', async () => {
      const url = `https://example.org/${CANARY.replaceAll(' ', '-')}`
      const oob = `<x xmlns='jabber:x:oob'><url>${url}</url></x>`
      alice.sendRaw(chat(`<body>${url}</body>${oob}${legacyPgp()}`))
      const message = await bob.message()
      expect(String(message)).not.toContain('attack')
      expect(message.child('x', 'jabber:x:oob')).toBeUndefined()
      expect(message.child('x', 'jabber:x:encrypted')).toBeDefined()
      await refused(`<body>${url}</body>${oob}`)
    })

    test('hole 9: presence and IQ pass to who is here and are kept nowhere; subjects and forms have no place here', async () => {
      const word = canary('status')
      const carol = await relay.client('carol', { resource: 'c' })
      const dora = await relay.client('dora', { resource: 'd' })
      await arrive(carol)
      await arrive(dora)
      await befriend(carol, dora)
      carol.sendRaw(`<presence><status>${word}</status></presence>`)
      expect(String(await dora.next(({ name }) => name === 'presence'))).toContain(word)
      carol.sendRaw(`<iq type='get' id='f1' to='${dora.jid}'><query xmlns='urn:x'>${word}</query></iq>`)
      expect(String(await dora.next((each) => each.attrs['id'] === 'f1'))).toContain(word)
      await dora.close()
      carol.sendRaw(`<presence><status>${word}</status></presence>`)
      const form = `<command xmlns='http://jabber.org/protocol/commands' node='x'><x xmlns='jabber:x:data' type='submit'><field var='v'><value>${word}</value></field></x></command>`
      const card = `<vCard xmlns='vcard-temp'><FN>${word}</FN></vCard>`
      const closet = `<query xmlns='jabber:iq:private'><x xmlns='urn:x'>${word}</x></query>`
      const elsewhere = 'service-unavailable'
      for (const [payload, to, expected] of [
        [form, undefined, elsewhere],
        [form, 'localhost', 'item-not-found'], // the server has commands (XEP-0050), and none of that name
        [form, 'dora@localhost', elsewhere],
        [card, 'localhost', elsewhere],
        [card, 'dora@localhost', 'forbidden'],
        [closet, 'localhost', elsewhere],
        [closet, 'dora@localhost', elsewhere],
      ] as const)
        expect(condition(await carol.request('set', payload, to))).toBe(expected)
      for (const type of ['groupchat', 'normal'])
        await refused(`<subject>${CANARY}</subject>`, `type='${type}' id='p'`)
      expect(await tablesWith(relay.databaseUrl, word)).toEqual([])
      expect(says(relay.logged(), word)).toBe(false)
      // What a client publishes about itself is published: it says so itself, and takes it back when it wants.
      const mood = `<item id='current'><mood xmlns='http://jabber.org/protocol/mood'><text>${word}</text></mood></item>`
      const publish = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/mood'>${mood}</publish></pubsub>`
      expect((await carol.request('set', publish)).attrs['type']).toBe('result')
      expect(await tablesWith(relay.databaseUrl, word)).toEqual(['xmpp.pep_item'])
      const gone = `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='http://jabber.org/protocol/mood'/></pubsub>`
      expect((await carol.request('set', gone)).attrs['type']).toBe('result')
      expect(await tablesWith(relay.databaseUrl, word)).toEqual([])
      // So is its own vCard, and what it puts by for itself (XEP-0054, XEP-0049): until it is replaced.
      const emptied = [
        "<vCard xmlns='vcard-temp'/>",
        "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>",
      ]
      for (const [index, payload] of [card, closet].entries()) {
        expect((await carol.request('set', payload)).attrs['type']).toBe('result')
        expect(await tablesWith(relay.databaseUrl, word)).toEqual(['xmpp.stored_xml'])
        await carol.request('set', emptied[index] ?? '')
        expect(await tablesWith(relay.databaseUrl, word)).toEqual([])
      }
      await carol.close()
    })
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

  test('R15: plaintext that passes is copied to the other devices that are here (XEP-0280 §6.1)', async () => {
    const sender = await optional.client('ellen', { resource: 'a' })
    const mirror = await optional.client('ellen', { resource: 'b' })
    const bystander = await optional.client('ellen', { resource: 'c' })
    const [one, two] = [
      await optional.client('frank', { resource: '1' }),
      await optional.client('frank', { resource: '2' }),
    ]
    for (const client of [mirror, bystander, one, two]) await client.available()
    for (const client of [mirror, two]) await client.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    sender.sendRaw(`<message to='${one.jid}' type='chat' id='1'><body>${CANARY}</body></message>`)
    expect((await one.message()).child('body')?.text()).toBe(CANARY)
    expect((await two.message()).child('received', 'urn:xmpp:carbons:2')).toBeDefined()
    expect((await mirror.message()).child('sent', 'urn:xmpp:carbons:2')).toBeDefined()
    sender.sendRaw(`<message to='${one.bare}' type='chat' id='2'><body>${CANARY}</body></message>`)
    for (const client of [one, two]) expect((await client.message()).attrs['id']).toBe('2')
    expect((await mirror.message()).child('sent', 'urn:xmpp:carbons:2')).toBeDefined()
    for (const client of [one, two, mirror, bystander]) await expectNoMessage(client)
  })
})
