import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import type { Element } from '@sealpost/stanza'
import { tablesWith } from '../../../test/canaries.ts'
import type { TestClient } from './client.ts'
import { arrive, befriend, condition, isPresence, settle } from './friends.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const PRIVATE = 'jabber:iq:private'
const VCARD = 'vcard-temp'
const UPDATE = 'vcard-temp:x:update'
const DATA = 'urn:xmpp:avatar:data'
const METADATA = 'urn:xmpp:avatar:metadata'
const PUBSUB = 'http://jabber.org/protocol/pubsub'

let relay: RelayFixture
let made = 0
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

async function arrived(name: string): Promise<TestClient> {
  const client = await relay.client(`${name}${++made}`, { resource: 'one' })
  await arrive(client)
  return client
}

const put = (client: TestClient, inner: string, to?: string) =>
  client.request('set', `<query xmlns='${PRIVATE}'>${inner}</query>`, to)
const got = async (client: TestClient, inner: string) =>
  (await client.request('get', `<query xmlns='${PRIVATE}'>${inner}</query>`)).child('query', PRIVATE)

describe('XEP-0049: private XML', () => {
  test('comes back as it was put, by name and namespace; what is not there is empty', async () => {
    const client = await arrived('ann')
    const bookmarks = `<storage xmlns='storage:bookmarks'><conference jid='a@b' name='é &amp; &quot;x&quot;'/></storage>`
    expect((await put(client, bookmarks)).attrs['type']).toBe('result')
    expect(String((await got(client, `<storage xmlns='storage:bookmarks'/>`))?.elements()[0])).toBe(bookmarks)
    const other = await got(client, `<storage xmlns='storage:other'/>`)
    expect(String(other?.elements()[0])).toBe(`<storage xmlns='storage:other'/>`)
    await put(client, `<storage xmlns='storage:bookmarks'/>`)
    const replaced = await got(client, `<storage xmlns='storage:bookmarks'/>`)
    expect(replaced?.elements()[0]?.elements()).toEqual([])
  })

  test('several elements of one namespace are put together', async () => {
    const client = await arrived('ann')
    await put(client, `<a xmlns='urn:x'>1</a><b xmlns='urn:x'>2</b>`)
    expect((await got(client, `<b xmlns='urn:x'/>`))?.elements()[0]?.text()).toBe('2')
  })

  test.each([
    ['nothing', '', 'bad-request'],
    ['two namespaces', `<a xmlns='urn:a'/><a xmlns='urn:b'/>`, 'bad-request'],
    ['a name twice', `<a xmlns='urn:a'/><a xmlns='urn:a'/>`, 'bad-request'],
    ['no namespace of its own', '<a/>', 'not-acceptable'],
    ['the namespace of stanzas', `<a xmlns='jabber:client'/>`, 'not-acceptable'],
    ['a vCard', `<vCard xmlns='${VCARD}'/>`, 'not-acceptable'],
    ['too much', `<a xmlns='urn:a'>${'x'.repeat(64 * 1024)}</a>`, 'not-acceptable'],
  ])('refuses %s', async (_, inner, expected) => {
    const client = await arrived('ann')
    expect(condition(await put(client, inner))).toBe(expected)
  })

  test('an account that stores too much is told, and keeps what it had', async () => {
    const client = await arrived('ann')
    const big = 'x'.repeat(63 * 1024)
    const answers: (string | undefined)[] = []
    for (let turn = 0; turn < 9; turn++) {
      const answer = await put(client, `<a xmlns='urn:${String(turn)}'>${big}</a>`)
      answers.push(answer.attrs['type'])
    }
    expect(answers).toEqual([...Array.from({ length: 8 }, () => 'result'), 'error'])
    expect((await got(client, `<a xmlns='urn:7'/>`))?.elements()[0]?.text()).toBe(big)
  })

  test('nobody else can ask, whether the account exists or not', async () => {
    const [ann, bob] = [await arrived('ann'), await arrived('bob')]
    await befriend(ann, bob)
    const asked = `<query xmlns='${PRIVATE}'><a xmlns='urn:a'/></query>`
    const conditions = [
      condition(await bob.request('get', asked, ann.bare)),
      condition(await bob.request('get', asked, 'nobody@localhost')),
      condition(await put(bob, `<a xmlns='urn:a'/>`, ann.bare)),
    ]
    expect(new Set(conditions)).toEqual(new Set(['service-unavailable']))
  })
})

const pixel = (seed: string) => createHash('sha512').update(seed).digest()
const sha1 = (image: Buffer) => createHash('sha1').update(image).digest('hex')
const setCard = (client: TestClient, inner: string, to?: string) =>
  client.request('set', `<vCard xmlns='${VCARD}'>${inner}</vCard>`, to)
