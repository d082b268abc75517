/**
 * Monal for iOS and macOS: what it sends after it connects, in its order, and what it takes for a server that lacks something. It cannot run
 * here. It asks to purge what waits for it at every fresh sign-in, without looking whether that is offered.
 */
import { randomUUID } from 'node:crypto'
import { type Element, NS_BIND2, NS_CARBONS, NS_SM, NS_STREAM } from '@sealpost/stanza'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestClient } from './client.ts'
import { condition } from './friends.ts'
import {
  ask,
  askAll,
  BUNDLE,
  Capabilities,
  deviceList,
  dial,
  DISCO_INFO,
  DISCO_ITEMS,
  featuresOf,
  items,
  leaveMessages,
  messageIds,
  NS_OFFLINE,
  NS_OMEMO,
  publish,
  REQUEST,
} from './opening.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'
import { bindWith, ENABLE, enter } from './sasl2-client.ts'

const PURGE = `<offline xmlns='${NS_OFFLINE}'><purge/></offline>`
const CAPABILITIES = new Capabilities('https://monal-im.org/', { type: 'phone', name: 'Monal' }, [
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/chatstates',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/muc',
  'http://jabber.org/protocol/nick+notify',
  `${NS_OMEMO}.devicelist+notify`,
  'jabber:x:conference',
  'jabber:x:oob',
  'urn:xmpp:avatar:metadata+notify',
  'urn:xmpp:chat-markers:0',
  'urn:xmpp:idle:1',
  'urn:xmpp:jingle-message:0',
  'urn:xmpp:message-correct:0',
  'urn:xmpp:ping',
  'urn:xmpp:receipts',
])

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Signs in at the start, or after a resumption that came to nothing; in the background the app begins as inactive. */
async function signIn(username: string, userAgent: string, background: boolean) {
  await relay.account(username)
  const phone = await dial(relay)
  await phone.openStream()
  phone.counting()
  CAPABILITIES.serve(phone)
  const csi = background ? `<inactive xmlns='urn:xmpp:csi:0'/>` : ''
  const inline = bindWith(`<tag>Monal-iOS</tag><enable xmlns='${NS_CARBONS}'/>${csi}${ENABLE}`)
  const success = await enter(phone, { username, userAgent, mechanism: 'SCRAM-SHA-256-PLUS', inline })
  return { phone, success }
}

/** One burst: the roster, discovery, the purge, presence, the state of the app, and what was read (XEP-0490). */
async function initialize(phone: TestClient, background: boolean): Promise<Element[]> {
  const answers = askAll(phone, [
    { payload: `<query xmlns='jabber:iq:roster' ver=''/>` },
    { payload: DISCO_ITEMS, to: 'localhost' },
    { payload: DISCO_INFO, to: 'localhost' },
    { payload: DISCO_INFO, to: phone.bare },
    {
      payload: `<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>`,
      to: 'localhost',
    },
    { payload: `<services xmlns='urn:xmpp:extdisco:2'/>`, to: 'localhost' },
    { type: 'set', payload: PURGE },
    { payload: `<query xmlns='jabber:iq:version'/>`, to: 'localhost' },
    { payload: items('urn:xmpp:mds:displayed:0'), to: phone.bare },
  ])
  phone.sends(CAPABILITIES.presence)
  phone.sendRaw(`<${background ? 'inactive' : 'active'} xmlns='urn:xmpp:csi:0'/>${REQUEST}`)
  return answers
}

