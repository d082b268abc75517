/** XEP-0045 as groups: members only, not anonymous, hidden; a message reaches all who take part, also those who are away, and nobody else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { TestClient } from './client.ts'
import { arrive, condition } from './friends.ts'
import {
  affiliate,
  codes,
  configure,
  DISCO_INFO,
  enter,
  groupMessage,
  isSubject,
  itemOf,
  listed,
  make,
  makeOf,
  messageOf,
  NS_ADMIN,
  NS_MUC,
  NS_OWNER,
  NS_USER,
  quiet,
  refusedEntry,
} from './groups-fixture.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const SERVICE = 'groups.localhost'
const NS_OCCUPANT_ID = 'urn:xmpp:occupant-id:0'

let relay: RelayFixture
let room: string
let ann: TestClient
let bob: TestClient
let eve: TestClient
let turn = 0
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())
/** Three accounts and the address of a group, all new. */
beforeEach(async () => {
  turn += 1
  room = `room${String(turn)}@${SERVICE}`
  ann = await relay.client(`ann${String(turn)}`, { resource: 'desk' })
  bob = await relay.client(`bob${String(turn)}`, { resource: 'home' })
  eve = await relay.client(`eve${String(turn)}`, { resource: 'den' })
  for (const client of [ann, bob, eve]) await arrive(client)
  await quiet(ann, bob, eve)
})

const annNick = () => `ann${String(turn)}`
const bobNick = () => `bob${String(turn)}`
const presenceOf = (client: TestClient, nick: string, type?: string) =>
  client.next(
    ({ name, attrs }) => name === 'presence' && attrs['from'] === `${room}/${nick}` && attrs['type'] === type,
  )
const occupantId = (each: {
  child(name: string, ns: string): { attrs: Record<string, string | undefined> } | undefined
}) => each.child('occupant-id', NS_OCCUPANT_ID)?.attrs['id']
const query = (client: TestClient, to = room, payload = DISCO_INFO) => client.request('get', payload, to)

describe('making a group', () => {
  test('§10.1.2: entering makes it, locked; an empty form opens it as it is', async () => {
    const own = await enter(ann, room, 'Ann')
    expect(codes(own)).toEqual(['100', '110', '201'])
    expect(itemOf(own)).toEqual({ affiliation: 'owner', role: 'moderator', jid: ann.jid })
    expect(await refusedEntry(bob, room, 'Bob')).toBe('item-not-found')
    expect((await configure(ann, room)).attrs['type']).toBe('result')
    expect(await refusedEntry(bob, room, 'Bob')).toBe('registration-required')
    expect(await listed(ann, room, 'owner')).toEqual([ann.bare])
  })

  test('§10.1.3: a reserved one: its form is asked for, filled in, and outlives the process', async () => {
    await enter(ann, room, 'Ann')
    const form = (await query(ann, room, `<query xmlns='${NS_OWNER}'/>`))
      .child('query', NS_OWNER)
      ?.child('x', 'jabber:x:data')
    const fields = form?.childrenNamed('field').map(({ attrs }) => attrs['var'])
    expect(fields).toContain('muc#roomconfig_roomname')
    const wanted = {
      FORM_TYPE: `${NS_MUC}#roomconfig`,
      'muc#roomconfig_roomname': 'Garden',
      'muc#roomconfig_membersonly': '1',
      'muc#roomconfig_whois': 'anyone',
      'muc#roomconfig_enablelogging': '1',
    }
    expect((await configure(ann, room, wanted)).attrs['type']).toBe('result')
    await relay.restart()
    const again = await relay.client(annNick())
    expect(String(await query(again))).toContain(`name='Garden'`)
    expect(await listed(again, room, 'owner')).toEqual([again.bare])
  })

  test('§10.1.3: whoever cancels, or goes, has made none', async () => {
    await enter(ann, room, 'Ann')
    expect((await configure(ann, room, {}, 'cancel')).attrs['type']).toBe('result')
    expect(condition(await configure(ann, room))).toBe('item-not-found')
    await enter(bob, room, 'Bob')
    bob.sends(`<presence to='${room}/Bob' type='unavailable'/>`)
    await quiet(bob)
    expect(codes(await enter(eve, room, 'Eve'))).toContain('201')
  })

  test.each([
    ['open to all', { 'muc#roomconfig_membersonly': '0' }, 'not-acceptable'],
    ['anonymous', { 'muc#roomconfig_whois': 'moderators' }, 'not-acceptable'],
    ['found by everybody', { 'muc#roomconfig_publicroom': 'true' }, 'not-acceptable'],
    ['of a name too long', { 'muc#roomconfig_roomname': 'x'.repeat(101) }, 'not-acceptable'],
    ['with no boolean', { 'muc#roomconfig_allowinvites': 'perhaps' }, 'bad-request'],
    ['of another form', { FORM_TYPE: 'urn:other' }, 'bad-request'],
  ])('%s: refused', async (_what, fields, expected) => {
    await enter(ann, room, 'Ann')
    expect(condition(await configure(ann, room, fields))).toBe(expected)
    expect(await refusedEntry(bob, room, 'Bob')).toBe('item-not-found')
  })

  test('accounts make groups at their own domain only', async () => {
    expect(await refusedEntry(ann, `room${String(turn)}@groups.example.org`, 'Ann')).toBe('not-allowed')
    expect(condition(await query(ann, `groups.example.net`))).toBe('remote-server-not-found')
  })
})

