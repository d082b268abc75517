/** XEP-0191: whom an account has blocked hears and is heard no more, on all its devices, and cannot tell. XEP-0377: why, to the abuse desk. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { AccountCommands, CommandValues } from '@sealpost/ports'
import type { Element } from '@sealpost/stanza'
import type { TestClient } from './client.ts'
import { arrive, befriend, condition, detail, settle } from './friends.ts'
import { noCommands } from './no-commands.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const NS = 'urn:xmpp:blocking'
const PING = `<ping xmlns='urn:xmpp:ping'/>`

const reports: [accountId: string, name: string, values: CommandValues][] = []
let isDeskAway = false
const commands: AccountCommands = {
  ...noCommands,
  async run(accountId, name, values) {
    if (isDeskAway) throw new Error('away')
    reports.push([accountId, name, values])
    return { result: 'done', text: '' }
  },
}

let relay: RelayFixture
let desk: TestClient
let phone: TestClient
let eve: TestClient
let ann: string
let turn = 0
beforeAll(async () => {
  relay = await startRelay({}, {}, { commands })
})
afterAll(() => relay[Symbol.asyncDispose]())
/** Two devices of one account, and a friend, all new. */
beforeEach(async () => {
  turn += 1
  ann = `ann${String(turn)}`
  desk = await relay.client(ann, { resource: 'desk' })
  phone = await relay.client(ann, { resource: 'phone' })
  eve = await relay.client(`eve${String(turn)}`, { resource: 'home' })
  for (const client of [desk, phone, eve]) await arrive(client)
  await befriend(desk, eve)
  await settle(desk, phone, eve)
})

const item = (jid: string, inner = '') => `<item jid='${jid}'>${inner}</item>`
const block = (client: TestClient, ...items: string[]): Promise<Element> =>
  client.request('set', `<block xmlns='${NS}'>${items.join('')}</block>`)
const unblock = (client: TestClient, ...items: string[]): Promise<Element> =>
  client.request('set', `<unblock xmlns='${NS}'>${items.join('')}</unblock>`)
async function blockList(client: TestClient): Promise<string[]> {
  const answer = await client.request('get', `<blocklist xmlns='${NS}'/>`)
  const items = answer.child('blocklist', NS)?.elements() ?? []
  return items.map(({ attrs }) => attrs['jid'] ?? '').toSorted()
}
const answerTo = (client: TestClient, id: string): Promise<Element> =>
  client.next(({ attrs }) => attrs['id'] === id)
const presenceFrom = (client: TestClient, from: TestClient): Promise<Element> =>
  client.next(({ name, attrs }) => name === 'presence' && attrs['from'] === from.jid)

