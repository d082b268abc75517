import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { type Element, escapeXml } from '@sealpost/stanza'
import { arrive, befriend, condition, detail, settle, subscribe } from './friends.ts'
import type { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const NS = 'http://jabber.org/protocol/pubsub'
const OWNER = `${NS}#owner`
const EVENT = `${NS}#event`
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const DEVICES = 'eu.siacs.conversations.axolotl.devicelist'
const AXOLOTL = 'eu.siacs.conversations.axolotl'
const BUNDLES2 = 'urn:xmpp:omemo:2:bundles'
const OX_KEYS = 'urn:xmpp:openpgp:0:public-keys'

let relay: RelayFixture
let made = 0
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Accounts of their own for one test, arrived. */
async function cast<N extends string>(...names: readonly N[]): Promise<Record<N, TestClient>> {
  made++
  const people = {} as Record<N, TestClient>
  for (const name of names) {
    people[name] = await relay.client(`${name}${made}`, { resource: 'one' })
    await arrive(people[name])
  }
  return people
}

function optionsForm(type: string, fields: Readonly<Record<string, string>>): string {
  const inner = Object.entries({ FORM_TYPE: `${NS}#${type}`, ...fields }).map(
    ([name, value]) =>
      `<field var='${name === 'FORM_TYPE' ? name : `pubsub#${name}`}'><value>${value}</value></field>`,
  )
  return `<x xmlns='jabber:x:data' type='submit'>${inner.join('')}</x>`
}

function publishItem(
  client: TestClient,
  node: string,
  inner: string,
  options?: Record<string, string>,
  to?: string,
) {
  const form = options ? `<publish-options>${optionsForm('publish-options', options)}</publish-options>` : ''
  const publish = `<publish node='${node}'>${inner}</publish>`
  return client.request('set', `<pubsub xmlns='${NS}'>${publish}${form}</pubsub>`, to)
}

function set(client: TestClient, inner: string, ns = NS): Promise<Element> {
  return client.request('set', `<pubsub xmlns='${ns}'>${inner}</pubsub>`)
}

function get(client: TestClient, inner: string, to?: string, ns = NS): Promise<Element> {
  return client.request('get', `<pubsub xmlns='${ns}'>${inner}</pubsub>`, to)
}

/** The items of a node, as XML. */
async function readItems(client: TestClient, node: string, to?: string, more = ''): Promise<string[]> {
  const answer = await get(client, `<items node='${node}'${more}/>`, to)
  const items = answer.child('pubsub', NS)?.child('items')?.elements()
  return items?.map((item) => item.toString(NS)) ?? [condition(answer)]
}

/** Becomes available with an interest in these nodes, and answers the server's question about it. */
async function becomeInterested(client: TestClient, ...nodes: readonly string[]): Promise<void> {
  const features = nodes.map((node) => `${node}+notify`).toSorted()
  const ver = createHash('sha1')
    .update(['client/pc//', ...features].map((part) => `${part}<`).join(''))
    .digest('base64')
  client.sends(
    `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:t' ver='${ver}'/></presence>`,
  )
  await client.ping()
  const index = client.inbox.findIndex((each) => each.child('query', INFO) !== undefined)
  const [question] = index < 0 ? [] : client.inbox.splice(index, 1)
  if (!question) return
  const inner = features.map((feature) => `<feature var='${escapeXml(feature)}'/>`).join('')
  client.sends(
    `<iq type='result' to='localhost' id='${question.attrs['id']}'><query xmlns='${INFO}'><identity category='client' type='pc'/>${inner}</query></iq>`,
  )
  await client.ping()
}

const list = (...ids: readonly number[]) =>
  `<list xmlns='${AXOLOTL}'>${ids.map((id) => `<device id='${id}'/>`).join('')}</list>`
const item = (id: string, payload: string) => `<item id='${id}'>${payload}</item>`
const x = (text = '') => (text === '' ? `<x xmlns='urn:x'/>` : `<x xmlns='urn:x'>${text}</x>`)

describe('OMEMO (XEP-0384)', () => {
  test('a device list is published, announced to contacts and own devices, and read by strangers once open', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    await becomeInterested(bob, DEVICES)
    await becomeInterested(alice, DEVICES)
    await settle(alice, bob)
    const answer = await publishItem(alice, DEVICES, item('current', list(1, 2)), { access_model: 'open' })
    expect(answer.child('pubsub', NS)?.toString()).toContain(
      `<publish node='${DEVICES}'><item id='current'/></publish>`,
    )
    for (const each of [alice, bob]) {
      await each.receives(
        `<message type='headline' from='${alice.bare}' to='${each.jid}' id='{any}'><event xmlns='${EVENT}'><items node='${DEVICES}'><item id='current'>${list(1, 2)}</item></items></event></message>`,
      )
    }
    for (const reader of [alice, bob, eve]) {
      expect(await readItems(reader, DEVICES, alice.bare)).toEqual([item('current', list(1, 2))])
    }
  })

  test('XEP-0191: whom the owner has blocked, and who has blocked the owner, is told of nothing', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    for (const friend of [bob, eve]) {
      await befriend(alice, friend)
      await becomeInterested(friend, DEVICES)
    }
    const block = (jid: string) => `<block xmlns='urn:xmpp:blocking'><item jid='${jid}'/></block>`
    await alice.request('set', block(bob.bare))
    await eve.request('set', block(alice.bare))
    await settle(alice, bob, eve)
    await publishItem(alice, DEVICES, item('current', list(7)))
    await bob.receivesNothing()
    await eve.receivesNothing()
  })

  test('bundles: one node for each device (0.3), many items in one node (0.8)', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    const bundle = (text: string) => `<bundle xmlns='${AXOLOTL}'><identityKey>${text}</identityKey></bundle>`
    await publishItem(alice, `${AXOLOTL}.bundles:31415`, item('current', bundle('QQ==')), {
      access_model: 'open',
    })
    expect(await readItems(bob, `${AXOLOTL}.bundles:31415`, alice.bare)).toEqual([
      item('current', bundle('QQ==')),
    ])
    const bundle2 = (text: string) => `<bundle xmlns='urn:xmpp:omemo:2'><ik>${text}</ik></bundle>`
    const options = { access_model: 'open', max_items: 'max', persist_items: 'true' }
    for (const device of ['1', '2', '3']) {
      const published = await publishItem(alice, BUNDLES2, item(device, bundle2(device)), options)
      expect(published.attrs['type']).toBe('result')
    }
    expect(await readItems(bob, BUNDLES2, alice.bare)).toEqual(
      ['1', '2', '3'].map((id) => item(id, bundle2(id))),
    )
    const one = await get(bob, `<items node='${BUNDLES2}'><item id='2'/></items>`, alice.bare)
    expect(one.child('pubsub', NS)?.child('items')?.elements()).toHaveLength(1)
    expect(await readItems(bob, BUNDLES2, alice.bare, ` max_items='1'`)).toEqual([item('3', bundle2('3'))])
  })

  test.each([
    [DEVICES, x()],
    [DEVICES, `<bundle xmlns='${AXOLOTL}'/>`],
    [`${AXOLOTL}.bundles:1`, list(1)],
    ['urn:xmpp:omemo:2:devices', list(1)],
    [BUNDLES2, `<devices xmlns='urn:xmpp:omemo:2'/>`],
    [OX_KEYS, `<pubkey xmlns='urn:xmpp:openpgp:0'/>`],
    [`${OX_KEYS}:${'AB'.repeat(20)}`, `<public-keys-list xmlns='urn:xmpp:openpgp:0'/>`],
  ])('XEP-0060 §7.1.3.5: %s does not take %s', async (node, payload) => {
    const { alice } = await cast('alice')
    const answer = await publishItem(alice, node, item('current', payload))
    expect([condition(answer), detail(answer)]).toEqual(['bad-request', 'invalid-payload'])
  })

  test('the newest items come when their reader does, also of contacts who are away', async () => {
    const { alice, bob, carol } = await cast('alice', 'bob', 'carol')
    await befriend(alice, bob)
    await subscribe(carol, alice) // carol sees alice, alice does not see carol
    await publishItem(alice, DEVICES, item('current', list(7)))
    await publishItem(bob, DEVICES, item('current', list(8)))
    await publishItem(carol, DEVICES, item('current', list(9)))
    await bob.close()
    const device = await relay.client(alice.bare.split('@')[0] ?? '', { resource: 'new' })
    await becomeInterested(device, DEVICES, 'urn:other')
    await device.receives(
      `<message {any} from='${alice.bare}' to='${device.jid}' {any}>{any}<device id='7'/>{any}</message>`,
    )
    await device.receives(
      `<message {any} from='${bob.bare}' to='${device.jid}' {any}>{any}<device id='8'/>{any}</message>`,
    )
    await device.ping()
    expect(device.inbox.filter((each) => each.name === 'message')).toEqual([])
  })

  test('whoever comes while lists change ends up with the newest, 20 tries', async () => {
    const { alice } = await cast('alice')
    await publishItem(alice, DEVICES, item('current', list(0)))
    for (let turn = 0; turn < 20; turn++) {
      await using device = await relay.client(alice.bare.split('@')[0] ?? '', { resource: `d${turn}` })
      const lists: string[] = []
      device.onElement = (each) => void (each.name === 'message' && lists.push(String(each)))
      const arriving = becomeInterested(device, DEVICES)
      for (let version = 1; version <= 5; version++) {
        alice.sends(
          `<iq type='set' id='v${version}'><pubsub xmlns='${NS}'><publish node='${DEVICES}'>${item('current', list(turn * 10 + version))}</publish></pubsub></iq>`,
        )
      }
      await arriving
      await alice.next((each) => each.attrs['id'] === 'v5')
      const newest = `<device id='${turn * 10 + 5}'/>`
      await expect.poll(() => lists.some((each) => each.includes(newest))).toBe(true)
      for (let ping = 0; ping < 3; ping++) await device.ping()
      expect(lists.at(-1), 'nothing older behind it').toContain(newest)
      alice.inbox.length = 0
    }
  })

  test('a new subscriber gets the newest items at once', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await becomeInterested(bob, DEVICES)
    await publishItem(alice, DEVICES, item('current', list(5)))
    await subscribe(bob, alice)
    await bob.receives(`<message {any} from='${alice.bare}' {any}>{any}<device id='5'/>{any}</message>`)
  })

  test('who is not interested, or may not see it, hears nothing', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    await becomeInterested(bob, 'urn:other')
    await becomeInterested(eve, DEVICES)
    await settle(alice, bob, eve)
    await publishItem(alice, DEVICES, item('current', list(1)), { access_model: 'open' })
    await bob.receivesNothing()
    await eve.receivesNothing()
  })
})