describe('entering', () => {
  test('§7.2: who is there, oneself, and no subject, in this order; the others learn of it', async () => {
    await make(ann, room, 'Ann')
    await affiliate(ann, room, [bob.bare, 'member'])
    await quiet(ann, bob)
    const own = await enter(bob, room, 'Bob')
    expect(codes(own)).toEqual(['100', '110'])
    const seen = await presenceOf(bob, 'Ann')
    expect(itemOf(seen)).toEqual({ affiliation: 'owner', role: 'moderator', jid: ann.jid })
    expect(seen.child('occupant-id', NS_OCCUPANT_ID)).toBeDefined()
    const told = await presenceOf(ann, 'Bob')
    expect(itemOf(told)).toEqual({ affiliation: 'member', role: 'participant', jid: bob.jid })
    expect(occupantId(told)).toBe(occupantId(own))
    expect(occupantId(told)).not.toBe(occupantId(seen))
  })

  test('strangers, banned people and whoever names nothing', async () => {
    await make(ann, room, 'Ann')
    expect(await refusedEntry(eve, room, 'Eve')).toBe('registration-required')
    await affiliate(ann, room, [eve.bare, 'outcast'])
    expect(await refusedEntry(eve, room, 'Eve')).toBe('forbidden')
    bob.sends(`<presence to='${room}'><x xmlns='${NS_MUC}'/></presence>`)
    expect(condition(await bob.next(({ name }) => name === 'presence'))).toBe('jid-malformed')
  })

  test('§7.2.8: one account, several devices, one nickname; others see it once, until the last has left', async () => {
    await makeOf(room, ann, bob)
    const phone = await relay.client(bobNick(), { resource: 'phone' })
    await arrive(phone)
    await quiet(ann, bob, phone)
    const own = await enter(phone, room, 'Robert')
    expect(own.attrs['from']).toBe(`${room}/${bobNick()}`)
    expect(codes(own)).toEqual(['100', '110', '210'])
    await ann.receivesNothing()
    bob.sends(`<presence to='${room}/${bobNick()}' type='unavailable'/>`)
    expect(codes(await presenceOf(bob, bobNick(), 'unavailable'))).toEqual(['110'])
    expect(itemOf(await presenceOf(ann, bobNick()))['jid']).toBe(phone.jid)
    await phone.close()
    expect(itemOf(await presenceOf(ann, bobNick(), 'unavailable'))['affiliation']).toBe('member')
  })

  test('§7.6, §7.7: another nickname, and another presence', async () => {
    await makeOf(room, ann, bob)
    bob.sends(`<presence to='${room}/Robert'/>`)
    const gone = await presenceOf(ann, bobNick(), 'unavailable')
    expect([codes(gone), itemOf(gone)['nick']]).toEqual([['303'], 'Robert'])
    await presenceOf(ann, 'Robert')
    expect(codes(await presenceOf(bob, bobNick(), 'unavailable'))).toEqual(['303', '110'])
    expect(codes(await presenceOf(bob, 'Robert'))).toEqual(['110'])
    bob.sends(`<presence to='${room}/Robert'><show>away</show><x xmlns='urn:other'>secret</x></presence>`)
    const away = await presenceOf(ann, 'Robert')
    expect(away.child('show')?.text()).toBe('away')
    expect(String(away)).not.toContain('secret')
  })

  test('§7.2.12: presence of somebody who is not there is answered by a kick; XEP-0410: a ping tells it, too', async () => {
    await makeOf(room, ann)
    eve.sends(`<presence to='${room}/Eve'/>`)
    expect(codes(await presenceOf(eve, 'Eve', 'unavailable'))).toEqual(['110', '307', '333'])
    const ping = `<ping xmlns='urn:xmpp:ping'/>`
    expect(condition(await query(eve, `${room}/Eve`, ping))).toBe('not-acceptable')
    expect((await query(ann, `${room}/${annNick()}`, ping)).attrs['type']).toBe('result')
    expect(condition(await query(ann, `${room}/other`, ping))).toBe('not-acceptable')
  })

  test('whoever becomes unavailable, or whose stream ends, has left', async () => {
    await makeOf(room, ann, bob)
    bob.sends(`<presence type='unavailable'/>`)
    await presenceOf(ann, bobNick(), 'unavailable')
    expect(condition(await query(bob, `${room}/${bobNick()}`, `<ping xmlns='urn:xmpp:ping'/>`))).toBe(
      'not-acceptable',
    )
    bob.sends('<presence/>')
    await enter(bob, room, bobNick())
    await presenceOf(ann, bobNick())
    await bob.drop()
    await presenceOf(ann, bobNick(), 'unavailable')
  })

  test('who is in it stays there over a resumed stream, and over a restart', async () => {
    await makeOf(room, ann, bob)
    const phone = await relay.client(bobNick(), { resource: 'phone' })
    const previd = (await phone.enableStreamManagement()) ?? ''
    await phone.available()
    await enter(phone, room, bobNick())
    await bob.close()
    await phone.drop()
    await relay.restart()
    const options = { port: relay.port, username: bobNick(), password: 'secret' }
    const { TestClient: Client } = await import('./client.ts')
    await using back = await Client.connect(options)
    await back.authenticate(options)
    expect((await back.resume(previd, phone)).name).toBe('resumed')
    expect(
      (await back.request('get', `<ping xmlns='urn:xmpp:ping'/>`, `${room}/${bobNick()}`)).attrs['type'],
    ).toBe('result')
    back.sends(groupMessage(room, 'after'))
    expect((await messageOf(back, 'after')).attrs['from']).toBe(`${room}/${bobNick()}`)
  })
})