describe('the block list', () => {
  test('is found, is empty, is pushed to the devices that asked for it, and outlives the process', async () => {
    const info = await desk.request(
      'get',
      `<query xmlns='http://jabber.org/protocol/disco#info'/>`,
      'localhost',
    )
    expect(info.toString()).toContain(`var='${NS}'`)
    expect(info.toString()).toContain(`var='urn:xmpp:reporting:1'`)
    expect(await blockList(phone)).toEqual([])
    const done = await block(desk, item(eve.bare), item('SPAM.example'))
    expect(done.attrs['type']).toBe('result')
    const push = await phone.next(({ name, attrs }) => name === 'iq' && attrs['type'] === 'set')
    expect(
      push
        .child('block', NS)
        ?.elements()
        .map(({ attrs }) => attrs['jid']),
    ).toEqual([eve.bare, 'spam.example'])
    await desk.receivesNothing()
    expect((await block(desk, item(eve.bare))).attrs['type']).toBe('result')
    await phone.receivesNothing()
    await relay.restart()
    const again = await relay.client(ann)
    expect(await blockList(again)).toEqual([eve.bare, 'spam.example'])
    expect((await unblock(again)).attrs['type']).toBe('result')
    const all = await again.next(({ name, attrs }) => name === 'iq' && attrs['type'] === 'set')
    expect(all.child('unblock', NS)?.elements()).toEqual([])
    expect(await blockList(again)).toEqual([])
  })

  test.each([
    ['nothing', [], 'bad-request'],
    ['no JID', ['<item/>'], 'jid-malformed'],
    ['a JID that is none', [item('a b@c')], 'jid-malformed'],
    [
      'too many',
      Array.from({ length: 1_001 }, (_, index) => item(`a${String(index)}@x.example`)),
      'bad-request',
    ],
  ])('blocks %s: refused', async (_what, items, expected) => {
    expect(condition(await block(desk, ...items))).toBe(expected)
    expect(await blockList(desk)).toEqual([])
  })

  test('holds a thousand, takes many at once, and never oneself', async () => {
    expect(condition(await block(desk, item(phone.jid)))).toBe('not-allowed')
    const items = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => item(`a${String(from + index)}@x.example`))
    expect((await block(desk, ...items(0, 980))).attrs['type']).toBe('result')
    const tries = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        block(index % 2 ? desk : phone, ...items(1_000 + index * 5, 5)),
      ),
    )
    expect(tries.filter(({ attrs }) => attrs['type'] === 'result')).toHaveLength(4)
    expect(tries.filter((each) => each.attrs['type'] === 'error').map(condition)).toEqual(
      Array.from({ length: 4 }, () => 'resource-constraint'),
    )
    expect(await blockList(desk)).toHaveLength(1_000)
  })

  test('goes with its account, and a JID in it with the account that it is of', async () => {
    const eveId = (await relay.accounts.find(parseJid(eve.bare)))?.id ?? ''
    const annId = (await relay.accounts.find(parseJid(desk.bare)))?.id ?? ''
    await block(desk, item(eve.bare), item('spam.example'))
    await block(eve, item('spam.example'))
    await relay.accounts.terminate(parseJid(eve.bare))
    await expect.poll(() => blockList(desk)).toEqual(['spam.example'])
    await relay.accounts.terminate(parseJid(desk.bare))
    await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
    const rows = () =>
      db.query(
        sql`select from xmpp.blocked where account_id in (${annId}::uuid, ${eveId}::uuid) or blocked_account_id = ${eveId}::uuid`,
      )
    await expect.poll(rows).toEqual([])
  })
})