describe('OpenPGP for XMPP (XEP-0373)', () => {
  const fingerprint = '1357B01865B2503C18453D208CAC2A9678548E35'
  const keyList = `<public-keys-list xmlns='urn:xmpp:openpgp:0'><pubkey-metadata v4-fingerprint='${fingerprint}' date='2020-01-21T10:46:21Z'/></public-keys-list>`
  const pubkey = `<pubkey xmlns='urn:xmpp:openpgp:0'><data>${'QUFB'.repeat(400)}</data></pubkey>`

  test('§4: a key and the list of keys are published and found', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    await becomeInterested(bob, OX_KEYS)
    await settle(alice, bob)
    await publishItem(alice, `${OX_KEYS}:${fingerprint}`, item('2020-01-21T10:46:21Z', pubkey), {
      access_model: 'open',
    })
    await publishItem(alice, OX_KEYS, `<item>${keyList}</item>`, { access_model: 'open' })
    await bob.receives(
      `<message {any} from='${alice.bare}' {any}>{any}<items node='${OX_KEYS}'>{any}${keyList}</item>{any}</message>`,
    )
    expect(await readItems(bob, `${OX_KEYS}:${fingerprint}`, alice.bare)).toEqual([
      item('2020-01-21T10:46:21Z', pubkey),
    ])
  })

  test('§5: the secret key is for its owner alone, whatever is asked', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    const node = 'urn:xmpp:openpgp:0:secret-key'
    const secret = item('current', `<secretkey xmlns='urn:xmpp:openpgp:0'>QUFB</secretkey>`)
    for (const access of ['open', 'presence']) {
      expect(detail(await publishItem(alice, node, secret, { access_model: access }))).toBe(
        'precondition-not-met',
      )
      const created = await set(
        alice,
        `<create node='${node}'/><configure>${optionsForm('node_config', { access_model: access })}</configure>`,
      )
      expect(detail(created)).toBe('unsupported-access-model')
    }
    expect((await publishItem(alice, node, secret)).attrs['type']).toBe('result')
    expect(await readItems(bob, node, alice.bare)).toEqual(['not-allowed'])
    const opened = await set(
      alice,
      `<configure node='${node}'>${optionsForm('node_config', { access_model: 'open' })}</configure>`,
      OWNER,
    )
    expect(detail(opened)).toBe('unsupported-access-model')
  })

  test('XEP-0223: a private node is announced to own devices only', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    await becomeInterested(alice, 'urn:private')
    await becomeInterested(bob, 'urn:private')
    await settle(alice, bob)
    const options = {
      persist_items: 'true',
      max_items: 'max',
      send_last_published_item: 'never',
      access_model: 'whitelist',
    }
    await publishItem(alice, 'urn:private', item('a', x('1')), options)
    await alice.receives(
      `<message {any}><event {any}><items node='urn:private'>${item('a', x('1'))}</items></event></message>`,
    )
    await bob.receivesNothing()
    const answer = await get(bob, `<items node='urn:private'/>`, alice.bare)
    expect([condition(answer), detail(answer)]).toEqual(['not-allowed', 'closed-node'])
  })
})