describe('messages', () => {
  test('§7.4: to all who are there, the sender included, with id, occupant id and stanza id', async () => {
    await makeOf(room, ann, bob)
    ann.sends(
      groupMessage(room, 'm1').replace(
        '</message>',
        `<occupant-id xmlns='${NS_OCCUPANT_ID}' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='${room}'/></message>`,
      ),
    )
    const [atAnn, atBob] = [await messageOf(ann, 'm1'), await messageOf(bob, 'm1')]
    for (const each of [atAnn, atBob]) {
      expect(each.attrs).toMatchObject({ from: `${room}/${annNick()}`, type: 'groupchat' })
      expect(each.child('encrypted', 'eu.siacs.conversations.axolotl')).toBeDefined()
      expect(String(each)).not.toContain('forged')
      expect(each.childrenNamed('occupant-id', NS_OCCUPANT_ID)).toHaveLength(1)
    }
    const id = atBob.child('stanza-id', 'urn:xmpp:sid:0')?.attrs
    expect(id).toEqual({ id: expect.stringMatching(/^.{16,}$/) as string, by: room })
    expect(atAnn.child('stanza-id', 'urn:xmpp:sid:0')?.attrs).toEqual(id)
    await eve.receivesNothing()
  })

  test('a member who is away gets it on each device when it returns, in order, with a delay of the group; nobody else ever does', async () => {
    await makeOf(room, ann, bob)
    await bob.close()
    for (const resource of ['home', 'phone', 'phone']) {
      const device = await relay.client(bobNick(), { resource }) // known by its second sign-in
      await arrive(device)
      await device.close()
    }
    await quiet(ann)
    for (const id of ['m1', 'm2', 'm3']) ann.sends(groupMessage(room, id))
    await messageOf(ann, 'm3')
    await relay.restart()
    for (const resource of ['home', 'phone']) {
      const back = await relay.client(bobNick(), { resource })
      back.sends('<presence/>')
      const ids: (string | undefined)[] = []
      while (ids.length < 3) {
        const each = await back.message()
        ids.push(each.attrs['id'])
        expect(each.attrs).toMatchObject({ from: `${room}/${annNick()}`, type: 'groupchat', to: bob.bare })
        expect(each.child('delay', 'urn:xmpp:delay')?.attrs['from']).toBe(room)
      }
      expect(ids).toEqual(['m1', 'm2', 'm3'])
      await back.close()
    }
    const stranger = await relay.client(`eve${String(turn)}`)
    await arrive(stranger)
    await stranger.receivesNothing()
  })

  test('whoever was put on the list and never entered gets nothing; nor whoever left for good', async () => {
    await makeOf(room, ann, bob)
    await affiliate(ann, room, [eve.bare, 'member'])
    await quiet(ann, bob, eve)
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(bob, 'm1')
    await eve.receivesNothing()
    const remove = `<query xmlns='jabber:iq:register'><remove/></query>`
    expect((await bob.request('set', remove, room)).attrs['type']).toBe('result')
    expect(codes(await presenceOf(bob, bobNick(), 'unavailable'))).toEqual(['321', '110'])
    await quiet(ann, bob)
    ann.sends(groupMessage(room, 'm2'))
    await messageOf(ann, 'm2')
    await bob.receivesNothing()
    expect(await refusedEntry(bob, room, bobNick())).toBe('registration-required')
  })

  test('whoever becomes a member after a message gets nothing of it, and there is no archive to ask', async () => {
    await makeOf(room, ann, bob)
    ann.sends(groupMessage(room, 'before'))
    await messageOf(bob, 'before')
    await affiliate(ann, room, [eve.bare, 'member'])
    await quiet(ann, eve)
    await enter(eve, room, `eve${String(turn)}`) // asks for the last twenty
    for (const client of [eve, bob])
      expect(condition(await client.request('set', `<query xmlns='urn:xmpp:mam:2'/>`, room))).toBe(
        'service-unavailable',
      )
    ann.sends(groupMessage(room, 'after'))
    expect((await eve.message()).attrs['id']).toBe('after')
    await eve.ping()
    expect(eve.inbox.filter(({ name }) => name === 'message')).toEqual([])
  })

  test('whoever takes the bookmark back gets nothing more, and may enter again', async () => {
    await makeOf(room, ann, bob)
    const pubsub = (inner: string) =>
      bob.request('set', `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${inner}</pubsub>`)
    const node = `node='urn:xmpp:bookmarks:1'`
    const bookmark = `<conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/>`
    await pubsub(`<publish ${node}><item id='${room}'>${bookmark}</item></publish>`)
    await quiet(ann, bob)
    await pubsub(`<retract ${node}><item id='${room}'/></retract>`)
    expect(codes(await presenceOf(bob, bobNick(), 'unavailable'))).toEqual(['110'])
    await presenceOf(ann, bobNick(), 'unavailable')
    await quiet(ann, bob)
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(ann, 'm1')
    await bob.receivesNothing()
    expect(await listed(ann, room, 'member')).toEqual([bob.bare])
    await enter(bob, room, bobNick())
    ann.sends(groupMessage(room, 'm2'))
    await messageOf(bob, 'm2')
  })

  test('what a client sends again since it lost its session is not heard twice', async () => {
    await makeOf(room, ann, bob)
    await ann.enableStreamManagement()
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(bob, 'm1')
    await ann.drop()
    const again = await relay.client(annNick(), { resource: 'desk' })
    await again.enableStreamManagement()
    await enter(again, room, annNick())
    again.sends(groupMessage(room, 'm1'))
    await again.safeUpTo(2)
    expect(bob.inbox.filter(({ name }) => name === 'message')).toEqual([])
  })

  test('what the server could read is refused: a body, a subject, a private word', async () => {
    await makeOf(room, ann, bob)
    const to = (inner: string, target = room, type = 'groupchat') =>
      ann.sends(`<message to='${target}' type='${type}' id='p'>${inner}</message>`)
    for (const inner of ['<body>hello</body>', '<subject>Plans</subject>', '<subject/>']) {
      to(inner)
      expect(condition(await messageOf(ann, 'p'))).toBe('policy-violation')
    }
    to('<body>psst</body>', `${room}/${bobNick()}`, 'chat')
    expect(condition(await messageOf(ann, 'p'))).toBe('policy-violation')
    await bob.receivesNothing()
  })

  test('chat states reach who is there and wait for nobody', async () => {
    await makeOf(room, ann, bob)
    ann.sends(
      `<message to='${room}' type='groupchat' id='s1'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    await messageOf(bob, 's1')
    await bob.close()
    ann.sends(
      `<message to='${room}' type='groupchat' id='s2'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    await messageOf(ann, 's2')
    const back = await relay.client(bobNick(), { resource: 'home' })
    await arrive(back)
    await back.receivesNothing()
  })

  test('§7.4: not from who is not there, also a member; §7.5: not with a nickname', async () => {
    await makeOf(room, ann, bob)
    for (const [client, to, expected] of [
      [eve, room, 'not-acceptable'],
      [eve, `none@${SERVICE}`, 'not-acceptable'],
      [ann, `${room}/${bobNick()}`, 'bad-request'],
      [ann, SERVICE, 'service-unavailable'],
    ] as const) {
      client.sends(groupMessage(to, 'm1'))
      expect([to, condition(await messageOf(client, 'm1'))]).toEqual([to, expected])
    }
    await bob.receivesNothing()
  })

  test('§7.5: a private message, also to a member who is away, and not to whom has blocked its sender', async () => {
    await makeOf(room, ann, bob)
    const whisper = (id: string) => ann.sends(omemo(`${room}/${bobNick()}`, id))
    whisper('p1')
    const got = await messageOf(bob, 'p1')
    expect(got.attrs).toMatchObject({ from: `${room}/${annNick()}`, type: 'chat' })
    expect(got.child('x', NS_USER)).toBeDefined()
    await bob.close()
    whisper('p2')
    await quiet(ann)
    const back = await relay.client(bobNick(), { resource: 'home' })
    back.sends('<presence/>')
    await messageOf(back, 'p2')
    await back.request('set', `<block xmlns='urn:xmpp:blocking'><item jid='${ann.bare}'/></block>`)
    whisper('p3')
    expect(condition(await messageOf(ann, 'p3'))).toBe('service-unavailable')
    ann.sends(omemo(`${room}/nobody`, 'p4'))
    expect(condition(await messageOf(ann, 'p4'))).toBe('item-not-found')
  })

  test('whoever blocks the group leaves it and gets nothing of it', async () => {
    await makeOf(room, ann, bob)
    await bob.request('set', `<block xmlns='urn:xmpp:blocking'><item jid='${room}'/></block>`)
    await presenceOf(ann, bobNick(), 'unavailable')
    await quiet(ann, bob)
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(ann, 'm1')
    await bob.receivesNothing()
    expect(await refusedEntry(bob, room, bobNick())).toBe('not-acceptable')
  })

  test('XEP-0425: an admin has a message retracted, for those who are away, too; a reason is not passed on', async () => {
    await makeOf(room, ann, bob)
    bob.sends(groupMessage(room, 'm1'))
    const id = (await messageOf(ann, 'm1')).child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'] ?? ''
    await bob.close()
    const moderate = `<moderate xmlns='urn:xmpp:message-moderate:1' id='${id}'><retract xmlns='urn:xmpp:message-retract:1'/><reason>secret</reason></moderate>`
    expect((await ann.request('set', moderate, room)).attrs['type']).toBe('result')
    const back = await relay.client(bobNick(), { resource: 'home' })
    back.sends('<presence/>')
    const word = await back.next((each) => each.child('retract', 'urn:xmpp:message-retract:1') !== undefined)
    expect(word.attrs).toMatchObject({ from: room, type: 'groupchat' })
    expect(word.child('retract', 'urn:xmpp:message-retract:1')?.attrs['id']).toBe(id)
    expect(String(word)).toContain(`by='${room}/${annNick()}'`)
    expect(String(word)).not.toContain('secret')
    expect(condition(await back.request('set', moderate, room))).toBe('forbidden')
    expect(condition(await ann.request('set', moderate.replace(id, 'a b'), room))).toBe('bad-request')
  })
})

describe('who belongs to it', () => {
  test('§9, §10: owners, admins and members; who may make what of whom', async () => {
    await makeOf(room, ann, bob, eve)
    expect((await affiliate(ann, room, [bob.bare, 'admin'])).attrs['type']).toBe('result')
    expect(itemOf(await presenceOf(eve, bobNick()))).toMatchObject({
      affiliation: 'admin',
      role: 'moderator',
    })
    for (const [client, jid, affiliation, expected] of [
      [eve, ann.bare, 'member', 'forbidden'],
      [bob, ann.bare, 'member', 'not-allowed'],
      [bob, ann.bare, 'outcast', 'not-allowed'],
      [bob, eve.bare, 'admin', 'not-allowed'],
      [bob, bob.bare, 'owner', 'not-allowed'],
      [bob, bob.bare, 'outcast', 'conflict'],
      [ann, ann.bare, 'admin', 'conflict'],
      [ann, ann.bare, 'none', 'conflict'],
      [ann, ann.bare, 'outcast', 'conflict'],
      [ann, eve.bare, 'emperor', 'bad-request'],
      [ann, 'not a jid@@', 'member', 'jid-malformed'],
      [ann, 'localhost', 'outcast', 'jid-malformed'],
    ] as const)
      expect([jid, affiliation, condition(await affiliate(client, room, [jid, affiliation]))]).toEqual([
        jid,
        affiliation,
        expected,
      ])
    expect(await listed(eve, room, 'owner')).toEqual([ann.bare])
    expect(await listed(eve, room, 'admin')).toEqual([bob.bare])
    expect(await listed(eve, room, 'member')).toEqual([eve.bare])
    expect(await listed(eve, room, 'outcast')).toEqual(['forbidden'])
    expect((await affiliate(ann, room, [bob.bare, 'owner'])).attrs['type']).toBe('result')
    expect((await affiliate(ann, room, [ann.bare, 'member'])).attrs['type']).toBe('result')
    expect(await listed(ann, room, 'owner')).toEqual([bob.bare])
  })

  test('one request, all or nothing', async () => {
    await makeOf(room, ann, bob)
    const answer = await affiliate(ann, room, [eve.bare, 'member'], [ann.bare, 'none'])
    expect(condition(answer)).toBe('conflict')
    expect(await listed(ann, room, 'member')).toEqual([bob.bare])
    expect(condition(await affiliate(ann, room, [eve.bare, 'member'], [eve.bare, 'outcast']))).toBe(
      'bad-request',
    )
    expect(condition(await affiliate(ann, room))).toBe('bad-request')
  })

  test('§9.1, §9.4, §8.2: banned, removed, kicked; who was kicked may come back, and gets nothing before', async () => {
    await makeOf(room, ann, bob, eve)
    await affiliate(ann, room, [eve.bare, 'outcast'])
    expect(codes(await presenceOf(eve, `eve${String(turn)}`, 'unavailable'))).toEqual(['301', '110'])
    expect(codes(await presenceOf(bob, `eve${String(turn)}`, 'unavailable'))).toEqual(['301'])
    expect(await listed(ann, room, 'outcast')).toEqual([eve.bare])
    const kick = (client: TestClient, nick: string) =>
      client.request(
        'set',
        `<query xmlns='${NS_ADMIN}'><item nick='${nick}' role='none'><reason>secret</reason></item></query>`,
        room,
      )
    expect(condition(await kick(bob, annNick()))).toBe('forbidden')
    expect(condition(await kick(ann, 'nobody'))).toBe('item-not-found')
    expect((await kick(ann, bobNick())).attrs['type']).toBe('result')
    expect(codes(await presenceOf(bob, bobNick(), 'unavailable'))).toEqual(['307', '110'])
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(ann, 'm1')
    await bob.receivesNothing()
    await enter(bob, room, bobNick())
    await affiliate(ann, room, [bob.bare, 'none'])
    expect(codes(await presenceOf(bob, bobNick(), 'unavailable'))).toEqual(['321', '110'])
  })

  test('roles follow from affiliations', async () => {
    await makeOf(room, ann, bob)
    const role = (wanted: string) =>
      ann.request(
        'set',
        `<query xmlns='${NS_ADMIN}'><item nick='${bobNick()}' role='${wanted}'/></query>`,
        room,
      )
    for (const wanted of ['moderator', 'visitor']) expect(condition(await role(wanted))).toBe('not-allowed')
    expect((await role('participant')).attrs['type']).toBe('result')
    expect(condition(await role('king'))).toBe('bad-request')
    const moderators = await query(ann, room, `<query xmlns='${NS_ADMIN}'><item role='moderator'/></query>`)
    expect(String(moderators)).toContain(ann.bare)
    expect(String(moderators)).not.toContain(bob.bare)
  })

  test('names of nobody are taken as those of somebody, and let nobody in who gets the name later', async () => {
    await make(ann, room, 'Ann')
    const name = `late${String(turn)}`
    const answers = [
      await affiliate(ann, room, [`${name}@localhost`, 'member']),
      await affiliate(ann, room, [bob.bare, 'member']),
    ]
    expect(answers.map(({ attrs }) => attrs['type'])).toEqual(['result', 'result'])
    expect(await listed(ann, room, 'member')).toEqual([bob.bare, `${name}@localhost`].toSorted())
    const late = await relay.client(name)
    await late.available()
    expect(await refusedEntry(late, room, name)).toBe('registration-required')
    await affiliate(ann, room, [late.bare, 'none'])
    await affiliate(ann, room, [late.bare, 'member'])
    await enter(late, room, name)
  })

  test('changes that race end in one of the states that they ask for, here and in the store', async () => {
    await makeOf(room, ann, bob, eve)
    const wanted = ['member', 'admin', 'outcast', 'none', 'owner', 'member', 'none', 'admin']
    await Promise.all(wanted.map((each) => affiliate(ann, room, [eve.bare, each])))
    const of = async (client: TestClient) => {
      const found = []
      for (const each of ['owner', 'admin', 'member', 'outcast'])
        if ((await listed(client, room, each)).includes(eve.bare)) found.push(each)
      return found
    }
    const before = await of(ann)
    expect(before.length).toBeLessThanOrEqual(1)
    await relay.restart()
    expect(await of(await relay.client(annNick()))).toEqual(before)
  })

  test('two owners who both step down at once: one stays', async () => {
    await makeOf(room, ann, bob)
    await affiliate(ann, room, [bob.bare, 'owner'])
    const answers = await Promise.all([
      affiliate(ann, room, [ann.bare, 'none']),
      affiliate(bob, room, [bob.bare, 'none']),
    ])
    expect(new Set(answers.map(({ attrs }) => attrs['type']))).toEqual(new Set(['error', 'result']))
  })

  test('§10.9: an owner destroys it; a member does not', async () => {
    await makeOf(room, ann, bob)
    const destroy = `<query xmlns='${NS_OWNER}'><destroy jid='new@${SERVICE}'><reason>secret</reason></destroy></query>`
    expect(condition(await bob.request('set', destroy, room))).toBe('forbidden')
    expect((await ann.request('set', destroy, room)).attrs['type']).toBe('result')
    const gone = await presenceOf(bob, bobNick(), 'unavailable')
    expect(gone.child('x', NS_USER)?.child('destroy')?.attrs['jid']).toBe(`new@${SERVICE}`)
    expect(String(gone)).not.toContain('secret')
    bob.sends(groupMessage(room, 'm1'))
    expect(condition(await messageOf(bob, 'm1'))).toBe('not-acceptable')
    expect(condition(await query(bob))).toBe('item-not-found')
  })

  test('§7.8: an invitation by way of the group, without its reason, also when its recipient is away; declined', async () => {
    await makeOf(room, ann, bob)
    await eve.close()
    const invite = (jid: string) =>
      `<message to='${room}' id='i1'><x xmlns='${NS_USER}'><invite to='${jid}'><reason>secret</reason></invite></x></message>`
    bob.sends(invite(eve.bare))
    expect(condition(await messageOf(bob, 'i1'))).toBe('forbidden')
    ann.sends(invite(eve.bare))
    await quiet(ann)
    const back = await relay.client(`eve${String(turn)}`)
    back.sends('<presence/>')
    const invited = await back.message()
    expect(invited.attrs['from']).toBe(room)
    expect(invited.child('x', NS_USER)?.child('invite')?.attrs['from']).toBe(ann.bare)
    expect(invited.child('x', 'jabber:x:conference')?.attrs['jid']).toBe(room)
    expect(String(invited)).not.toContain('secret')
    expect(await listed(ann, room, 'member')).toContain(back.bare)
    back.sends(`<message to='${room}'><x xmlns='${NS_USER}'><decline to='${ann.bare}'/></x></message>`)
    const declined = await ann.next((each) => each.child('x', NS_USER)?.child('decline') !== undefined)
    expect(declined.child('x', NS_USER)?.child('decline')?.attrs['from']).toBe(back.bare)
    await quiet(back)
    expect(await listed(ann, room, 'member')).not.toContain(back.bare)
    await configure(ann, room, { 'muc#roomconfig_allowinvites': '1' })
    bob.sends(invite(back.bare))
    await back.message()
    await enter(back, room, `eve${String(turn)}`)
  })
})

describe('nicknames', () => {
  const taken = (nick: string) => refusedEntry(bob, room, nick)

  test('are kept for who has them, here or away, and so are addresses of members', async () => {
    await make(ann, room, 'Ann Ä')
    await affiliate(ann, room, [bob.bare, 'member'], [eve.bare, 'member'])
    ann.sends(`<presence to='${room}/Ann Ä' type='unavailable'/>`)
    await quiet(ann)
    for (const nick of [
      'Ann Ä',
      'ann ä',
      'Ａnn Ä',
      'ann A\u0308',
      `eve${String(turn)}`,
      `EVE${String(turn)}`,
      `еvе${String(turn)}`, // Cyrillic
      'Аnn Ä', // as well
      'Ann\u00a0Ä',
      'Αnn Ä', // Greek
      ann.bare,
    ])
      expect([nick, await taken(nick)]).toEqual([nick, 'conflict'])
    await enter(bob, room, bobNick())
    bob.sends(`<presence to='${room}/ann Ä'/>`)
    expect(condition(await bob.next(({ attrs }) => attrs['type'] === 'error'))).toBe('conflict')
  })

  test('a member comes back with the one that is kept for it, whoever came since then', async () => {
    const eveNick = `eve${String(turn)}`
    await make(ann, room, annNick())
    await affiliate(ann, room, [bob.bare, 'member'])
    await enter(bob, room, eveNick)
    await affiliate(ann, room, [eve.bare, 'member'])
    bob.sends(`<presence to='${room}/${eveNick}' type='unavailable'/>`)
    await presenceOf(bob, eveNick, 'unavailable')
    await enter(bob, room, eveNick)
    expect(await refusedEntry(eve, room, eveNick)).toBe('conflict')
    bob.sends(`<presence to='${room}/${bobNick()}'/>`)
    await presenceOf(bob, bobNick())
    bob.sends(`<presence to='${room}/${eveNick}'/>`)
    expect(condition(await bob.next(({ attrs }) => attrs['type'] === 'error'))).toBe('conflict')
  })

  test.each([
    ['of spaces', ' ', 'not-acceptable'],
    ['of a space that is no blank', '\u3000', 'not-acceptable'],
    ['of what is for private use', 'x\ue000', 'jid-malformed'],
    ['with a joiner where none belongs', 'x\u200dy', 'jid-malformed'],
    ['with a tag', 'x\u{e0041}', 'jid-malformed'],
    ['of an old jamo', '\u1100\u1161', 'jid-malformed'],
    ['with a space that nobody sees', 'x ', 'not-acceptable'],
    ['with two', 'x  y', 'not-acceptable'],
    ['giant', 'x'.repeat(129), 'not-acceptable'],
    ['beyond a JID', 'x'.repeat(1_100), 'jid-malformed'],
    ['turned around', 'x\u202ey', 'jid-malformed'],
    ['with nothing in it', 'x\u200by', 'jid-malformed'],
    ['of lines', 'x&#10;y', 'jid-malformed'],
  ])('%s: refused', async (_what, nick, expected) => {
    await make(ann, room, 'Ann')
    await affiliate(ann, room, [bob.bare, 'member'])
    bob.sends(`<presence to='${room}/${nick}'><x xmlns='${NS_MUC}'/></presence>`)
    const answer = await bob.next(({ name, attrs }) => name === 'presence' && attrs['type'] === 'error')
    expect(condition(answer)).toBe(expected)
  })

  test('§7.10: what is kept is told, and by a node of discovery', async () => {
    await makeOf(room, ann)
    const registered = await query(ann, room, `<query xmlns='jabber:iq:register'/>`)
    expect(
      registered.child('query', 'jabber:iq:register')?.child('username', 'jabber:iq:register')?.text(),
    ).toBe(annNick())
    const node = await query(
      ann,
      room,
      `<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>`,
    )
    expect(String(node)).toContain(`name='${annNick()}'`)
  })
})

describe('§7.10: registering a nickname', () => {
  const FORM = `${NS_MUC}#register`
  const form = (fields: Readonly<Record<string, string>>, type = 'submit') => {
    const inner = Object.entries(fields).map(
      ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
    )
    return `<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='${type}'>${inner.join('')}</x></query>`
  }
  const registers = (client: TestClient, nick: string) =>
    client.request('set', form({ FORM_TYPE: FORM, 'muc#register_roomnick': nick }), room)
  const known = async (client: TestClient) => {
    const answer = await query(client, room, `<query xmlns='jabber:iq:register'/>`)
    const found = answer.child('query', 'jabber:iq:register')
    return { registered: found?.child('registered') !== undefined, nick: found?.child('username')?.text() }
  }

  test('a member who is away registers one, which is kept for it, and takes no part by that', async () => {
    await makeOf(room, ann)
    await affiliate(ann, room, [bob.bare, 'member'], [eve.bare, 'member'])
    expect(await known(bob)).toEqual({ registered: true, nick: undefined })
    const shown = String(await query(bob, room, `<query xmlns='jabber:iq:register'/>`))
    expect(shown).toContain(FORM)
    expect(shown).toContain(`var='muc#register_roomnick'`)
    expect((await registers(bob, 'Robert')).attrs['type']).toBe('result')
    expect((await registers(bob, 'Robert')).attrs['type']).toBe('result')
    expect(await known(bob)).toEqual({ registered: true, nick: 'Robert' })
    for (const nick of ['Robert', 'robert', annNick()]) {
      expect(condition(await registers(eve, nick))).toBe('conflict')
    }
    expect(await refusedEntry(eve, room, 'Robert')).toBe('conflict')
    await quiet(ann, bob)
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(ann, 'm1')
    await bob.receivesNothing()
  })

  test('who is there is seen with it at once', async () => {
    await makeOf(room, ann, bob)
    expect((await registers(bob, 'Robert')).attrs['type']).toBe('result')
    for (const client of [ann, bob]) {
      const gone = await presenceOf(client, bobNick(), 'unavailable')
      expect(codes(gone)).toEqual(client === bob ? ['303', '110'] : ['303'])
      expect(itemOf(gone)['nick']).toBe('Robert')
      await presenceOf(client, 'Robert')
    }
  })

  test.each([
    ['nothing', {}, 'bad-request'],
    ['another form', { FORM_TYPE: 'urn:x', 'muc#register_roomnick': 'x' }, 'bad-request'],
    ['no nickname', { FORM_TYPE: FORM }, 'bad-request'],
    ['an empty one', { FORM_TYPE: FORM, 'muc#register_roomnick': '' }, 'not-acceptable'],
    [
      'one that is seen as another',
      { FORM_TYPE: FORM, 'muc#register_roomnick': 'x\u202ey' },
      'not-acceptable',
    ],
    ['a giant', { FORM_TYPE: FORM, 'muc#register_roomnick': 'x'.repeat(2_000) }, 'not-acceptable'],
  ])('%s: refused', async (_, fields, expected) => {
    await makeOf(room, ann, bob)
    expect(condition(await bob.request('set', form(fields), room))).toBe(expected)
    expect((await bob.request('set', form({}, 'cancel'), room)).attrs['type']).toBe('result')
    expect((await known(bob)).nick).toBe(bobNick())
    expect(condition(await registers(eve, 'Eve'))).toBe('item-not-found')
  })

  test('§9.3: the notice of a new affiliation names somebody who is away by the nickname, too', async () => {
    await makeOf(room, ann, bob)
    bob.sends(`<presence to='${room}/${bobNick()}' type='unavailable'/>`)
    await quiet(ann, bob)
    for (const affiliation of ['admin', 'member', 'none']) {
      await affiliate(ann, room, [bob.bare, affiliation])
      const notice = await ann.next((each) => each.name === 'message' && each.attrs['from'] === room)
      expect(itemOf(notice)).toEqual({ affiliation, jid: bob.bare, nick: bobNick(), role: 'none' })
    }
    await affiliate(ann, room, [eve.bare, 'member'])
    const notice = await ann.next((each) => each.name === 'message' && each.attrs['from'] === room)
    expect(itemOf(notice)).toEqual({ affiliation: 'member', jid: eve.bare, role: 'none' })
  })
})

describe('what is told of groups', () => {
  const items = `<query xmlns='http://jabber.org/protocol/disco#items'/>`

  test("the service is among the items of the server; it lists one's own groups only", async () => {
    await makeOf(room, ann, bob)
    expect(String(await query(ann, 'localhost', items))).toContain(`jid='${SERVICE}'`)
    const service = await query(eve, SERVICE)
    expect(String(service)).toContain(`category='conference'`)
    expect(String(service)).toContain(`var='${NS_MUC}'`)
    expect(String(await query(bob, SERVICE, items))).toContain(room)
    expect(String(await query(eve, SERVICE, items))).not.toContain(room)
  })

  test('members are told what it is; to strangers, and to the banned, it looks like none', async () => {
    await makeOf(room, ann, bob)
    const info = String(await query(bob))
    for (const feature of [
      'muc_membersonly',
      'muc_nonanonymous',
      'muc_hidden',
      'muc_persistent',
      NS_OCCUPANT_ID,
    ])
      expect(info).toContain(`var='${feature}'`)
    expect(info).not.toContain('urn:xmpp:mam')
    await affiliate(ann, room, [bob.bare, 'outcast'])
    await quiet(bob)
    for (const client of [bob, eve])
      for (const payload of [
        DISCO_INFO,
        items,
        `<query xmlns='${NS_OWNER}'/>`,
        `<query xmlns='jabber:iq:register'/>`,
      ]) {
        const answer = await query(client, room, payload)
        const nobody = await query(client, `none@${SERVICE}`, payload)
        expect(condition(answer)).toBe('item-not-found')
        expect(String(nobody.child('error'))).toBe(String(answer.child('error')))
      }
  })

  test('requests that it does not serve, or that are none', async () => {
    await makeOf(room, ann)
    for (const [payload, to, expected] of [
      [`<vCard xmlns='vcard-temp'/>`, room, 'service-unavailable'],
      [`<vCard xmlns='vcard-temp'/>`, `${room}/${annNick()}`, 'service-unavailable'],
      [`<query xmlns='${NS_ADMIN}'/>`, room, 'bad-request'],
      [`<query xmlns='${NS_ADMIN}'><item affiliation='none'/></query>`, room, 'bad-request'],
      ['<a/><b/>', room, 'bad-request'],
      [`<query xmlns='jabber:iq:version'/>`, SERVICE, 'service-unavailable'],
    ] as const)
      expect([payload, condition(await query(ann, to, payload))]).toEqual([payload, expected])
  })
})

describe('accounts', () => {
  test('erased: it goes from its groups; what it alone owned goes to an admin, or is destroyed with it', async () => {
    await makeOf(room, ann, bob, eve)
    await affiliate(ann, room, [eve.bare, 'admin'])
    const lonely = `lonely${String(turn)}@${SERVICE}`
    await make(ann, lonely, 'Ann')
    const id = (await relay.accounts.find(parseJid(ann.bare)))?.id ?? ''
    await relay.accounts.terminate(parseJid(ann.bare))
    await expect.poll(() => listed(bob, room, 'owner')).toEqual([eve.bare])
    await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
    const rows = () => db.query(sql`select from xmpp.room_affiliation where account_id = ${id}::uuid`)
    await expect.poll(rows).toEqual([])
    const left = () => db.query(sql`select from xmpp.room where jid = ${lonely}`)
    await expect.poll(left).toEqual([])
    expect(await listed(bob, room, 'member')).toEqual([bob.bare])
  })

  test('suspended: it gets nothing, and is not there', async () => {
    await makeOf(room, ann, bob)
    await relay.accounts.suspend(parseJid(bob.bare), 'abuse')
    await presenceOf(ann, bobNick(), 'unavailable')
    ann.sends(groupMessage(room, 'm1'))
    await messageOf(ann, 'm1')
  })
})

test('the subject of a group that was entered is empty, and comes last', async () => {
  await make(ann, room, 'Ann')
  await affiliate(ann, room, [bob.bare, 'member'])
  await quiet(ann, bob)
  bob.sends(`<presence to='${room}/Bob'><x xmlns='${NS_MUC}'/></presence>`)
  const subject = await bob.next((each) => isSubject(each, room))
  expect(subject.child('subject')?.children).toEqual([])
  expect(bob.inbox.map(({ name, attrs }) => [name, attrs['from']])).toEqual([
    ['presence', `${room}/Ann`],
    ['presence', `${room}/Bob`],
  ])
})
