import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { postgresRosterStore } from '../src/modules/roster/store.postgres.ts'
import { noSubscription } from '../src/modules/roster/subscription.ts'
import { arrive, befriend, condition, isPresence, settle, subscribe } from './friends.ts'
import type { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const NS = 'jabber:iq:roster'
let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

let pairs = 0

/** Two fresh accounts, both arrived. */
async function pair(): Promise<[TestClient, TestClient]> {
  pairs++
  const user = await relay.client(`user${pairs}`)
  const contact = await relay.client(`contact${pairs}`)
  await arrive(user)
  await arrive(contact)
  return [user, contact]
}

/** `subscription`, `ask` and `approved` of an item, as its owner sees them; `-` when there is no item. */
async function shownItem(owner: TestClient, contact: string): Promise<string> {
  const answer = await owner.request('get', `<query xmlns='${NS}'/>`)
  const items = answer.child('query', NS)?.elements() ?? []
  const item = items.find(({ attrs }) => attrs['jid'] === contact)
  if (!item) return '-'
  const { subscription, ask, approved } = item.attrs
  return [subscription, ask && 'ask', approved && 'approved'].filter(Boolean).join(' ')
}

type Type = 'subscribe' | 'unsubscribe' | 'subscribed' | 'unsubscribed'
type Move = readonly [who: 'user' | 'contact', type: Type]
/** What the user's roster says, what the contact's says, and whether the contact got the stanza. */
type Outcome = readonly [user: string, contact: string, shown: boolean]

const asks: Move = ['user', 'subscribe']
const asked: Move = ['contact', 'subscribe']
const accepts: Move = ['user', 'subscribed']
const accepted: Move = ['contact', 'subscribed']

/** RFC 6121 Appendix A, both sides at once. */
const tables: readonly {
  state: string
  moves: readonly Move[]
  outcomes: Readonly<Record<Type, Outcome>>
}[] = [
  {
    state: 'None',
    moves: [],
    outcomes: {
      subscribe: ['none ask', '-', true],
      unsubscribe: ['-', '-', false],
      subscribed: ['none approved', '-', false],
      unsubscribed: ['-', '-', false],
    },
  },
  {
    state: 'None + Pending Out',
    moves: [asks],
    outcomes: {
      subscribe: ['none ask', '-', false],
      unsubscribe: ['none', '-', true],
      subscribed: ['none ask approved', '-', false],
      unsubscribed: ['none ask', '-', false],
    },
  },
  {
    state: 'None + Pending In',
    moves: [asked],
    outcomes: {
      subscribe: ['none ask', 'none ask', true],
      unsubscribe: ['-', 'none ask', false],
      subscribed: ['from', 'to', true],
      unsubscribed: ['-', 'none', true],
    },
  },
  {
    state: 'None + Pending Out+In',
    moves: [asks, asked],
    outcomes: {
      subscribe: ['none ask', 'none ask', false],
      unsubscribe: ['none', 'none ask', true],
      subscribed: ['from ask', 'to', true],
      unsubscribed: ['none ask', 'none', true],
    },
  },
  {
    state: 'To',
    moves: [asks, accepted],
    outcomes: {
      subscribe: ['to', 'from', false],
      unsubscribe: ['none', 'none', true],
      subscribed: ['to approved', 'from', false],
      unsubscribed: ['to', 'from', false],
    },
  },
  {
    state: 'To + Pending In',
    moves: [asks, accepted, asked],
    outcomes: {
      subscribe: ['to', 'from ask', false],
      unsubscribe: ['none', 'none ask', true],
      subscribed: ['both', 'both', true],
      unsubscribed: ['to', 'from', true],
    },
  },
  {
    state: 'From',
    moves: [asked, accepts],
    outcomes: {
      subscribe: ['from ask', 'to', true],
      unsubscribe: ['from', 'to', false],
      subscribed: ['from', 'to', false],
      unsubscribed: ['none', 'none', true],
    },
  },
  {
    state: 'From + Pending Out',
    moves: [asked, accepts, asks],
    outcomes: {
      subscribe: ['from ask', 'to', false],
      unsubscribe: ['from', 'to', true],
      subscribed: ['from ask', 'to', false],
      unsubscribed: ['none ask', 'none', true],
    },
  },
  {
    state: 'Both',
    moves: [asked, accepts, asks, accepted],
    outcomes: {
      subscribe: ['both', 'both', false],
      unsubscribe: ['from', 'to', true],
      subscribed: ['both', 'both', false],
      unsubscribed: ['to', 'from', true],
    },
  },
]

const cases = tables.flatMap(({ state, moves, outcomes }) =>
  (Object.keys(outcomes) as Type[]).map((type) => ({ state, moves, type, outcome: outcomes[type] })),
)

describe('RFC 6121 Appendix A', () => {
  test.each(cases)('$type in state $state', async ({ moves, type, outcome }) => {
    const [user, contact] = await pair()
    const sides = { user: [user, contact], contact: [contact, user] } as const
    for (const [who, move] of [...moves, ['user', type] as const]) {
      await settle(user, contact)
      const [sender, target] = sides[who]
      sender.sends(`<presence to='${target.bare}' type='${move}'/>`)
    }
    await user.ping()
    await contact.ping()
    const shown = contact.inbox.some((each) => isPresence(each, type, user.bare))
    expect([await shownItem(user, contact.bare), await shownItem(contact, user.bare), shown]).toEqual(outcome)
  })
})

describe('RFC 6121 §3', () => {
  test('§3.1: the whole handshake, as both see it', async () => {
    const [user, contact] = await pair()
    user.sends(`<presence to='${contact.bare}' type='subscribe' id='x1'/>`)
    await user.receives(
      `<iq type='set' {any}><query xmlns='${NS}' {any}><item jid='${contact.bare}' subscription='none' ask='subscribe'/></query></iq>`,
    )
    await contact.receives(`<presence to='${contact.bare}' type='subscribe' id='x1' from='${user.bare}'/>`)
    contact.sends(`<presence to='${user.jid}' type='subscribed' id='x2'/>`)
    await contact.receives(
      `<iq type='set' {any}><query xmlns='${NS}' {any}><item jid='${user.bare}' subscription='from'/></query></iq>`,
    )
    await user.receives(
      `<iq type='set' {any}><query xmlns='${NS}' {any}><item jid='${contact.bare}' subscription='to'/></query></iq>`,
    )
    await user.receives(`<presence to='${user.bare}' type='subscribed' id='x2' from='${contact.bare}'/>`)
    await user.receives(`<presence from='${contact.jid}' to='${user.jid}'/>`) // §3.1.5
    await contact.receivesNothing()
  })

  test('§3.1.3: a request waits for one who is away, and is shown at each sign-in until it is answered', async () => {
    const user = await relay.client('asker')
    await relay.account('away')
    await arrive(user)
    user.sends(`<presence to='away@localhost' type='subscribe'><status>read me</status></presence>`)
    await user.ping()
    await relay.restart()
    for (let turn = 0; turn < 2; turn++) {
      await using away = await relay.client('away')
      await away.available()
      await away.receives(`<presence type='subscribe' from='asker@localhost' to='away@localhost'/>`)
      await away.close()
    }
    await using answering = await relay.client('away')
    await answering.available()
    answering.sends(`<presence to='asker@localhost' type='unsubscribed'/>`)
    await settle(answering)
    await answering.close()
    await using last = await relay.client('away')
    await last.available()
    await last.receivesNothing()
  })

  test('§3.1.3: a request to nobody looks like one that is not answered', async () => {
    const user = await relay.client('seeker')
    await arrive(user)
    await relay.account('somebody')
    for (const name of ['nobody@localhost', 'somebody@localhost']) {
      user.sends(`<presence to='${name}' type='subscribe'/>`)
      await user.receives(
        `<iq type='set' {any}><query xmlns='${NS}' {any}><item jid='${name}' subscription='none' ask='subscribe'/></query></iq>`,
      )
      await user.receivesNothing()
    }
  })

  test('§3.2: whoever is cut off sees the contact leave, and no more of them', async () => {
    const [user, contact] = await pair()
    await befriend(user, contact)
    contact.sends(`<presence to='${user.bare}' type='unsubscribed'/>`)
    await user.receives(`<presence to='${user.bare}' type='unsubscribed' from='${contact.bare}'/>`)
    await user.receives(`<presence type='unavailable' from='${contact.jid}' to='${user.jid}'/>`)
    await settle(user, contact)
    contact.sends('<presence><show>away</show></presence>')
    await contact.ping()
    await user.receivesNothing()
  })

  test('§3.2: a refused request tells nothing about who is here', async () => {
    const [user, contact] = await pair()
    user.sends(`<presence to='${contact.bare}' type='subscribe'/>`)
    await contact.next((each) => isPresence(each, 'subscribe', user.bare))
    contact.sends(`<presence to='${user.bare}' type='unsubscribed'/>`)
    await user.next((each) => isPresence(each, 'unsubscribed', contact.bare))
    await user.ping()
    expect(user.inbox.filter((each) => String(each).includes(contact.jid))).toEqual([])
  })

  test('§3.3.3: whoever unsubscribes sees the contact leave', async () => {
    const [user, contact] = await pair()
    await befriend(user, contact)
    user.sends(`<presence to='${contact.bare}' type='unsubscribe'/>`)
    await contact.receives(`<presence to='${contact.bare}' type='unsubscribe' from='${user.bare}'/>`)
    await user.receives(`<presence type='unavailable' from='${contact.jid}' to='${user.jid}'/>`)
  })

  test('§2.5.2: removing the item ends both subscriptions', async () => {
    const [user, contact] = await pair()
    await befriend(user, contact)
    await user.request(
      'set',
      `<query xmlns='${NS}'><item jid='${contact.bare}' subscription='remove'/></query>`,
    )
    await contact.receives(`<presence type='unsubscribe' from='${user.bare}' to='${contact.bare}'/>`)
    await contact.receives(`<presence type='unsubscribed' from='${user.bare}' to='${contact.bare}'/>`)
    await contact.receives(`<presence type='unavailable' from='${user.jid}' to='${contact.jid}'/>`)
    await user.receives(`<presence type='unavailable' from='${contact.jid}' to='${user.jid}'/>`)
    expect([await shownItem(user, contact.bare), await shownItem(contact, user.bare)]).toEqual(['-', 'none'])
  })

  test('§3.4: who was approved before is subscribed at once, and the other is not asked', async () => {
    const [user, contact] = await pair()
    contact.sends(`<presence to='${user.bare}' type='subscribed'/>`)
    await settle(user, contact)
    user.sends(`<presence to='${contact.bare}' type='subscribe'/>`)
    await user.next((each) => isPresence(each, 'subscribed', contact.bare))
    await user.next((each) => isPresence(each, undefined, contact.jid))
    expect([await shownItem(user, contact.bare), await shownItem(contact, user.bare)]).toEqual(['to', 'from'])
    expect(contact.inbox.filter((each) => each.name === 'presence')).toEqual([])
  })

  test('two who subscribe to each other at once, 10 times: both are asked', async () => {
    for (let turn = 0; turn < 10; turn++) {
      const [a, b] = await pair()
      a.sends(`<presence to='${b.bare}' type='subscribe'/>`)
      b.sends(`<presence to='${a.bare}' type='subscribe'/>`)
      await a.next((each) => isPresence(each, 'subscribe', b.bare))
      await b.next((each) => isPresence(each, 'subscribe', a.bare))
      a.sends(`<presence to='${b.bare}' type='subscribed'/>`)
      b.sends(`<presence to='${a.bare}' type='subscribed'/>`)
      await a.next((each) => isPresence(each, 'subscribed', b.bare))
      await b.next((each) => isPresence(each, 'subscribed', a.bare))
      expect([await shownItem(a, b.bare), await shownItem(b, a.bare)]).toEqual(['both', 'both'])
    }
  })

  test('bad requests and other domains', async () => {
    const [user] = await pair()
    const refused = async (xml: string) => {
      user.sends(xml)
      return condition(await user.next((each) => each.name === 'presence' && each.attrs['type'] === 'error'))
    }
    expect(await refused(`<presence type='subscribe'/>`)).toBe('bad-request')
    expect(await refused(`<presence type='subscribe' to='a@elsewhere.example'/>`)).toBe(
      'remote-server-not-found',
    )
    expect(await refused(`<presence type='nonsense'/>`)).toBe('bad-request')
    user.sends(`<presence type='subscribe' to='${user.bare}'/>`)
    await settle(user)
    expect(await shownItem(user, user.bare)).toBe('-')
  })

  test('more requests than somebody can look through are dropped in silence', async () => {
    await relay.account('popular')
    const popular = await relay.accounts.find(parseJid('popular@localhost'))
    await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
    const store = postgresRosterStore(db)
    for (let index = 0; index < 199; index++) {
      const contact = parseJid(`fan${index}@localhost`)
      const base = { ...noSubscription, contact, contactAccountId: undefined, name: undefined, groups: [] }
      await store.change(popular?.id ?? '', {
        put: { ...base, pendingIn: true, listed: false },
        visible: false,
      })
    }
    for (const name of ['last', 'late']) {
      const asker = await relay.client(name)
      asker.sends(`<presence to='popular@localhost' type='subscribe'/>`)
      await asker.receivesNothing()
    }
    const client = await relay.client('popular')
    await client.available()
    await client.ping()
    const askers = client.inbox
      .filter((each) => each.attrs['type'] === 'subscribe')
      .map(({ attrs }) => attrs['from'])
    expect(askers).toHaveLength(200)
    expect(askers).toContain('last@localhost')
    expect(await shownItem(await relay.client('late'), 'popular@localhost')).toBe('none ask')
  })

  test('a one-sided subscription shows one side only', async () => {
    const [user, contact] = await pair()
    await subscribe(user, contact)
    await settle(user, contact)
    user.sends('<presence><show>dnd</show></presence>')
    contact.sends('<presence><show>xa</show></presence>')
    await user.receives(`<presence from='${contact.jid}' to='${user.jid}'><show>xa</show></presence>`)
    await contact.ping()
    expect(contact.inbox.filter((each) => String(each).includes(user.jid))).toEqual([])
  })
})