describe('bookmarks (XEP-0402), what was read (XEP-0490)', () => {
  const PRIVATE = {
    persist_items: 'true',
    max_items: 'max',
    send_last_published_item: 'never',
    access_model: 'whitelist',
  }

  test.each([
    [
      'urn:xmpp:bookmarks:1',
      `<conference xmlns='urn:xmpp:bookmarks:1' name='Tea' autojoin='true'><nick>ann</nick><extensions><x xmlns='urn:x'/></extensions></conference>`,
    ],
    [
      'urn:xmpp:mds:displayed:0',
      `<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a@localhost'/></displayed>`,
    ],
  ])('%s: an item for each address, told to own devices, retracted, nobody else’s', async (node, payload) => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    const desk = await relay.client(alice.bare.split('@')[0] ?? '', { resource: 'desk' })
    await becomeInterested(desk, node)
    await becomeInterested(bob, node)
    await settle(alice, bob, desk)
    const ids = ['tea@groups.localhost', `${'l'.repeat(1_000)}@${'d'.repeat(60)}.example`]
    for (const id of ids) {
      expect((await publishItem(alice, node, item(id, payload), PRIVATE)).attrs['type']).toBe('result')
      await desk.receives(
        `<message {any}><event {any}><items {any}><item id='${id}'>{any}</items></event></message>`,
      )
    }
    expect(await readItems(desk, node)).toEqual(ids.map((id) => item(id, payload)))
    await set(alice, `<retract node='${node}' notify='true'><item id='${ids[0] ?? ''}'/></retract>`)
    await desk.receives(
      `<message {any}><event {any}><items {any}><retract id='${ids[0] ?? ''}'/></items></event></message>`,
    )
    await bob.receivesNothing()
    expect(await readItems(bob, node, alice.bare)).toEqual(['not-allowed'])
    await desk.close()
  })

  test('a client that forgets the options shows nobody its bookmarks', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    const conference = `<conference xmlns='urn:xmpp:bookmarks:1'/>`
    expect(
      (await publishItem(alice, 'urn:xmpp:bookmarks:1', item('tea@groups.localhost', conference))).attrs[
        'type'
      ],
    ).toBe('result')
    expect(await readItems(bob, 'urn:xmpp:bookmarks:1', alice.bare)).toEqual(['not-allowed'])
    const opened = await publishItem(
      alice,
      'storage:bookmarks',
      item('current', `<storage xmlns='storage:bookmarks'/>`),
      {
        access_model: 'open',
      },
    )
    expect(detail(opened)).toBe('precondition-not-met')
  })

  test('a node made before with other options is made right, as clients do it', async () => {
    const { alice } = await cast('alice')
    const node = 'urn:xmpp:omemo:2:devices'
    const payload = `<devices xmlns='urn:xmpp:omemo:2'><device id='1'/></devices>`
    await publishItem(alice, node, item('current', payload))
    expect(detail(await publishItem(alice, node, item('current', payload), { access_model: 'open' }))).toBe(
      'precondition-not-met',
    )
    const form = (await get(alice, `<configure node='${node}'/>`, undefined, OWNER)).child('pubsub', OWNER)
    const fields = form?.child('configure')?.child('x', 'jabber:x:data')?.childrenNamed('field') ?? []
    const filled = fields.map((field) => {
      const name = field.attrs['var'] ?? ''
      const value = name === 'pubsub#access_model' ? 'open' : (field.child('value')?.text() ?? '')
      return `<field var='${name}'><value>${value}</value></field>`
    })
    const changed = await set(
      alice,
      `<configure node='${node}'><x xmlns='jabber:x:data' type='submit'>${filled.join('')}</x></configure>`,
      OWNER,
    )
    expect(changed.attrs['type']).toBe('result')
    expect(
      (await publishItem(alice, node, item('current', payload), { access_model: 'open' })).attrs['type'],
    ).toBe('result')
  })
})

