/**
 * Conversations for Android (sources of 2.12): what it sends after it connects, in its order and in its bursts, and what it takes for a broken
 * server. It cannot run here.
 */
import { randomUUID } from 'node:crypto'
import { NS_BIND2, NS_CARBONS, NS_FAST, NS_SM, NS_STREAM, type Element } from '@sealpost/stanza'
import { writeHashedToken } from '@sealpost/sasl'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { condition, detail } from './friends.ts'
import type { TestClient } from './client.ts'
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
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'
import {
  answer2,
  authenticate,
  bindingFor,
  bindWith,
  conditionOf,
  ENABLE,
  enter,
  requestToken,
  tokenOf,
} from './sasl2-client.ts'

const TOKENS = 'HT-SHA-256-EXPR' // the best there is with TLS 1.3
const BIND = bindWith(`<tag>Conversations</tag><enable xmlns='${NS_CARBONS}'/>${ENABLE}`)
const CAPABILITIES = new Capabilities('http://conversations.im', { type: 'phone', name: 'Conversations' }, [
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/chatstates',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/muc',
  'http://jabber.org/protocol/nick+notify',
  `${NS_OMEMO}.devicelist+notify`,
  'jabber:iq:version',
  'jabber:x:conference',
  'jabber:x:oob',
  'urn:xmpp:avatar:metadata+notify',
  'urn:xmpp:chat-markers:0',
  'urn:xmpp:jingle-message:0',
  'urn:xmpp:ping',
  'urn:xmpp:receipts',
])
const NS_OWNER = 'http://jabber.org/protocol/pubsub#owner'
const ROSTER = (version: string) => `<query xmlns='jabber:iq:roster' ver='${version}'/>`
const BOOKMARKS = `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>`

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

interface Installation {
  readonly username: string
  readonly userAgent: string
}

async function install(username: string): Promise<Installation> {
  await relay.account(username)
  return { username, userAgent: randomUUID() }
}

/** The first connection of an installation: features are looked at, then everything is asked for in one request. */
async function signIn({ username, userAgent }: Installation) {
  const phone = await dial(relay)
  const features = await phone.openStream()
  phone.counting()
  CAPABILITIES.serve(phone)
  const mechanism = 'SCRAM-SHA-256-PLUS'
  const inline = BIND + requestToken(TOKENS)
  const success = await enter(phone, { username, userAgent, mechanism, inline })
  return { phone, features, success, token: tokenOf(success) ?? '' }
}

/** What it asks before it counts as online; answers come in any order, so each is awaited by itself. */
async function discover(phone: TestClient): Promise<Element[]> {
  phone.sendRaw(REQUEST)
  return askAll(phone, [
    { payload: DISCO_ITEMS, to: 'localhost' },
    { payload: DISCO_INFO, to: 'localhost' },
    { payload: `<prefs xmlns='urn:xmpp:mam:2'/>` },
    { payload: DISCO_INFO, to: phone.bare },
  ])
}

/** What it does then, as far as it is the same each time. */
async function arrive(phone: TestClient, version = ''): Promise<{ roster: Element; bookmarks: Element }> {
  const [roster, bookmarks] = await askAll(phone, [{ payload: ROSTER(version) }, { payload: BOOKMARKS }])
  if (roster === undefined || bookmarks === undefined) throw new Error('no answer')
  phone.sends(CAPABILITIES.presence)
  return { roster, bookmarks }
}

/** Gives the resumption id. */
const streamId = (success: Element): string =>
  success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id'] ?? ''

/** A later connection: header and request in one flight, before anything is known of the server. */
async function quickStart(
  { username, userAgent }: Installation,
  token: string,
  inline: string,
  received = 0,
) {
  const phone = await dial(relay)
  phone.counting(received)
  CAPABILITIES.serve(phone)
  const proof = writeHashedToken(username, token, bindingFor(phone, TOKENS))
  const request = authenticate(TOKENS, proof, { userAgent }, `${inline}<fast xmlns='${NS_FAST}'/>`)
  await phone.openStream(request)
  const success = await answer2(phone)
  phone.jid = success.child('authorization-identifier')?.text() ?? ''
  return { phone, success }
}