const card = (client: TestClient, to?: string) => client.request('get', `<vCard xmlns='${VCARD}'/>`, to)
const photoXml = (image: Buffer, type = 'image/png') =>
  `<PHOTO><TYPE>${type}</TYPE><BINVAL>${image.toString('base64')}</BINVAL></PHOTO>`
const photoOf = (answer: Element) =>
  answer.child('vCard', VCARD)?.child('PHOTO')?.child('BINVAL')?.text() ?? undefined

function publish(client: TestClient, node: string, id: string, payload: string, access?: string) {
  const fields =
    `<field var='FORM_TYPE'><value>${PUBSUB}#publish-options</value></field>` +
    `<field var='pubsub#access_model'><value>${access ?? ''}</value></field>`
  const options = `<publish-options><x xmlns='jabber:x:data' type='submit'>${fields}</x></publish-options>`
  const item = `<publish node='${node}'><item id='${id}'>${payload}</item></publish>`
  const set = `<pubsub xmlns='${PUBSUB}'>${item}${access === undefined ? '' : options}</pubsub>`
  return client.request('set', set)
}

async function publishAvatar(client: TestClient, image: Buffer, access?: string): Promise<void> {
  const [id, data] = [sha1(image), image.toString('base64')]
  const info = `<info id='${id}' bytes='${String(image.length)}' type='image/png'/>`
  await publish(client, DATA, id, `<data xmlns='${DATA}'>${data}</data>`, access)
  await publish(client, METADATA, id, `<metadata xmlns='${METADATA}'>${info}</metadata>`, access)
}

async function published(client: TestClient, node: string): Promise<Element | undefined> {
  const items = `<items node='${node}' max_items='1'/>`
  const answer = await client.request('get', `<pubsub xmlns='${PUBSUB}'>${items}</pubsub>`)
  const item = answer.child('pubsub', PUBSUB)?.child('items')?.child('item')
  return item?.elements()[0]
}

const hashIn = (presence: Element) => presence.child('x', UPDATE)?.child('photo')?.text()

describe('XEP-0054: vCards', () => {
  test('§3.1, §3.2: the own one, empty before it is set', async () => {
    const client = await arrived('ann')
    expect((await card(client)).child('vCard', VCARD)?.children).toEqual([])
    expect((await setCard(client, '<FN>Ann &amp; é</FN><DESC/>')).attrs['type']).toBe('result')
    const answer = await card(client, client.bare)
    expect(answer.child('vCard', VCARD)?.child('FN')?.text()).toBe('Ann & é')
  })

  test('§3.3: for who may see the presence; everybody else learns nothing', async () => {
    const [ann, bob, eve] = [await arrived('ann'), await arrived('bob'), await arrived('eve')]
    await befriend(ann, bob)
    expect(condition(await card(bob, ann.bare))).toBe('service-unavailable') // has none
    await setCard(ann, '<FN>Ann</FN>')
    expect((await card(bob, ann.bare)).child('vCard', VCARD)?.child('FN')?.text()).toBe('Ann')
    for (const to of [ann.bare, 'nobody@localhost'])
      expect(condition(await card(eve, to))).toBe('service-unavailable')
  })

  test('§3.2: of somebody else cannot be set', async () => {
    const [ann, eve] = [await arrived('ann'), await arrived('eve')]
    for (const to of [ann.bare, 'nobody@localhost'])
      expect(condition(await setCard(eve, '<FN>Eve</FN>', to))).toBe('forbidden')
  })

  test.each([
    ['a photo that is no Base64', '<PHOTO><BINVAL>!!!</BINVAL></PHOTO>'],
    ['a photo elsewhere', '<PHOTO><EXTVAL>https://example.com/x.png</EXTVAL></PHOTO>'],
    ['a photo of another kind', photoXml(pixel('x'), 'text/html')],
    ['two photos', photoXml(pixel('x')) + photoXml(pixel('y'))],
    ['a photo that is too big', photoXml(Buffer.alloc(49 * 1024, 1))],
    ['a card that is too big', `<DESC>${'x'.repeat(64 * 1024)}</DESC>`],
  ])('refuses %s, and keeps what was', async (_, inner) => {
    const client = await arrived('ann')
    await setCard(client, '<FN>Ann</FN>')
    expect(condition(await setCard(client, `<FN>Eve</FN>${inner}`))).toBe('not-acceptable')
    expect((await card(client)).child('vCard', VCARD)?.child('FN')?.text()).toBe('Ann')
  })

  test('goes with the account', async () => {
    const client = await arrived('ann')
    const word = `canary${String(made)}x`
    await setCard(client, `<FN>${word}</FN>`)
    await put(client, `<a xmlns='urn:a'>${word}</a>`)
    expect(await tablesWith(relay.databaseUrl, word)).toEqual(['xmpp.stored_xml'])
    await relay.accounts.terminate(parseJid(client.bare))
    await expect.poll(() => tablesWith(relay.databaseUrl, word)).toEqual([])
  })
})