describe('XEP-0060 §7: publishing', () => {
  test('§7.1.5: publish options make a node, and are preconditions afterwards', async () => {
    const { alice } = await cast('alice')
    await publishItem(alice, 'urn:n', item('1', x()), { access_model: 'open' })
    const refused = await publishItem(alice, 'urn:n', item('2', x()), { access_model: 'whitelist' })
    expect([condition(refused), detail(refused)]).toEqual(['conflict', 'precondition-not-met'])
    expect(await readItems(alice, 'urn:n')).toEqual([item('1', x())])
    expect((await publishItem(alice, 'urn:n', item('2', x()))).attrs['type']).toBe('result')
    expect(await readItems(alice, 'urn:n')).toEqual([item('2', x())])
  })

  test.each([
    [{ access_model: 'authorize' }, 'precondition-not-met'],
    [{ invented: '1' }, 'precondition-not-met'],
    [{ max_items: '1000000' }, 'precondition-not-met'],
    [{ max_items: '-1' }, 'precondition-not-met'],
    [{ publish_model: 'open' }, 'precondition-not-met'],
  ])('§7.1.5: options that cannot be met: %j', async (options, expected) => {
    const { alice } = await cast('alice')
    expect(detail(await publishItem(alice, 'urn:n', item('1', x()), options as Record<string, string>))).toBe(
      expected,
    )
    expect(await readItems(alice, 'urn:n')).toEqual(['item-not-found'])
  })

  test.each([
    ['no node', `<publish>${item('1', x())}</publish>`, 'bad-request', 'nodeid-required'],
    ['an empty node', `<publish node=''>${item('1', x())}</publish>`, 'bad-request', 'nodeid-required'],
    [
      'a long node',
      `<publish node='${'n'.repeat(513)}'>${item('1', x())}</publish>`,
      'not-acceptable',
      undefined,
    ],
    ['no item', `<publish node='urn:n'/>`, 'bad-request', 'item-required'],
    ['no payload', `<publish node='urn:n'><item id='1'/></publish>`, 'bad-request', 'payload-required'],
    [
      'two payloads',
      `<publish node='urn:n'>${item('1', x() + x())}</publish>`,
      'bad-request',
      'invalid-payload',
    ],
    ['text', `<publish node='urn:n'>${item('1', `${x()}text`)}</publish>`, 'bad-request', 'invalid-payload'],
    [
      'no namespace',
      `<publish node='urn:n'>${item('1', '<y/>')}</publish>`,
      'bad-request',
      'invalid-payload',
    ],
    [
      'an empty namespace',
      `<publish node='urn:n'>${item('1', `<y xmlns=''/>`)}</publish>`,
      'bad-request',
      'invalid-payload',
    ],
    [
      'a stanza',
      `<publish node='urn:n'>${item('1', `<message xmlns='jabber:client'/>`)}</publish>`,
      'bad-request',
      'invalid-payload',
    ],
    [
      'two items',
      `<publish node='urn:n'>${item('1', x())}${item('2', x())}</publish>`,
      'not-allowed',
      'max-items-exceeded',
    ],
    [
      'a long id',
      `<publish node='urn:n'>${item('i'.repeat(2_048), x())}</publish>`,
      'not-acceptable',
      undefined,
    ],
    [
      'a giant item',
      `<publish node='urn:n'>${item('1', x('x'.repeat(65_536)))}</publish>`,
      'not-acceptable',
      'payload-too-big',
    ],
    ['nothing', '', 'bad-request', undefined],
    ['options', `<options node='urn:n' jid='a@localhost'/>`, 'feature-not-implemented', 'unsupported'],
    ['an invention', `<constructor/>`, 'bad-request', undefined],
  ])('§7.1.3: %s', async (_, inner, expected, more) => {
    const { alice } = await cast('alice')
    const answer = await set(alice, inner)
    expect([condition(answer), detail(answer)]).toEqual([expected, more])
    expect(await readItems(alice, 'urn:n')).toEqual(['item-not-found'])
  })

  test('§7.1.3.1: nobody publishes for somebody else; strangers cannot tell the account from none', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    expect(condition(await publishItem(bob, 'urn:n', item('1', x()), undefined, alice.bare))).toBe(
      'forbidden',
    )
    for (const to of [alice.bare, 'nobody@localhost']) {
      expect(condition(await publishItem(eve, 'urn:n', item('1', x()), undefined, to))).toBe(
        'service-unavailable',
      )
      expect(await readItems(eve, 'urn:n', to)).toEqual(['service-unavailable'])
      expect(condition(await get(eve, '<affiliations/>', to, OWNER))).toBe('service-unavailable')
    }
    expect(await readItems(alice, 'urn:n')).toEqual(['item-not-found'])
  })

  test('§7.1.2: an item without id gets one that nobody guesses', async () => {
    const { alice } = await cast('alice')
    const ids = new Set<string | undefined>()
    for (const start of ['<item>', `<item id=''>`]) {
      const answer = await publishItem(alice, 'urn:n', `${start}${x()}</item>`)
      ids.add(answer.child('pubsub', NS)?.child('publish')?.child('item')?.attrs['id'])
    }
    expect(ids.size).toBe(2)
    for (const id of ids) expect(id?.length).toBeGreaterThan(10)
  })

  test('ids and nodes full of markup come back as they went in', async () => {
    const { alice } = await cast('alice')
    await becomeInterested(alice, `urn:'"&<>`)
    const tricky = [
      `'/><item id='x`,
      '"&<>',
      '%00',
      '../../etc',
      '\u202Eabc',
      '\u{1F511}',
      ' ',
      randomBytes(1_535).toString('base64').slice(0, 2_047),
    ]
    for (const id of tricky) {
      await publishItem(alice, escapeXml(`urn:'"&<>`), item(escapeXml(id), x()), { max_items: 'max' })
      const event = await alice.message()
      const items = event.child('event', EVENT)?.child('items')
      expect([items?.attrs['node'], items?.child('item')?.attrs['id']]).toEqual([`urn:'"&<>`, id])
    }
    const answer = await get(alice, `<items node='${escapeXml(`urn:'"&<>`)}'/>`)
    const items = answer.child('pubsub', NS)?.child('items')?.elements()
    expect(items?.map(({ attrs }) => attrs['id'])).toEqual(tricky)
  })

  test('a payload keeps its meaning: prefixes, languages, entities, nested namespaces', async () => {
    const { alice } = await cast('alice')
    const payload =
      `<p:a xmlns:p='urn:p' xmlns:q='urn:q' q:attr='1' xml:lang='de' plain='&lt;&amp;&apos;&#10;'>` +
      `<b xmlns='urn:b'>&lt;x/&gt; &amp;<c xmlns=''/><d xmlns='jabber:client'/><![CDATA[<e/>]]></b></p:a>`
    await publishItem(alice, 'urn:n', item('1', payload))
    const answer = await get(alice, `<items node='urn:n'/>`)
    const [stored] = answer.child('pubsub', NS)?.child('items')?.child('item')?.elements() ?? []
    expect([stored?.name, stored?.ns]).toEqual(['a', 'urn:p'])
    expect(stored?.attrs).toEqual({ '{urn:q}attr': '1', 'xml:lang': 'de', plain: `<&'\n` })
    const b = stored?.child('b', 'urn:b')
    expect(b?.text()).toBe('<x/> &<e/>')
    expect(b?.elements().map(({ name, ns }) => [name, ns])).toEqual([
      ['c', ''],
      ['d', 'jabber:client'],
    ])
  })

  test('§7.2: retracting, announced', async () => {
    const { alice } = await cast('alice')
    await becomeInterested(alice, 'urn:n')
    await publishItem(alice, 'urn:n', item('1', x()), { max_items: 'max' })
    await settle(alice)
    const retract = (node: string, inner: string) => set(alice, `<retract node='${node}'>${inner}</retract>`)
    expect((await retract('urn:n', `<item id='1'/>`)).attrs['type']).toBe('result')
    await alice.receives(
      `<message {any}><event {any}><items node='urn:n'><retract id='1'/></items></event></message>`,
    )
    expect(await readItems(alice, 'urn:n')).toEqual([])
    expect(condition(await retract('urn:n', `<item id='1'/>`))).toBe('item-not-found')
    expect(condition(await retract('urn:none', `<item id='1'/>`))).toBe('item-not-found')
    for (const inner of ['', '<item/>', `<item id='1'/><item id='2'/>`]) {
      expect(detail(await retract('urn:n', inner))).toBe('item-required')
    }
  })

  test('a node that does not persist announces and keeps nothing', async () => {
    const { alice } = await cast('alice')
    await becomeInterested(alice, 'urn:n')
    await publishItem(alice, 'urn:n', item('1', x('now')), { persist_items: 'false' })
    await alice.receives(`<message {any}>{any}${x('now')}{any}</message>`)
    expect(await readItems(alice, 'urn:n')).toEqual([])
  })

  test('40 publications at once to a node of one item: one is left, and all were announced in one order', async () => {
    const { alice } = await cast('alice')
    const phone = await relay.client(alice.bare.split('@')[0] ?? '', { resource: 'phone' })
    await becomeInterested(alice, 'urn:n')
    await becomeInterested(phone, 'urn:n')
    await settle(alice, phone)
    for (let index = 0; index < 20; index++) {
      for (const each of [alice, phone]) {
        each.sends(
          `<iq type='set' id='p${index}'><pubsub xmlns='${NS}'><publish node='urn:n'><item>${x(`${each.jid} ${index}`)}</item></publish></pubsub></iq>`,
        )
      }
    }
    const seen = async (client: TestClient) => {
      const texts: string[] = []
      while (texts.length < 40)
        texts.push(
          (await client.message())
            .child('event', EVENT)
            ?.child('items')
            ?.child('item')
            ?.child('x', 'urn:x')
            ?.text() ?? '',
        )
      return texts
    }
    const [a, b] = [await seen(alice), await seen(phone)]
    expect(new Set(a).size).toBe(40)
    expect(b).toEqual(a)
    const left = await readItems(alice, 'urn:n')
    expect(left).toHaveLength(1)
    expect(left[0]).toContain(a.at(-1))
  })
})