test('the first start: what waited since before the first sign-in comes behind presence, whatever was asked about an archive', async () => {
  const installation = await install('first')
  await leaveMessages(relay, 'first', ['early-1', 'early-2'])
  const { phone, features, success, token } = await signIn(installation)
  expect(features.child('sm', NS_SM)).toBeUndefined() // not before sign-in: it would try to resume
  expect(phone.jid).toMatch(/^first@localhost\/Conversations\.[\w-]{16}$/)
  expect(token).not.toBe('')
  const bound = success.child('bound', NS_BIND2)
  expect(bound?.child('enabled', NS_SM)?.attrs).toMatchObject({ resume: 'true' })
  expect(bound?.child('enabled', NS_CARBONS)).toBeUndefined() // XEP-0386 §3.3 has nothing like it: it asks again when disco says so

  const [, server, archive, account] = await discover(phone)
  expect(condition(archive ?? success)).toBe('service-unavailable')
  expect(featuresOf(server)).toEqual(expect.arrayContaining([NS_CARBONS, 'urn:xmpp:blocking']))
  expect(featuresOf(server)).not.toContain(NS_OFFLINE)
  expect(featuresOf(account)).toEqual(
    expect.arrayContaining(['pubsub/pep', 'http://jabber.org/protocol/pubsub#publish-options']),
  )
  expect(featuresOf(account)).not.toContain('urn:xmpp:mam:2')

  const again = await askAll(phone, [
    { payload: `<blocklist xmlns='urn:xmpp:blocking'/>` },
    { payload: items(`${NS_OMEMO}.bundles:17`), to: phone.bare },
    { type: 'set', payload: `<enable xmlns='${NS_CARBONS}'/>` },
  ])
  expect(again[0]?.child('blocklist', 'urn:xmpp:blocking')?.elements()).toEqual([])
  expect(condition(again[1] ?? success)).toBe('item-not-found') // anything else: it takes PEP for broken
  expect(again[2]?.attrs['type']).toBe('result') // carbons twice

  expect(phone.inbox.filter(({ name }) => name === 'message')).toEqual([])
  const { roster, bookmarks } = await arrive(phone)
  expect(roster.child('query', 'jabber:iq:roster')?.attrs['ver']).not.toBeUndefined()
  expect(String(bookmarks.child('query', 'jabber:iq:private'))).toContain('storage:bookmarks')
  expect(await messageIds(phone, 2)).toEqual(['early-1', 'early-2'])
  await phone.close()
})