describe('a blocked contact', () => {
  test('§3.3: its messages are refused as those to nobody are, also while nobody is here; no device gets them, later neither', async () => {
    await block(desk, item(eve.bare))
    await settle(desk, phone, eve)
    eve.sends(omemo(desk.bare, 'm1'))
    const refused = await answerTo(eve, 'm1')
    eve.sends(omemo('nobody@localhost', 'm0'))
    const nobody = await answerTo(eve, 'm0')
    expect(condition(refused)).toBe('service-unavailable')
    expect(refused.child('error')?.toString()).toBe(nobody.child('error')?.toString())
    eve.sends(omemo(desk.jid, 'm2'))
    expect(condition(await answerTo(eve, 'm2'))).toBe('service-unavailable')
    await desk.receivesNothing()
    await phone.receivesNothing()
    await desk.close()
    await phone.close()
    eve.sends(omemo(desk.bare, 'm3'))
    expect(condition(await answerTo(eve, 'm3'))).toBe('service-unavailable')
    const again = await relay.client(ann, { resource: 'desk' })
    await arrive(again)
    await again.ping()
    expect(again.inbox.filter(({ name }) => name === 'message')).toEqual([])
    await unblock(again, item(eve.bare))
    eve.sends(omemo(desk.bare, 'm4'))
    expect((await answerTo(again, 'm4')).name).toBe('message')
  })

  test('§3.3: what goes out to it is refused with not-acceptable and why', async () => {
    await block(desk, item(eve.bare))
    phone.sends(omemo(eve.bare, 'out'))
    const refused = [
      await answerTo(phone, 'out'),
      await phone.request('get', PING, eve.jid),
      await phone.request('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, eve.bare),
    ]
    phone.sends(`<presence to='${eve.bare}' id='p1'/>`)
    refused.push(await answerTo(phone, 'p1'))
    expect(refused.map(condition)).toEqual(refused.map(() => 'not-acceptable'))
    expect(refused.map(detail)).toEqual(refused.map(() => 'blocked'))
    await desk.receivesNothing()
  })

  test('§3.3: its requests are refused, its answers are dropped', async () => {
    await block(desk, item(eve.bare))
    await settle(desk, eve)
    expect(condition(await eve.request('get', PING, desk.jid))).toBe('service-unavailable')
    const items = `<query xmlns='http://jabber.org/protocol/disco#info'/>`
    const [blocked, none] = [
      await eve.request('get', items, desk.bare),
      await eve.request('get', items, 'nobody@localhost'),
    ]
    expect(condition(blocked)).toBe('service-unavailable')
    expect(none.attrs['type']).toBe('error')
    eve.sends(`<iq type='result' id='r1' to='${desk.jid}'/>`)
    eve.sends(
      `<message type='error' id='e1' to='${desk.bare}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    )
    await desk.receivesNothing()
    await eve.receivesNothing()
  })

  test('§3.3, §3.4: sees all devices leave, and hears nothing more; unblocked, sees them again, and is seen', async () => {
    await block(desk, item(eve.bare))
    for (const device of [desk, phone])
      expect((await presenceFrom(eve, device)).attrs['type']).toBe('unavailable')
    await settle(desk, phone, eve)
    desk.sends('<presence><show>away</show></presence>')
    eve.sends('<presence><show>dnd</show></presence>')
    eve.sends(`<presence to='${desk.bare}' type='probe'/>`)
    eve.sends(`<presence to='${desk.jid}'><show>xa</show></presence>`)
    await settle(desk, phone)
    await eve.ping()
    const seen = (client: TestClient, of: TestClient) =>
      client.inbox.filter(
        ({ name, attrs }) => name === 'presence' && attrs['from']?.startsWith(of.bare) === true,
      )
    expect(seen(eve, desk)).toEqual([])
    expect(seen(desk, eve)).toEqual([])
    const late = await relay.client(eve.bare.split('@')[0] ?? '', { resource: 'late' })
    await arrive(late)
    await late.ping()
    expect(seen(late, desk)).toEqual([])
    await unblock(phone, item(eve.bare))
    expect((await presenceFrom(eve, desk)).child('show')?.text()).toBe('away')
    await presenceFrom(desk, eve)
    await presenceFrom(phone, eve)
  })

  test('asks for a subscription and finds it unanswered, as by anybody who does not answer', async () => {
    const mallory = await relay.client(`mallory${String(turn)}`)
    await arrive(mallory)
    await block(desk, item(mallory.bare))
    mallory.sends(`<presence to='${desk.bare}' type='subscribe'/>`)
    const push = await mallory.next(({ name, attrs }) => name === 'iq' && attrs['type'] === 'set')
    expect(push.toString()).toContain(`ask='subscribe'`)
    await desk.receivesNothing()
    const late = await relay.client(ann, { resource: 'late' })
    await arrive(late)
    await late.ping()
    expect(late.inbox.filter(({ attrs }) => attrs['type'] === 'subscribe')).toEqual([])
  })

  test.each([
    ['one of its resources', (of: TestClient) => of.jid, true],
    ['another resource', (of: TestClient) => `${of.bare}/other`, false],
    ['its domain', () => 'localhost', true],
    ['another domain', () => 'example.org', false],
    ['its domain with its resource', () => 'localhost/home', true],
  ])('§6: by %s', async (_what, jidOf, isBlocked) => {
    await block(desk, item(jidOf(eve)))
    await settle(desk, phone, eve)
    eve.sends(omemo(desk.bare, 'm'))
    const first = await (isBlocked ? answerTo(eve, 'm') : answerTo(desk, 'm'))
    expect(first.attrs['type'] === 'error').toBe(isBlocked)
    // The own devices are together, whatever domain is blocked.
    phone.sends(omemo(desk.jid, 'own'))
    expect((await answerTo(desk, 'own')).attrs['type']).not.toBe('error')
  })

  test('hears nothing of what is published, and is not heard', async () => {
    const node = 'urn:xmpp:test'
    const publish = (client: TestClient, id: string) =>
      client.request(
        'set',
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'><item id='${id}'><x xmlns='${node}'/></item></publish></pubsub>`,
      )
    await publish(desk, 'before')
    await block(desk, item(eve.bare))
    const read = await eve.request(
      'get',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`,
      desk.bare,
    )
    expect(condition(read)).toBe('service-unavailable')
  })
})

describe('XEP-0377: a report with the block', () => {
  const report = (inner: string, reason = 'spam') =>
    `<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:${reason}'>${inner}</report>`
  beforeEach(() => {
    reports.length = 0
    isDeskAway = false
  })

  test('reaches the desk with words and ids, and without what the message said', async () => {
    const inner =
      `<stanza-id xmlns='urn:xmpp:sid:0' by='${desk.bare}' id='28482-98726-73623'/>` +
      `<text xml:lang='en'>Never came trouble to my house like this.</text>` +
      `<message xmlns='jabber:client'><body>SECRET</body></message>`
    const done = await block(desk, item(eve.jid, report(inner)))
    expect(done.attrs['type']).toBe('result')
    const annId = (await relay.accounts.find(parseJid(desk.bare)))?.id
    expect(reports).toEqual([
      [
        annId,
        'me.report-abuse',
        {
          category: ['spam'],
          about: [eve.bare],
          text: ['Never came trouble to my house like this.'],
          headers: ['Stanza-Id: 28482-98726-73623'],
        },
      ],
    ])
    expect(await blockList(desk)).toEqual([eve.jid])
  })

  test('names its reporter if the client does', async () => {
    const vcard = `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><n><surname>Bennet</surname><given>Ann</given></n><tel><uri>tel:+15145550100</uri></tel></vcard>`
    await block(desk, item(eve.bare, report(vcard, 'abuse')))
    expect(reports[0]?.[2]).toEqual({
      category: ['other'],
      about: [eve.bare],
      text: ['Reported as other while blocking, without words.'],
      first_name: ['Ann'],
      last_name: ['Bennet'],
      contact: ['+15145550100'],
    })
  })

  test.each([
    ['a reason that is none', report('', 'boredom')],
    ['an id with words in it', report(`<stanza-id xmlns='urn:xmpp:sid:0' by='x' id='what it said'/>`)],
    ['too long an id', report(`<stanza-id xmlns='urn:xmpp:sid:0' by='x' id='${'a'.repeat(65)}'/>`)],
    ['too many ids', report(`<stanza-id xmlns='urn:xmpp:sid:0' by='x' id='a'/>`.repeat(21))],
  ])('with %s is refused, and nobody is blocked', async (_what, inner) => {
    expect(condition(await block(desk, item(eve.bare, inner)))).toBe('bad-request')
    expect(await blockList(desk)).toEqual([])
    expect(reports).toEqual([])
  })

  test('that cannot be filed is said, and the contact is blocked all the same; too many are refused', async () => {
    isDeskAway = true
    expect(condition(await block(desk, item(eve.bare, report(''))))).toBe('internal-server-error')
    expect(await blockList(desk)).toEqual([eve.bare])
    isDeskAway = false
    const many = Array.from({ length: 10 }, (_, index) => item(`s${String(index)}@spam.example`, report('')))
    expect(condition(await block(desk, ...many))).toBe('resource-constraint')
    expect(reports).toHaveLength(9)
    expect(await blockList(desk)).toHaveLength(11)
  })
})