test.for([
  ['in the foreground', false],
  ['in the background', true],
] as const)('a fresh sign-in %s: nothing is purged, all that waited comes', async ([, background]) => {
  const username = background ? 'behind' : 'before'
  const userAgent = randomUUID()
  await leaveMessages(relay, username, ['wait-1', 'wait-2'])
  const { phone, success } = await signIn(username, userAgent, background)
  expect(success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id']).toBeDefined()
  const answers = await initialize(phone, background)
  const [roster, , server, account, commands, services, purge, version, read] = answers
  expect(roster?.child('query', 'jabber:iq:roster')).toBeDefined()
  expect(featuresOf(server)).toEqual(
    expect.arrayContaining([NS_CARBONS, 'urn:xmpp:ping', 'urn:xmpp:blocking']),
  )
  expect(featuresOf(server)).not.toContain(NS_OFFLINE)
  expect(featuresOf(account)).not.toContain('urn:xmpp:mam:2') // it then ends its catch-up at once
  expect(commands?.attrs['type']).toBe('result')
  expect(services?.attrs['type']).toBe('result')
  expect(purge === undefined || condition(purge)).toBe('service-unavailable')
  expect(version?.attrs['type']).toMatch(/^(result|error)$/)
  expect(read === undefined || condition(read)).toBe('item-not-found')
  expect(await messageIds(phone, 2)).toEqual(['wait-1', 'wait-2'])

  const blocked = await ask(phone, { payload: `<blocklist xmlns='urn:xmpp:blocking'/>` })
  expect(blocked.attrs['type']).toBe('result')
  await phone.close()

  await leaveMessages(relay, username, ['later'])
  const again = await signIn(username, userAgent, background)
  const [, , , , , , second] = await initialize(again.phone, background)
  expect(second === undefined || condition(second)).toBe('service-unavailable')
  expect(await messageIds(again.phone, 1)).toEqual(['later'])
  await again.phone.close()
})

test('what it asks of PEP before it speaks OMEMO at all', async () => {
  const { phone } = await signIn('omemo', randomUUID(), false)
  const [, , , account] = await initialize(phone, false)
  const pubsub = (...names: readonly string[]) =>
    names.map((name) => `http://jabber.org/protocol/pubsub#${name}`)
  expect(featuresOf(account)).toEqual(
    expect.arrayContaining([
      'pubsub/pep',
      ...pubsub('filtered-notifications', 'publish-options', 'publish', 'create-nodes', 'delete-items'),
      ...pubsub('delete-nodes', 'persistent-items', 'retrieve-items', 'auto-create'),
      ...pubsub('item-ids', 'multi-items', 'config-node-max', 'subscribe'),
    ]),
  )
  const list = `${NS_OMEMO}.devicelist`
  const bundles = `${NS_OMEMO}.bundles:4711`
  for (const [node, item] of [
    [bundles, BUNDLE],
    [list, deviceList(4711)],
  ] as const)
    expect((await ask(phone, { type: 'set', payload: publish(node, item, 'open') })).attrs['type']).toBe(
      'result',
    )
  const contact = await relay.client('contact')
  for (const node of [list, bundles])
    expect((await ask(contact, { payload: items(node), to: phone.bare })).attrs['type']).toBe('result')
  await phone.close()
})

test('a resumption at the next start of the app: nothing is asked anew, nor purged', async () => {
  const userAgent = randomUUID()
  const { phone, success } = await signIn('resumes', userAgent, false)
  await initialize(phone, false)
  await phone.ping()
  const { received } = phone
  await phone.drop()
  await leaveMessages(relay, 'resumes', ['meanwhile'])
  const previd = success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id'] ?? ''
  const back = await dial(relay)
  await back.openStream()
  back.counting(received)
  const inline = `<resume xmlns='${NS_SM}' previd='${previd}' h='${received}'/>${bindWith(`<tag>Monal-iOS</tag>${ENABLE}`)}`
  const again = await enter(back, { username: 'resumes', userAgent, mechanism: 'SCRAM-SHA-256-PLUS', inline })
  expect(again.child('resumed', NS_SM)?.attrs['previd']).toBe(previd)
  expect(await messageIds(back, 1)).toEqual(['meanwhile'])
  expect(back.inbox.some((each) => each.is('features', NS_STREAM))).toBe(false)
  await back.close()
})