describe('XEP-0060 §8: owning nodes', () => {
  test('§8.1, §8.2: create with configuration, read it, change it', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    const configure = `<configure>${optionsForm('node_config', { access_model: 'whitelist', max_items: '5' })}</configure>`
    expect((await set(alice, `<create node='urn:n'/>${configure}`)).attrs['type']).toBe('result')
    expect(condition(await set(alice, `<create node='urn:n'/>`))).toBe('conflict')
    expect(detail(await set(alice, '<create/>'))).toBe('nodeid-required')
    const values = async () => {
      const answer = await get(alice, `<configure node='urn:n'/>`, undefined, OWNER)
      const fields =
        answer.child('pubsub', OWNER)?.child('configure')?.child('x', 'jabber:x:data')?.elements() ?? []
      return new Map(fields.map((field) => [field.attrs['var'], field.child('value')?.text()]))
    }
    const created = await values()
    expect(created.get('FORM_TYPE')).toBe(`${NS}#node_config`)
    expect([created.get('pubsub#access_model'), created.get('pubsub#max_items')]).toEqual(['whitelist', '5'])
    for (let index = 0; index < 7; index++) await publishItem(alice, 'urn:n', item(`${index}`, x()))
    expect(await readItems(alice, 'urn:n')).toHaveLength(5)
    expect(await readItems(bob, 'urn:n', alice.bare)).toEqual(['not-allowed'])
    const change = optionsForm('node_config', { access_model: 'presence', max_items: '2' })
    await set(alice, `<configure node='urn:n'>${change}</configure>`, OWNER)
    expect(await readItems(bob, 'urn:n', alice.bare)).toEqual([item('5', x()), item('6', x())])
    const changed = await values()
    expect([changed.get('pubsub#access_model'), changed.get('pubsub#max_items')]).toEqual(['presence', '2'])
  })

  test('§8.2, §8.3: the default form, cancelling, and forms that cannot be', async () => {
    const { alice } = await cast('alice')
    await set(alice, `<create node='urn:n'/>`)
    const defaults = await get(alice, '<default/>', undefined, OWNER)
    expect(
      defaults.child('pubsub', OWNER)?.child('default')?.child('x', 'jabber:x:data')?.attrs['type'],
    ).toBe('form')
    const configure = (inner: string, node = 'urn:n') =>
      set(alice, `<configure node='${node}'>${inner}</configure>`, OWNER)
    expect((await configure(`<x xmlns='jabber:x:data' type='cancel'/>`)).attrs['type']).toBe('result')
    expect(condition(await configure(''))).toBe('bad-request')
    expect(condition(await configure(optionsForm('node_config', { max_items: '0' })))).toBe('not-acceptable')
    expect(detail(await configure(optionsForm('node_config', { access_model: 'roster' })))).toBe(
      'unsupported-access-model',
    )
    expect(condition(await configure(optionsForm('node_config', {}), 'urn:none'))).toBe('item-not-found')
    expect(condition(await configure(optionsForm('publish-options', {})))).toBe('bad-request')
    expect(detail(await set(alice, '<configure/>', OWNER))).toBe('nodeid-required')
    for (const action of ['affiliations', 'subscriptions']) {
      expect(condition(await get(alice, `<${action} node='urn:n'/>`, undefined, OWNER))).toBe(
        'feature-not-implemented',
      )
    }
  })

  test('§8.4, §8.5: purge and delete, announced', async () => {
    const { alice } = await cast('alice')
    await becomeInterested(alice, 'urn:n')
    await publishItem(alice, 'urn:n', item('1', x()))
    await settle(alice)
    await set(alice, `<purge node='urn:n'/>`, OWNER)
    await alice.receives(`<message {any}><event {any}><purge node='urn:n'/></event></message>`)
    expect(await readItems(alice, 'urn:n')).toEqual([])
    await set(alice, `<delete node='urn:n'/>`, OWNER)
    await alice.receives(`<message {any}><event {any}><delete node='urn:n'/></event></message>`)
    expect(await readItems(alice, 'urn:n')).toEqual(['item-not-found'])
    for (const action of ['purge', 'delete']) {
      expect(condition(await set(alice, `<${action} node='urn:n'/>`, OWNER))).toBe('item-not-found')
    }
  })

  test('XEP-0030: nodes and items are listed to those who may read them', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    await publishItem(alice, 'urn:a', item('i1', x()))
    await publishItem(alice, 'urn:b', item('i2', x()), { access_model: 'whitelist' })
    const listed = async (reader: TestClient, node?: string) => {
      const query = `<query xmlns='${ITEMS}'${node ? ` node='${node}'` : ''}/>`
      const answer = await reader.request('get', query, alice.bare)
      const items = answer.child('query', ITEMS)?.elements()
      return items?.map(({ attrs }) => attrs['node'] ?? attrs['name']) ?? [condition(answer)]
    }
    expect(await listed(alice)).toEqual(['urn:a', 'urn:b'])
    expect(await listed(bob)).toEqual(['urn:a'])
    expect(await listed(eve)).toEqual(['service-unavailable'])
    expect(await listed(bob, 'urn:a')).toEqual(['i1'])
    expect(await listed(bob, 'urn:b')).toEqual(['not-allowed'])
    expect(await listed(bob, 'urn:none')).toEqual(['item-not-found'])
    const info = await bob.request('get', `<query xmlns='${INFO}' node='urn:a'/>`, alice.bare)
    expect(info.child('query', INFO)?.child('identity')?.attrs).toEqual({ category: 'pubsub', type: 'leaf' })
  })
})