test('OMEMO: keys are published as open to all, also where a node was made for fewer', async () => {
  const installation = await install('publisher')
  const { phone } = await signIn(installation)
  await discover(phone)
  await arrive(phone)
  const bundles = `${NS_OMEMO}.bundles:17`
  const list = `${NS_OMEMO}.devicelist`
  const published = await ask(phone, { type: 'set', payload: publish(bundles, BUNDLE, 'open') })
  expect(published.attrs['type']).toBe('result')
  expect(condition(await ask(phone, { payload: items(list), to: phone.bare }))).toBe('item-not-found')

  // As an older client left it.
  await ask(phone, { type: 'set', payload: publish(list, deviceList(3), 'whitelist') })
  await phone.next((each) => each.name === 'message' && String(each).includes("id='3'")) // +notify
  const refusal = await ask(phone, { type: 'set', payload: publish(list, deviceList(3, 17), 'open') })
  expect([condition(refusal), detail(refusal)]).toEqual(['conflict', 'precondition-not-met'])
  const configure = (form = '') =>
    `<pubsub xmlns='${NS_OWNER}'><configure node='${list}'>${form}</configure></pubsub>`
  const answer = await ask(phone, { payload: configure(), to: phone.bare })
  const form = answer.child('pubsub', NS_OWNER)?.child('configure')?.child('x', 'jabber:x:data')
  // It sends the whole form back, with what it wants put in.
  const submitted = String(form)
    .replace(/type=(['"])form\1/, `type='submit'`)
    .replace('<value>whitelist</value></field>', '<value>open</value></field>')
  expect(submitted).toContain('<value>open</value>')
  const configured = await ask(phone, { type: 'set', payload: configure(submitted), to: phone.bare })
  expect(configured.attrs['type']).toBe('result')
  const second = await ask(phone, { type: 'set', payload: publish(list, deviceList(3, 17), 'open') })
  expect(second.attrs['type']).toBe('result')

  const stranger = await relay.client('stranger')
  const seen = await ask(stranger, { payload: items(list), to: phone.bare })
  expect(String(seen)).toContain("id='17'")
  await phone.close()
})

test('a quick start resumes: request and header in one flight, what was missed follows, nothing is asked anew', async () => {
  const installation = await install('quick')
  const { phone, success, token } = await signIn(installation)
  await discover(phone)
  await arrive(phone)
  await phone.ping()
  phone.sendRaw(`<inactive xmlns='urn:xmpp:csi:0'/>`)
  await phone.ping()
  const { received } = phone
  await phone.drop()
  await leaveMessages(relay, 'quick', ['missed-1', 'missed-2'])

  const resume = `<resume xmlns='${NS_SM}' h='${received}' previd='${streamId(success)}'/>`
  const back = await quickStart(installation, token, BIND + resume, received)
  expect(back.success.child('resumed', NS_SM)?.attrs['h']).toBeDefined() // without: it gives the server up
  expect(back.success.child('bound', NS_BIND2)).toBeUndefined()
  back.phone.sendRaw(REQUEST)
  expect(await messageIds(back.phone, 2)).toEqual(['missed-1', 'missed-2'])
  await back.phone.next((each) => each.is('a', NS_SM))
  back.phone.sendRaw(`<active xmlns='urn:xmpp:csi:0'/>`)
  await back.phone.ping()
  await back.phone.close()
})

test('a quick start whose session is gone: <failed/> and <bound/> in one answer, what was not acknowledged is sent again and arrives once', async () => {
  const installation = await install('gone')
  const { phone, success, token } = await signIn(installation)
  await discover(phone)
  const { roster } = await arrive(phone)
  const friend = await relay.client('friend')
  await friend.available()
  phone.sends(omemo(friend.bare, 'sent-twice'))
  expect((await friend.message()).attrs['id']).toBe('sent-twice')
  await phone.close() // ends the session, unlike a broken connection
  await leaveMessages(relay, 'gone', ['waited'])

  const resume = `<resume xmlns='${NS_SM}' h='0' previd='${streamId(success)}'/>`
  const back = await quickStart(installation, token, BIND + resume)
  expect(back.success.child('failed', NS_SM)).toBeDefined()
  expect(streamId(back.success)).not.toBe('')
  expect(back.phone.jid).toBe(phone.jid) // the installation keeps its resource
  await back.phone.next((each) => each.is('features', NS_STREAM))
  await discover(back.phone)
  const version = roster.child('query', 'jabber:iq:roster')?.attrs['ver'] ?? ''
  const known = await arrive(back.phone, version)
  expect(known.roster.child('query', 'jabber:iq:roster')).toBeUndefined() // RFC 6121 §2.6.3: nothing changed
  expect(await messageIds(back.phone, 1)).toEqual(['waited'])
  back.phone.sends(omemo(friend.bare, 'sent-twice') + omemo(friend.bare, 'next'))
  expect((await friend.message()).attrs['id']).toBe('next')
  await back.phone.close()
})

test('a token that ended: the quick start fails, and the password is asked for on the same stream', async () => {
  const installation = await install('expired')
  const phone = await dial(relay)
  const request = authenticate(
    TOKENS,
    writeHashedToken('expired', 'A'.repeat(43), bindingFor(phone, TOKENS)),
    installation,
    `${BIND}<fast xmlns='${NS_FAST}'/>`,
  )
  await phone.openStream(request)
  expect(conditionOf(await answer2(phone))).toBe('not-authorized')
  phone.counting()
  const { username, userAgent } = installation
  const inline = BIND + requestToken(TOKENS)
  const success = await enter(phone, { username, userAgent, mechanism: 'SCRAM-SHA-256-PLUS', inline })
  expect(tokenOf(success)).toBeDefined()
  await phone.close()
})
