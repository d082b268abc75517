/** Groups across `kill -9`, domains with policies of their own, hostile clients, and many members at once. */
import { describe, expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import { TestClient } from './client.ts'
import { DeliveryFixture, ids, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
import { arrive, condition } from './friends.ts'
import {
  affiliate,
  DISCO_INFO,
  enter,
  groupMessage,
  isSubject,
  listed,
  make,
  makeOf,
  messageOf,
  NS_ADMIN,
  NS_MUC,
  NS_OWNER,
  NS_USER,
  quiet,
} from './groups-fixture.ts'
import { omemo, startRelay } from './relay-fixture.ts'
import { RelayProcess } from './relay-process.ts'

const ROOM = 'room@groups.localhost'

describe('XEP-0045 §7.5: a private message that nobody takes', () => {
  const whisper = (id: string, more = '') =>
    omemo(`${ROOM}/bob`, id).replace('</message>', `${more}</message>`)

  test('all queues of its recipient are full: the sender is told by the occupant', async () => {
    await using place = await DeliveryFixture.start({ limits: { queue: { messagesMax: 3, bytesMax: 1e9 } } })
    await place.register('bob', 'only')
    const [ann, bob] = [await place.device('ann', 'only'), await place.device('bob', 'only')]
    await makeOf(ROOM, ann, bob)
    await bob.close()
    await quiet(ann)
    const before = await ann.serverCounter()
    for (const id of ids('p', 5)) ann.sends(whisper(id))
    for (const id of ['p3', 'p4']) {
      const refused = await messageOf(ann, id)
      expect([refused.attrs['from'], condition(refused)]).toEqual([`${ROOM}/bob`, 'resource-constraint'])
    }
    await ann.safeUpTo(before + 5)
    const back = await place.device('bob', 'only')
    expect(await takeIds(back, 3)).toEqual(ids('p', 3))
    await back.ping()
    await expect.poll(() => place.kept()).toEqual(NOTHING_KEPT)
  })

  test('nothing is kept and its recipient is away: the sender is told; as of what asks not to be kept', async () => {
    for (const storage of ['none', 'sealed'] as const) {
      await using place = await DeliveryFixture.start({ storage })
      const [ann, bob] = [await place.device('ann', 'only'), await place.device('bob', 'only')]
      await makeOf(ROOM, ann, bob)
      const hint = storage === 'none' ? '' : `<no-store xmlns='urn:xmpp:hints'/>`
      ann.sends(whisper('p1', hint))
      await messageOf(bob, 'p1')
      await bob.ping()
      await bob.close()
      await quiet(ann)
      ann.sends(whisper('p2', hint))
      const refused = await messageOf(ann, 'p2')
      expect([refused.attrs['from'], condition(refused)]).toEqual([`${ROOM}/bob`, 'recipient-unavailable'])
      expect(await place.kept()).toEqual(NOTHING_KEPT)
      await ann.close()
    }
  })
})

test('each device of a member who is away has a copy, which its acknowledgement alone destroys', async () => {
  await using place = await DeliveryFixture.start()
  for (const resource of ['home', 'phone']) await place.register('bob', resource)
  const [ann, bob] = [await place.device('ann', 'only'), await place.device('bob', 'home')]
  await makeOf(ROOM, ann, bob)
  const phone = await place.device('bob', 'phone') // takes the invitation
  for (const client of [bob, phone]) {
    await quiet(client)
    await client.close()
  }
  await expect.poll(() => place.kept()).toEqual(NOTHING_KEPT)
  const before = await ann.serverCounter()
  for (const id of ids('m', 3)) ann.sends(groupMessage(ROOM, id))
  await ann.safeUpTo(before + 3)
  await expect.poll(() => place.kept()).toEqual({ keys: 6, rows: 6 })
  for (const [resource, left] of [
    ['phone', 3],
    ['home', 0],
  ] as const) {
    const back = await place.device('bob', resource)
    expect(await takeIds(back, 3)).toEqual(ids('m', 3))
    await back.ping()
    await expect.poll(() => place.kept()).toEqual({ keys: left, rows: left })
  }
})

describe('kill -9', () => {
  test('what was acknowledged reaches a member who was away, once, and is kept for nobody then', async () => {
    await using place = await DeliveryFixture.start()
    for (const name of ['ann', 'bob']) await place.account(name)
    await place.stop()
    const first = await RelayProcess.start(place)
    const signIn = (relay: RelayProcess, username: string) =>
      TestClient.signIn({ port: relay.port, username, password: 'secret', resource: 'only' })
    for (const name of ['ann', 'bob']) await (await signIn(first, name)).close() // known by the second sign-in
    const [ann, bob] = [await signIn(first, 'ann'), await signIn(first, 'bob')]
    for (const client of [ann, bob]) {
      await client.enableStreamManagement()
      await arrive(client)
    }
    await makeOf(ROOM, ann, bob)
    await bob.close()
    const before = await ann.serverCounter()
    for (const id of ids('m', 20)) ann.sends(groupMessage(ROOM, id))
    await ann.safeUpTo(before + 20)
    await first.kill()
    const second = await RelayProcess.start(place)
    for (const name of ['bob', 'ann']) {
      const back = await signIn(second, name)
      await back.enableStreamManagement()
      await back.available()
      if (name === 'bob') expect(await takeIds(back, 20)).toEqual(ids('m', 20))
      await back.ping()
      await back.close()
    }
    await second.stop()
    await place.run()
    await expect.poll(() => place.kept()).toEqual(NOTHING_KEPT)
    const again = await place.device('bob', 'only')
    await again.receivesNothing()
  })
})

describe('policies of domains', () => {
  test('plaintext where all domains let it pass, and only to who is here; a subject nowhere', async () => {
    await using relay = await startRelay({ e2eePolicy: 'optional' })
    const [ann, bob] = [await relay.client('ann'), await relay.client('bob')]
    for (const client of [ann, bob]) await arrive(client)
    await makeOf(ROOM, ann, bob)
    const say = (id: string, inner: string) =>
      ann.sends(`<message to='${ROOM}' type='groupchat' id='${id}'>${inner}</message>`)
    say('p1', `<body>hello</body><x xmlns='${NS_USER}'><status code='301'/></x>`)
    const heard = await messageOf(bob, 'p1')
    expect(heard.child('body')?.text()).toBe('hello')
    expect(heard.child('x', NS_USER)).toBeUndefined()
    say('p2', '<subject>Plans</subject>')
    expect(condition(await messageOf(ann, 'p2'))).toBe('policy-violation')
    await relay.accounts.domains.setPolicy('localhost', {
      e2ee: 'required',
      storage: undefined,
      messageTtlSeconds: undefined,
      mailPgp: undefined,
    })
    await expect
      .poll(async () => {
        say('p3', '<body>hello</body>')
        return (await messageOf(ann, 'p3')).attrs['type']
      })
      .toBe('error')
  })

  test('storage mode none: who is here gets it, who is away does not, and nothing is kept', async () => {
    await using relay = await DeliveryFixture.start({ storage: 'none' })
    const [ann, bob] = [await relay.device('ann', 'x'), await relay.device('bob', 'x')]
    await makeOf(ROOM, ann, bob)
    ann.sends(groupMessage(ROOM, 'm1'))
    await messageOf(bob, 'm1')
    await bob.close()
    ann.sends(groupMessage(ROOM, 'm2'))
    expect((await messageOf(ann, 'm2')).attrs['type']).toBe('groupchat')
    await ann.close()
    expect(await relay.kept()).toEqual(NOTHING_KEPT)
    const back = await relay.device('bob', 'x')
    await back.receivesNothing()
  })
})

test('XMPP_GROUPS off: there are none', async () => {
  await using relay = await startRelay({ groupsLabel: undefined })
  const ann = await relay.client('ann')
  await arrive(ann)
  expect(condition(await ann.request('get', DISCO_INFO, 'groups.localhost'))).toBe('remote-server-not-found')
  const items = await ann.request(
    'get',
    `<query xmlns='http://jabber.org/protocol/disco#items'/>`,
    'localhost',
  )
  expect(String(items)).not.toContain('groups.')
})

describe('hostile clients', () => {
  const jids = [
    'ann@localhost',
    'bob@localhost',
    'eve@localhost',
    'ann@groups.localhost',
    ROOM,
    'x@elsewhere.example',
    '@',
    '',
    'localhost',
    'ANN@LOCALHOST/x',
    `${'x'.repeat(2_000)}@localhost`,
  ]
  const nicks = ['ann', 'bob', 'eve', 'a&#x202e;b', 'ａｎｎ', 'x'.repeat(900), '&#10;', ' ', 'ann@localhost']
  const words = [
    'owner',
    'admin',
    'member',
    'none',
    'outcast',
    'moderator',
    'participant',
    'visitor',
    '',
    'king',
    '&lt;',
  ]

  test('whatever they send: answers, an owner, and no bug', async () => {
    await using relay = await startRelay()
    const [ann, bob, eve] = [await relay.client('ann'), await relay.client('bob'), await relay.client('eve')]
    for (const client of [ann, bob, eve]) await arrive(client)
    await makeOf(ROOM, ann, bob)
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
    let state = seed
    const pick = <T>(from: readonly T[]): T => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return from[(state >>> 8) % from.length] as T
    }
    const attribute = (name: string, from: readonly string[]) => pick([``, ` ${name}='${pick(from)}'`])
    const item = () =>
      `<item${attribute('jid', jids)}${attribute('nick', nicks)}${attribute('affiliation', words)}${attribute('role', words)}/>`
    const payloads = [
      () => `<query xmlns='${NS_ADMIN}'>${item()}${pick(['', item()])}</query>`,
      () =>
        `<query xmlns='${NS_OWNER}'><x xmlns='jabber:x:data' type='${pick(['submit', 'form', ''])}'><field var='muc#roomconfig_${pick(['roomname', 'whois', 'allowinvites'])}'><value>${pick(words)}</value></field></x></query>`,
      () => `<query xmlns='jabber:iq:register'>${pick(['', '<username>x</username>'])}</query>`,
      () =>
        `<moderate xmlns='urn:xmpp:message-moderate:1'${attribute('id', nicks)}><retract xmlns='urn:xmpp:message-retract:1'/></moderate>`,
    ]
    const stanza = (id: string): string => {
      const to = pick([ROOM, ROOM, `${ROOM}/${pick(nicks)}`, 'groups.localhost', 'none@groups.localhost'])
      return pick([
        () => `<iq type='${pick(['get', 'set'])}' id='${id}' to='${to}'>${pick(payloads)()}</iq>`,
        () => `<iq type='set' id='${id}' to='${to}'>${pick(payloads)()}</iq>`,
        () => `<presence id='${id}' to='${to}'>${pick(['', `<x xmlns='${NS_MUC}'/>`])}</presence>`,
        () =>
          `<presence id='${id}' to='${to}' type='${pick(['unavailable', 'subscribe', 'probe', 'error'])}'/>`,
        () =>
          `<message id='${id}' to='${to}' type='${pick(['groupchat', 'chat', 'normal', 'error'])}'><x xmlns='${NS_USER}'>${pick(['invite', 'decline'].map((each) => `<${each}${attribute('to', jids)}/>`))}</x></message>`,
      ])()
    }
    for (let turn = 0; turn < 1_500; turn++) pick([ann, bob, eve]).sends(stanza(`h${String(turn)}`))
    await quiet(ann, bob, eve)
    const account = await relay.accounts.find(parseJid('ann@localhost'))
    expect(account).toBeDefined()
    const owners = await Promise.all([ann, bob, eve].map((client) => listed(client, ROOM, 'owner')))
    for (const found of owners) expect({ seed, owners: found.length }).not.toEqual({ seed, owners: 0 })
  }, 60_000)
})

test('many members: each sees all others, and gets what one says, also those who were away', async () => {
  await using relay = await startRelay()
  const owner = await relay.client('owner', { patienceMs: 20_000 })
  await arrive(owner)
  await make(owner, ROOM, 'owner')
  const names = Array.from({ length: 40 }, (_, index) => `member${String(index)}`)
  const members = await Promise.all(names.map((name) => relay.client(name, { patienceMs: 20_000 })))
  await affiliate(owner, ROOM, ...names.map((name) => [`${name}@localhost`, 'member'] as const))
  await Promise.all(members.map((member) => arrive(member)))
  await Promise.all(members.map((member, index) => enter(member, ROOM, names[index] ?? '')))
  await quiet(owner, ...members)
  for (const away of members.slice(0, 20)) await away.close()
  await quiet(owner)
  owner.sends(groupMessage(ROOM, 'm1'))
  for (const here of [owner, ...members.slice(20)]) await messageOf(here, 'm1')
  const back = await Promise.all(names.slice(0, 20).map((name) => relay.client(name, { patienceMs: 20_000 })))
  for (const each of back) {
    each.sends('<presence/>')
    await messageOf(each, 'm1')
  }
  const again = back[0] ?? owner
  again.sends(`<presence to='${ROOM}/member0'><x xmlns='${NS_MUC}'/></presence>`)
  await again.next((each) => isSubject(each, ROOM))
  const seen = again.inbox.filter(
    ({ name, attrs }) => name === 'presence' && attrs['from']?.startsWith(`${ROOM}/`),
  )
  expect(seen).toHaveLength(22)
}, 60_000)