describe('XEP-0398: one avatar, published and in the vCard', () => {
  test('§2: clients can find out', async () => {
    const client = await arrived('ann')
    const answer = await client.request('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`)
    expect(String(answer)).toContain(`<feature var='urn:xmpp:pep-vcard-conversion:0'/>`)
  })

  test('§3.1, §6: what is published is the photo of the vCard, for who may read it there', async () => {
    const [ann, bob, eve] = [await arrived('ann'), await arrived('bob'), await arrived('eve')]
    await befriend(ann, bob)
    const image = pixel('one')
    await publishAvatar(ann, image)
    expect(photoOf(await card(ann))).toBe(image.toString('base64'))
    expect(photoOf(await card(bob, ann.bare))).toBe(image.toString('base64'))
    expect(condition(await card(eve, ann.bare))).toBe('service-unavailable')
  })

  test('§6: an avatar that is open to all is all that strangers see', async () => {
    const [ann, eve] = [await arrived('ann'), await arrived('eve')]
    await setCard(ann, '<FN>Ann</FN>')
    await publishAvatar(ann, pixel('open'), 'open')
    const answer = await card(eve, ann.bare)
    expect(photoOf(answer)).toBe(pixel('open').toString('base64'))
    expect(answer.child('vCard', VCARD)?.child('FN')).toBeUndefined()
  })

  test('§3.1: an image that is not that of the hash is none', async () => {
    const client = await arrived('ann')
    const id = sha1(pixel('one'))
    await publish(client, DATA, id, `<data xmlns='${DATA}'>${pixel('two').toString('base64')}</data>`)
    const info = `<info id='${id}' bytes='64' type='image/png'/>`
    await publish(client, METADATA, id, `<metadata xmlns='${METADATA}'>${info}</metadata>`)
    expect(photoOf(await card(client))).toBeUndefined()
  })

  test('§3.2: a photo that is set is published, data first; without one there is none', async () => {
    const client = await arrived('ann')
    const image = pixel('three')
    await setCard(client, `<FN>Ann</FN>${photoXml(image, 'image/jpeg')}`)
    const info = (await published(client, METADATA))?.child('info')
    expect(info?.attrs).toEqual({ id: sha1(image), bytes: '64', type: 'image/jpeg' })
    expect((await published(client, DATA))?.text()).toBe(image.toString('base64'))
    expect(photoOf(await card(client))).toBe(image.toString('base64'))
    await setCard(client, '<FN>Ann</FN>')
    expect((await published(client, METADATA))?.children).toEqual([])
    expect(photoOf(await card(client))).toBeUndefined()
  })

  test('§4: presence has the hash, also what is sent to one address, unless the client shows none', async () => {
    const [ann, bob, eve] = [await arrived('ann'), await arrived('bob'), await arrived('eve')]
    await befriend(ann, bob)
    const image = pixel('four')
    await publishAvatar(ann, image)
    const seen = async (who: TestClient) =>
      hashIn(await who.next((each) => isPresence(each, undefined, ann.jid)))
    expect(await seen(bob)).toBe(sha1(image)) // said again, since it changed
    ann.sends(`<presence><show>away</show><x xmlns='${UPDATE}'/></presence>`)
    expect(await seen(bob)).toBe(sha1(image))
    ann.sends(`<presence><x xmlns='${UPDATE}'><photo>${'0'.repeat(40)}</photo></x></presence>`)
    expect(await seen(bob)).toBe(sha1(image))
    ann.sends(`<presence to='${eve.jid}'/>`)
    expect(await seen(eve)).toBe(sha1(image))
    ann.sends(`<presence><x xmlns='${UPDATE}'><photo/></x></presence>`)
    expect(await seen(bob)).toBe('')
  })

  test('whoever saw the avatar hears when it is gone, and when there is a new one', async () => {
    const [ann, bob] = [await arrived('ann'), await arrived('bob')]
    await befriend(ann, bob)
    await publishAvatar(ann, pixel('five'))
    const seen = async () => hashIn(await bob.next((each) => isPresence(each, undefined, ann.jid)))
    expect(await seen()).toBe(sha1(pixel('five')))
    const removal = `<delete node='${METADATA}'/>`
    await ann.request('set', `<pubsub xmlns='${PUBSUB}#owner'>${removal}</pubsub>`)
    expect(await seen()).toBe('')
    await publishAvatar(ann, pixel('six'))
    expect(await seen()).toBe(sha1(pixel('six')))
  })

  test('presence of those without an avatar is as it was sent', async () => {
    const [ann, bob] = [await arrived('ann'), await arrived('bob')]
    await befriend(ann, bob)
    await settle(ann, bob)
    ann.sends('<presence><status>here</status></presence>')
    const shown = await bob.next((each) => isPresence(each, undefined, ann.jid))
    expect(shown.elements().map(({ name }) => name)).toEqual(['status'])
  })
})
