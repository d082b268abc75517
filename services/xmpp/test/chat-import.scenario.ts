/** What another server knew of an account: taken once, within the bounds of clients, by a direct call and from another process. */
import { createHash } from 'node:crypto'
import { deriveVerifiers } from '@sealpost/accounts'
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { chatImportClient, type ImportedChat, openPortSecret } from '@sealpost/ports'
import { systemRandom } from '@sealpost/runtime'
import type { Element } from '@sealpost/stanza'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatImportRoutes } from '../src/ports/chat-import-routes.ts'
import { TestClient } from './client.ts'
import { isPresence, settle } from './friends.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const ROSTER = 'jabber:iq:roster'
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const METADATA = 'urn:xmpp:avatar:metadata'

const stack = new AsyncDisposableStack()
let relay: RelayFixture
beforeAll(async () => {
  relay = stack.use(await startRelay())
})
afterAll(() => stack.disposeAsync())

/** The account of a name, which nobody can sign in to when it is made. */
async function idOf(name: string): Promise<string> {
  const jid = parseJid(`${name}@localhost`)
  return ((await relay.accounts.find(jid)) ?? (await relay.accounts.create(jid, undefined))).id
}

const take = async (name: string, ...parts: string[]): Promise<ImportedChat | undefined> =>
  relay.chatImport.importChat(await idOf(name), parts)

/** Its owner, who has a password now. */
async function arrives(name: string): Promise<TestClient> {
  await relay.accounts.setVerifiers(await idOf(name), await deriveVerifiers('secret', systemRandom))
  return stack.use(await TestClient.signIn({ port: relay.port, username: name, password: 'secret' }))
}

async function rosterOf(client: TestClient): Promise<string[]> {
  const query = (await client.request('get', `<query xmlns='${ROSTER}'/>`)).child('query', ROSTER)
  return (query?.elements() ?? []).map((item) => item.toString(ROSTER)).sort()
}

async function itemsOf(client: TestClient, node: string): Promise<Element[]> {
  const asked = `<pubsub xmlns='${PUBSUB}'><items node='${node}'/></pubsub>`
  return (await client.request('get', asked)).child('pubsub', PUBSUB)?.child('items')?.elements() ?? []
}

async function configOf(client: TestClient, node: string): Promise<Record<string, string>> {
  const owner = `${PUBSUB}#owner`
  const asked = `<pubsub xmlns='${owner}'><configure node='${node}'/></pubsub>`
  const form = (await client.request('get', asked)).child('pubsub', owner)?.child('configure')
  const fields = form?.child('x', 'jabber:x:data')?.elements() ?? []
  return Object.fromEntries(
    fields.map((field) => [field.attrs['var'] ?? '', field.child('value')?.text() ?? '']),
  )
}

const CONTACTS = `<query xmlns='${ROSTER}' ver='7'>
  <item jid='friend@localhost' name='Friend' subscription='both'><group>Work</group><group>Work</group><group/></item>
  <item jid='asked@elsewhere.example/phone' subscription='from' ask='subscribe'/>
  <item jid='@@' subscription='both'/>
  <item jid='gone@localhost' subscription='remove'/>
  <item jid='romeo@localhost' subscription='both'/>
</query>`
const REQUESTS = [
  `<presence xmlns='jabber:client' type='subscribe' from='stranger@elsewhere.example/x'/>`,
  `<presence xmlns='jabber:client' type='unavailable' from='other@elsewhere.example'/>`,
]

test('contacts with their subscriptions and groups, and requests that wait; again they are here already', async () => {
  const taken = { contacts: 2, items: 0, elements: 0, refused: 4 }
  expect(await take('romeo', CONTACTS, ...REQUESTS)).toEqual(taken)
  expect(await take('romeo', CONTACTS, ...REQUESTS)).toEqual({ ...taken, contacts: 0 })
  const romeo = await arrives('romeo')
  expect(await rosterOf(romeo)).toEqual([
    `<item jid='asked@elsewhere.example' subscription='from' ask='subscribe'/>`,
    `<item jid='friend@localhost' name='Friend' subscription='both'><group>Work</group></item>`,
  ])
  romeo.sends('<presence/>')
  await romeo.next((each) => isPresence(each, 'subscribe', 'stranger@elsewhere.example'))
})