describe('XEP-0060 §6: subscriptions by request', () => {
  const subscribeTo = (who: TestClient, node: string, to: string, jid = who.bare, name = 'subscribe') =>
    who.request('set', `<pubsub xmlns='${NS}'><${name} node='${node}' jid='${jid}'/></pubsub>`, to)
  const unsubscribe = (who: TestClient, node: string, to: string, jid = who.bare) =>
    subscribeTo(who, node, to, jid, 'unsubscribe')
  const state = (answer: Element) => answer.child('pubsub', NS)?.child('subscription')?.attrs
  const refused = (answer: Element) => [condition(answer), detail(answer)]
  const listed = async (who: TestClient, to: string, attrs = '') => {
    const answer = await get(who, `<subscriptions${attrs}/>`, to)
    const found = answer.child('pubsub', NS)?.child('subscriptions')?.elements()
    return found?.map(({ attrs: each }) => each) ?? [condition(answer)]
  }

  test('§6.1: whoever may read a node subscribes with the bare address, gets the newest item, and is told of the next', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    await publishItem(alice, 'urn:open', item('1', x()), { access_model: 'open' })
    await publishItem(alice, 'urn:n', item('1', x('first')))
    for (const [who, node] of [
      [bob, 'urn:n'],
      [eve, 'urn:open'],
      [alice, 'urn:n'],
    ] as const) {
      const answer = await subscribeTo(who, node, alice.bare)
      expect(state(answer)).toEqual({ node, jid: who.bare, subscription: 'subscribed' })
      await who.receives(
        `<message type='headline' from='${alice.bare}' to='${who.jid}' id='{any}'>{any}<item id='1'>{any}</message>`,
      )
    }
    const desk = await relay.client(bob.bare.split('@')[0] ?? '', { resource: 'desk' })
    await arrive(desk)
    await settle(alice, bob, eve, desk)
    await publishItem(alice, 'urn:n', item('2', x('second')))
    for (const who of [alice, bob, desk]) {
      await who.receives(
        `<message type='headline' from='${alice.bare}' to='${who.jid}' id='{any}'><event xmlns='${EVENT}'><items node='urn:n'>${item('2', x('second'))}</items></event></message>`,
      )
    }
    await eve.receivesNothing()
    await publishItem(alice, 'urn:open', item('2', x()))
    await eve.receives(`<message {any}to='${eve.jid}'{any}>{any}<items node='urn:open'>{any}</message>`)
  })

  test('§6.1.6: subscribed twice, and interested by presence, it is told once', async () => {
    const { alice, bob } = await cast('alice', 'bob')
    await befriend(alice, bob)
    await becomeInterested(bob, 'urn:n')
    await settle(bob)
    const hears = (id: string) =>
      bob.receives(
        `<message {any}><event xmlns='${EVENT}'><items node='urn:n'>${item(id, x())}</items></event>{any}</message>`,
      )
    await publishItem(alice, 'urn:n', item('1', x()))
    await hears('1')
    for (let turn = 0; turn < 2; turn++) {
      expect(state(await subscribeTo(bob, 'urn:n', alice.bare))?.['subscription']).toBe('subscribed')
      await hears('1')
    }
    await publishItem(alice, 'urn:n', item('2', x()))
    await hears('2')
    await settle(alice)
    await bob.receivesNothing()
    expect(await listed(bob, alice.bare)).toHaveLength(1)
  })

  test('§6.1.3: who may not read it does not subscribe to it, and strangers learn nothing', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    await publishItem(alice, 'urn:n', item('1', x()))
    await publishItem(alice, 'urn:private', item('1', x()), { access_model: 'whitelist' })
    for (const wrong of [alice.bare, bob.jid, '', 'not a jid@@']) {
      expect(refused(await subscribeTo(bob, 'urn:n', alice.bare, wrong))).toEqual([
        'bad-request',
        'invalid-jid',
      ])
    }
    expect(refused(await subscribeTo(bob, 'urn:private', alice.bare))).toEqual(['not-allowed', 'closed-node'])
    expect(refused(await subscribeTo(bob, 'urn:none', alice.bare))).toEqual(['item-not-found', undefined])
    expect(refused(await subscribeTo(bob, '', alice.bare))).toEqual(['bad-request', 'nodeid-required'])
    for (const to of [alice.bare, 'nobody@localhost']) {
      expect(refused(await subscribeTo(eve, 'urn:n', to))).toEqual(['service-unavailable', undefined])
      expect(refused(await unsubscribe(eve, 'urn:n', to))).toEqual(['service-unavailable', undefined])
      expect(await listed(eve, to)).toEqual(['service-unavailable'])
    }
  })

  test('§6.2: unsubscribing ends it; nobody ends what is another’s', async () => {
    const { alice, bob, carol } = await cast('alice', 'bob', 'carol')
    for (const friend of [bob, carol]) await befriend(alice, friend)
    await publishItem(alice, 'urn:n', item('1', x()))
    for (const who of [bob, carol]) await subscribeTo(who, 'urn:n', alice.bare)
    expect(refused(await unsubscribe(carol, 'urn:n', alice.bare, bob.bare))).toEqual(['forbidden', undefined])
    expect(refused(await unsubscribe(bob, 'urn:n', alice.bare, bob.jid))).toEqual([
      'unexpected-request',
      'not-subscribed',
    ])
    expect(refused(await unsubscribe(bob, 'urn:none', alice.bare))).toEqual(['item-not-found', undefined])
    expect(refused(await unsubscribe(bob, 'urn:n', alice.bare, '@'))).toEqual(['bad-request', 'invalid-jid'])
    expect(state(await unsubscribe(bob, 'urn:n', alice.bare))).toEqual({
      node: 'urn:n',
      jid: bob.bare,
      subscription: 'none',
    })
    expect(refused(await unsubscribe(bob, 'urn:n', alice.bare))).toEqual([
      'unexpected-request',
      'not-subscribed',
    ])
    await settle(alice, bob, carol)
    await publishItem(alice, 'urn:n', item('2', x()))
    await carol.receives(`<message {any}>{any}<item id='2'>{any}</message>`)
    await bob.receivesNothing()
  })

  test('§5.6: lists what one is subscribed to at an account, or at one of its nodes', async () => {
    const { alice, bob, carol } = await cast('alice', 'bob', 'carol')
    await befriend(alice, bob)
    await befriend(carol, bob)
    expect(await listed(bob, alice.bare)).toEqual([])
    for (const node of ['urn:b', 'urn:a']) {
      await publishItem(alice, node, item('1', x()))
      await subscribeTo(bob, node, alice.bare)
    }
    await publishItem(carol, 'urn:c', item('1', x()))
    await subscribeTo(bob, 'urn:c', carol.bare)
    const one = (node: string) => ({ node, jid: bob.bare, subscription: 'subscribed' })
    expect(await listed(bob, alice.bare)).toEqual([one('urn:a'), one('urn:b')])
    expect(await listed(bob, alice.bare, ` node='urn:b'`)).toEqual([one('urn:b')])
    expect(await listed(bob, alice.bare, ` node='urn:none'`)).toEqual([])
    expect(await listed(bob, carol.bare)).toEqual([one('urn:c')])
  })

  test('whoever may not read it any more hears nothing, and can still unsubscribe; a deleted node is told of last', async () => {
    const { alice, bob, eve } = await cast('alice', 'bob', 'eve')
    await befriend(alice, bob)
    await publishItem(alice, 'urn:n', item('1', x()), { access_model: 'open' })
    for (const who of [bob, eve]) await subscribeTo(who, 'urn:n', alice.bare)
    await alice.request('set', `<block xmlns='urn:xmpp:blocking'><item jid='${bob.bare}'/></block>`)
    await settle(alice, bob, eve)
    await publishItem(alice, 'urn:n', item('2', x()))
    await eve.receives(`<message {any}>{any}<item id='2'>{any}</message>`)
    await bob.receivesNothing()
    const configure = (access: string) =>
      set(
        alice,
        `<configure node='urn:n'>${optionsForm('node_config', { access_model: access })}</configure>`,
        OWNER,
      )
    await configure('presence')
    await publishItem(alice, 'urn:n', item('3', x()))
    await eve.receivesNothing()
    expect(state(await unsubscribe(eve, 'urn:n', alice.bare))?.['subscription']).toBe('none')
    await configure('open')
    await subscribeTo(eve, 'urn:n', alice.bare)
    await settle(alice, eve)
    await set(alice, `<delete node='urn:n'/>`, OWNER)
    await eve.receives(`<message {any}><event {any}><delete node='urn:n'/></event></message>`)
    expect(await listed(eve, alice.bare)).toEqual(['service-unavailable'])
  })

  test('§6.1.3.9: an account is subscribed to 200 nodes and not one more; it survives a restart, and goes with either account', async () => {
    const { alice, bob, carol } = await cast('alice', 'bob', 'carol')
    for (let index = 0; index < 200; index++) {
      alice.sends(
        `<iq type='set' id='p${index}'><pubsub xmlns='${NS}'><publish node='urn:n${index}'>${item('1', x())}</publish><publish-options>${optionsForm('publish-options', { access_model: 'open', send_last_published_item: 'never' })}</publish-options></pubsub></iq>`,
      )
    }
    await alice.next((each) => each.attrs['id'] === 'p199', 20_000)
    for (let index = 0; index < 199; index++) {
      bob.sends(
        `<iq type='set' id='s${index}' to='${alice.bare}'><pubsub xmlns='${NS}'><subscribe node='urn:n${index}' jid='${bob.bare}'/></pubsub></iq>`,
      )
    }
    await bob.next((each) => each.attrs['id'] === 's198', 20_000)
    await publishItem(carol, 'urn:c', item('1', x()), { access_model: 'open' })
    await subscribeTo(bob, 'urn:c', carol.bare)
    expect(refused(await subscribeTo(bob, 'urn:n199', alice.bare))).toEqual([
      'policy-violation',
      'too-many-subscriptions',
    ])
    expect((await subscribeTo(bob, 'urn:c', carol.bare)).attrs['type']).toBe('result')

    await relay.restart()
    const name = (client: TestClient) => client.bare.split('@')[0] ?? ''
    const publisher = await relay.client(name(carol))
    const subscriber = await relay.client(name(bob))
    await arrive(subscriber)
    expect(await listed(subscriber, alice.bare)).toHaveLength(199)
    await publishItem(publisher, 'urn:c', item('2', x()))
    await subscriber.receives(`<message {any} from='${carol.bare}' {any}>{any}<item id='2'>{any}</message>`)
    await using db = await openDb({ url: relay.databaseUrl })
    const rows = async () => {
      const found = await db.query<{ count: number }>(sql`
        select count(*)::int as count from xmpp.pep_subscription where subscriber = ${bob.bare}`)
      return found[0]?.count
    }
    expect(await rows()).toBe(200)
    await relay.accounts.terminate(parseJid(alice.bare))
    await expect.poll(rows).toBe(1)
    await relay.accounts.terminate(parseJid(bob.bare))
    await expect.poll(rows).toBe(0)
  }, 60_000)
})