test('two who come one after the other see each other, and when one goes nothing names them', async () => {
  const friends = (jid: string) => `<query xmlns='${ROSTER}'><item jid='${jid}' subscription='both'/></query>`
  await take('early', friends('late@localhost'))
  await take('late', friends('early@localhost'))
  const [early, late] = [await arrives('early'), await arrives('late')]
  early.sends('<presence/>')
  late.sends('<presence/>')
  await early.next((each) => isPresence(each, undefined, late.jid))
  await relay.accounts.terminate(parseJid('late@localhost'))
  await expect.poll(() => rosterOf(early)).toEqual([])
})

test('a request that has come here meanwhile waits on; a contact that is here stays as it is', async () => {
  const asking = await relay.client('asking')
  await idOf('asked')
  asking.sends(`<presence type='subscribe' to='asked@localhost'/>`)
  await settle(asking)
  const roster = (name: string) =>
    `<query xmlns='${ROSTER}'><item jid='asking@localhost' name='${name}' subscription='none'/></query>`
  expect(await take('asked', roster('Old'))).toMatchObject({ contacts: 1, refused: 0 })
  expect(await take('asked', roster('New'))).toMatchObject({ contacts: 0 })
  const asked = await arrives('asked')
  expect(await rosterOf(asked)).toEqual([`<item jid='asking@localhost' name='Old' subscription='none'/>`])
  asked.sends('<presence/>')
  await asked.next((each) => isPresence(each, 'subscribe', 'asking@localhost'))
})

const form = (node: string, fields: Record<string, string>): string => {
  const all = Object.entries({ FORM_TYPE: `${PUBSUB}#node_config`, ...fields })
  const xml = all.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`).join('')
  return `<configure node='${node}'><x xmlns='jabber:x:data' type='submit'>${xml}</x></configure>`
}
const BUNDLES = 'eu.siacs.conversations.axolotl.bundles:7'
const BUNDLE = `<bundle xmlns='eu.siacs.conversations.axolotl'><identityKey>AAAA</identityKey></bundle>`
const conference = (jid: string) =>
  `<item id='${jid}'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item>`
const NODES = [
  `<pubsub xmlns='${PUBSUB}#owner'>${form(BUNDLES, { 'pubsub#access_model': 'open', 'pubsub#max_items': '5000', 'pubsub#unknown': 'x' })}<configure node='urn:example:empty'><x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'/><field var='pubsub#max_items'/></x></configure>${form('urn:example:roster', { 'pubsub#access_model': 'roster', 'pubsub#persist_items': 'true' })}${form('urn:xmpp:bookmarks:1', { 'pubsub#access_model': 'open', 'pubsub#max_items': 'max' })}</pubsub>`,
  `<pubsub xmlns='${PUBSUB}'>
    <items node='${BUNDLES}'><item id='current'>${BUNDLE}</item></items>
    <items node='urn:xmpp:bookmarks:1'>${conference('a@rooms.example')}${conference('b@rooms.example')}</items>
    <items node='urn:example:empty'><item id='1'><x xmlns='urn:x'/></item><item id='2'><x xmlns='urn:x'/></item></items>
    <items node='urn:example:roster'><item id='1'><x xmlns='urn:x'/></item></items>
    <items node='urn:example:bad'><item><x xmlns='urn:x'/></item><item id='2'/><item id='3'><x/></item><item id='4'><x xmlns='urn:x'>${'x'.repeat(65_536)}</x></item></items>
    <items node='eu.siacs.conversations.axolotl.devicelist'><item id='current'><evil xmlns='urn:x'/></item></items>
    <items node='${'n'.repeat(513)}'><item id='1'><x xmlns='urn:x'/></item></items>
  </pubsub>`,
]

test('published keys and bookmarks with what others may read; what clients could not publish stays behind', async () => {
  const taken = { contacts: 0, items: 6, elements: 0, refused: 6 }
  expect(await take('keyed', ...NODES)).toEqual(taken)
  expect(await take('keyed', ...NODES)).toEqual({ ...taken, items: 0 })
  const keys = await arrives('keyed')
  expect((await itemsOf(keys, BUNDLES)).map((item) => item.innerXml())).toEqual([BUNDLE])
  expect((await itemsOf(keys, 'urn:xmpp:bookmarks:1')).map(({ attrs }) => attrs['id'])).toEqual([
    'a@rooms.example',
    'b@rooms.example',
  ])
  expect(await configOf(keys, BUNDLES)).toMatchObject({
    'pubsub#access_model': 'open',
    'pubsub#max_items': 'max',
  })
  expect(await configOf(keys, 'urn:example:empty')).toMatchObject({
    'pubsub#access_model': 'presence',
    'pubsub#max_items': '2',
  })
  expect(await configOf(keys, 'urn:xmpp:bookmarks:1')).toMatchObject({ 'pubsub#access_model': 'whitelist' })
  expect(await configOf(keys, 'urn:example:roster')).toMatchObject({ 'pubsub#access_model': 'whitelist' })
})

const image = Buffer.from('a very small image')
const CARD = `<vCard xmlns='vcard-temp'><FN>Juliet</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${image.toString('base64')}</BINVAL></PHOTO></vCard>`
const PRIVATE = `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='c@rooms.example'/></storage><x/></query>`

test('private elements and the vCard; its photo becomes the avatar', async () => {
  const taken = { contacts: 0, items: 0, elements: 2, refused: 1 }
  expect(await take('juliet', PRIVATE, CARD)).toEqual(taken)
  expect(await take('juliet', PRIVATE, CARD)).toEqual({ ...taken, elements: 0 })
  const juliet = await arrives('juliet')
  const card = (await juliet.request('get', `<vCard xmlns='vcard-temp'/>`)).child('vCard', 'vcard-temp')
  expect(card?.child('FN')?.text()).toBe('Juliet')
  expect(card?.child('PHOTO')?.child('BINVAL')?.text()).toBe(image.toString('base64'))
  const [metadata] = await itemsOf(juliet, METADATA)
  expect(metadata?.attrs['id']).toBe(createHash('sha1').update(image).digest('hex'))
  const asked = `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>`
  expect(String(await juliet.request('get', asked))).toContain('c@rooms.example')
})

test('from another process the same; a part that cannot be read, an account that is not there or not active', async () => {
  const { platform } = relay
  const secret = await openPortSecret(platform.dataDir, systemRandom)
  const http = stack.use(await createHttp({ log: platform.log, metrics: platform.metrics, title: 'test' }))
  await http.app.register(chatImportRoutes(relay.chatImport, secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const url = new URL(`http://127.0.0.1:${String(port)}`)
  const client = chatImportClient({ url, secret, onError: () => undefined })
  const id = await idOf('remote')
  expect(await client.importChat(id, [CONTACTS, '<query', '<a>&evil;</a>'])).toEqual({
    contacts: 3,
    items: 0,
    elements: 0,
    refused: 4,
  })
  expect(await client.importChat(systemRandom.uuid(), [])).toBeUndefined()
  await relay.accounts.suspend(parseJid('remote@localhost'), 'abuse')
  expect(await client.importChat(id, [])).toBeUndefined()
  const stranger = chatImportClient({
    url,
    secret: { ...secret, authorization: 'Bearer wrong' },
    onError: () => undefined,
  })
  await expect(stranger.importChat(id, [])).rejects.toMatchObject({ code: 'PORT_REFUSED' })
})