describe('quotas', () => {
  test('a flood of nodes ends at 200, and makes room when one is deleted', async () => {
    const { alice } = await cast('alice')
    for (let index = 0; index < 199; index++) {
      alice.sends(
        `<iq type='set' id='c${index}'><pubsub xmlns='${NS}'><create node='urn:n${index}'/></pubsub></iq>`,
      )
    }
    await publishItem(alice, 'urn:last', item('1', x()))
    alice.inbox.length = 0
    for (const answer of [
      await set(alice, `<create node='urn:more'/>`),
      await publishItem(alice, 'urn:more', item('1', x())),
    ]) {
      expect([condition(answer), detail(answer)]).toEqual(['resource-constraint', 'max-nodes-exceeded'])
    }
    expect((await publishItem(alice, 'urn:last', item('2', x()))).attrs['type']).toBe('result')
    await set(alice, `<delete node='urn:n0'/>`, OWNER)
    expect((await set(alice, `<create node='urn:more'/>`)).attrs['type']).toBe('result')
  })

  test('an account holds 4 MiB and not a byte more, however it is cut', async () => {
    const { alice } = await cast('alice')
    const big = (id: number) =>
      publishItem(alice, 'urn:n', item(`${id}`, x('x'.repeat(65_000))), { max_items: 'max' })
    let stored = 0
    let answer = await big(stored)
    while (answer.attrs['type'] === 'result' && stored < 100) answer = await big(++stored)
    expect(condition(answer)).toBe('resource-constraint')
    expect(stored).toBeGreaterThan(60)
    expect(stored * 65_000).toBeLessThan(4 * 1024 * 1024)
    expect((await big(0)).attrs['type']).toBe('result') // replacing takes no more room
    // One answer takes the newest that fit, and says how many there are.
    const pubsub = (await get(alice, `<items node='urn:n'/>`)).child('pubsub', NS)
    const ids = pubsub
      ?.child('items')
      ?.elements()
      .map(({ attrs }) => Number(attrs['id']))
    expect(ids).toEqual([...Array.from({ length: 7 }, (_, index) => stored - 7 + index), 0])
    expect(pubsub?.child('set', 'http://jabber.org/protocol/rsm')?.child('count')?.text()).toBe(`${stored}`)
  })

  test('a session that publishes without end is refused after a burst', { timeout: 90_000 }, async () => {
    const { alice } = await cast('alice')
    for (let index = 0; index < 220; index++) {
      alice.sends(
        `<iq type='set' id='b${index}'><pubsub xmlns='${NS}'><publish node='urn:n'><item id='1'>${x('x'.repeat(65_000))}</item></publish></pubsub></iq>`,
      )
    }
    const last = await alice.next((each) => each.attrs['id'] === 'b219', 60_000)
    expect(condition(last)).toBe('resource-constraint')
    const taken = alice.inbox.filter((each) => each.attrs['type'] === 'result')
    expect(taken.length).toBeGreaterThan(120)
  })

  test('a node keeps its newest 1,000 items', async () => {
    const { alice } = await cast('alice')
    const options = `<publish-options>${optionsForm('publish-options', { max_items: 'max' })}</publish-options>`
    for (let index = 0; index < 1010; index++) {
      alice.sends(
        `<iq type='set' id='m${index}'><pubsub xmlns='${NS}'><publish node='urn:n'>${item(`${index}`, x())}</publish>${options}</pubsub></iq>`,
      )
    }
    await alice.next((each) => each.attrs['id'] === 'm1009', 100_000)
    alice.inbox.length = 0
    const items = await readItems(alice, 'urn:n')
    expect([items.length, items[0], items.at(-1)]).toEqual([1000, item('10', x()), item('1009', x())])
  }, 120_000)
})

test('what is published survives a restart, and is gone with the account', async () => {
  const { alice, bob } = await cast('alice', 'bob')
  await befriend(alice, bob)
  const canary = randomBytes(12).toString('hex')
  await publishItem(alice, 'urn:n', item(canary, x(canary)))
  await relay.restart()
  const later = await relay.client(bob.bare.split('@')[0] ?? '')
  expect(await readItems(later, 'urn:n', alice.bare)).toEqual([item(canary, x(canary))])
  await relay.accounts.terminate(parseJid(alice.bare))
  await using db = await openDb({ url: relay.databaseUrl })
  await expect
    .poll(async () => {
      const rows = await db.query<{ count: number }>(sql`
        select (select count(*) from xmpp.pep_item where item_id = ${canary})::int
          + (select count(*) from xmpp.roster_item where contact = ${alice.bare})::int as count`)
      return rows[0]?.count
    })
    .toBe(0)
  expect(await readItems(later, 'urn:n', alice.bare)).toEqual(['service-unavailable'])
})
