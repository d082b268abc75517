/** How people join: links to become a contact (XEP-0379, XEP-0401), accounts made in-band with an invite (XEP-0077, XEP-0445). */
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import type { Element } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSkippableClock } from './_skippable-clock.ts'
import { TestClient } from './client.ts'
import { arrive, condition, isPresence, settle } from './friends.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const COMMANDS = 'http://jabber.org/protocol/commands'
const DATA = 'jabber:x:data'
const REGISTER = 'jabber:iq:register'
const INVITE = 'urn:xmpp:invite#invite'
const CREATE = 'urn:xmpp:invite#create-account'

const clock = createSkippableClock()
let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay({ registration: 'accounts' }, {}, { ownClock: clock })
})
afterAll(() => relay[Symbol.asyncDispose]())

async function run(client: TestClient, node: string, attributes = '', payload = ''): Promise<Element> {
  const command = `<command xmlns='${COMMANDS}' node='${node}' ${attributes}>${payload}</command>`
  return client.request('set', command, 'localhost')
}

/** Fields of the result of a command. */
function result(answer: Element): Record<string, string> {
  const fields = answer.child('command', COMMANDS)?.child('x', DATA)?.childrenNamed('field') ?? []
  return Object.fromEntries(
    fields.map((field) => [field.attrs['var'] ?? '', field.child('value')?.text() ?? '']),
  )
}

const tokenOf = (uri: string | undefined): string => /preauth=([\w-]+)/.exec(uri ?? '')?.[1] ?? ''

async function inviteOf(client: TestClient): Promise<string> {
  return tokenOf(result(await run(client, INVITE))['uri'])
}

async function createAccount(client: TestClient, fields: Readonly<Record<string, string>>): Promise<Element> {
  const begun = (await run(client, CREATE)).child('command', COMMANDS)
  const inner = Object.entries(fields).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  const form = `<x xmlns='${DATA}' type='submit'>${inner.join('')}</x>`
  return run(client, CREATE, `sessionid='${begun?.attrs['sessionid'] ?? ''}'`, form)
}

function subscribeWith(client: TestClient, to: string, token: string): void {
  client.sends(
    `<presence to='${to}' type='subscribe'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`,
  )
}

/** `jid subscription` of each contact. */
async function rosterOf(client: TestClient): Promise<string[]> {
  const query = (await client.request('get', `<query xmlns='jabber:iq:roster'/>`)).child(
    'query',
    'jabber:iq:roster',
  )
  return (query?.elements() ?? []).map(({ attrs }) => `${attrs['jid'] ?? ''} ${attrs['subscription'] ?? ''}`)
}

/** A client that has not signed in. */
const stranger = (): Promise<TestClient> => TestClient.connect({ port: relay.port })
const preauth = (client: TestClient, token: string) =>
  client.request('set', `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`, 'localhost')
const register = (client: TestClient, username: string, password = 'correct horse') =>
  client.request(
    'set',
    `<query xmlns='${REGISTER}'><username>${username}</username><password>${password}</password></query>`,
  )

/** The token of an invite as administrators make them. */
async function adminInvite(
  options: { localpart?: string; domain?: string; uses?: number; seconds?: number } = {},
): Promise<string> {
  const { localpart, domain = 'localhost', uses = 1, seconds = 3_600 } = options
  const token = systemRandom.token(32)
  const expiresAt = clock.now() + seconds * 1_000
  const plan = { plan: undefined, organisationId: undefined }
  await relay.accounts.accountInvites.create(
    { id: systemRandom.uuid(), domain, localpart, uses, expiresAt, ...plan },
    token,
  )
  return token
}

describe('XEP-0401 and XEP-0379: contacts', () => {
  test('both commands are found; a link says what it is and until when', async () => {
    const alice = await relay.client('alice')
    const items = `<query xmlns='http://jabber.org/protocol/disco#items' node='${COMMANDS}'/>`
    const found = String(await alice.request('get', items, 'localhost'))
    expect(found).toContain(INVITE)
    expect(found).toContain(CREATE)
    const fields = result(await run(alice, INVITE))
    const token = tokenOf(fields['uri'])
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(fields).toEqual({
      FORM_TYPE: 'urn:xmpp:invite#invitation',
      uri: `xmpp:alice@localhost?roster;preauth=${token};ibr=y`,
      'landing-url': `https://localhost/contact/alice%40localhost/${token}`,
      expire: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown,
    })
  })

  test('whoever has a link becomes a contact at once, and both see each other; nobody is asked', async () => {
    const [ann, bob] = [await relay.client('ann'), await relay.client('bob')]
    await arrive(ann)
    await arrive(bob)
    subscribeWith(bob, 'ann@localhost', await inviteOf(ann))
    await bob.next((each) => isPresence(each, undefined, ann.jid))
    await ann.next((each) => isPresence(each, undefined, bob.jid))
    expect(ann.inbox.filter((each) => each.attrs['type'] === 'subscribe')).toEqual([])
    expect(ann.inbox.some((each) => each.child('query', 'jabber:iq:roster') !== undefined)).toBe(true)
    expect([await rosterOf(ann), await rosterOf(bob)]).toEqual([
      ['bob@localhost both'],
      ['ann@localhost both'],
    ])
  })

  test('also while its owner is away; and only once', async () => {
    const away = await relay.client('away')
    const token = await inviteOf(away)
    await away.close()
    const [first, second] = [await relay.client('first'), await relay.client('second')]
    for (const client of [first, second]) await arrive(client)
    subscribeWith(first, 'away@localhost', token)
    await settle(first)
    subscribeWith(second, 'away@localhost', token)
    await settle(second)
    expect(await rosterOf(first)).toEqual(['away@localhost both'])
    expect(await rosterOf(second)).toEqual(['away@localhost none'])
    const back = await relay.client('away')
    await arrive(back)
    await back.next((each) => isPresence(each, 'subscribe', 'second@localhost'))
    expect(await rosterOf(back)).toEqual(['first@localhost both'])
  })

  test('of many who have one link at the same time one is let in', async () => {
    const owner = await relay.client('owner')
    const token = await inviteOf(owner)
    const many = await Promise.all([1, 2, 3, 4].map((number) => relay.client(`many${number}`)))
    for (const client of many) subscribeWith(client, 'owner@localhost', token)
    await settle(...many)
    const rosters = (await Promise.all(many.map(rosterOf))).flat()
    expect(rosters.filter((each) => each === 'owner@localhost both')).toHaveLength(1)
    expect(rosters.filter((each) => each === 'owner@localhost none')).toHaveLength(3)
  })

  test.each([
    ['unknown', async () => systemRandom.token(32)],
    ['of another account', async () => inviteOf(await relay.client('other'))],
    ['of a client', async () => '1tMFqYDdKhfe2pwp'],
    [
      'expired',
      async () => {
        const token = await inviteOf(await relay.client('judge'))
        clock.skip(8 * 86_400_000)
        return token
      },
    ],
  ])('§4.1: a token that is %s is as none', async (_what, make) => {
    const token = await make()
    const judge = await relay.client('judge')
    const asker = await relay.client(`asker${token.slice(0, 8).toLowerCase()}`)
    await arrive(judge)
    subscribeWith(asker, 'judge@localhost', token)
    const asked = await judge.next((each) => isPresence(each, 'subscribe', asker.bare))
    expect(asked.child('preauth', 'urn:xmpp:pars:0')?.attrs['token']).toBe(token)
    expect(await rosterOf(asker)).toEqual(['judge@localhost none'])
    await judge.close()
    await asker.close()
  })

  test('an account has so many open links; they go with it', async () => {
    const eager = await relay.client('eager')
    const tokens: string[] = []
    for (let turn = 0; turn < 20; turn += 1) tokens.push(await inviteOf(eager))
    expect(condition(await run(eager, INVITE))).toBe('resource-constraint')
    await relay.accounts.terminate(parseJid('eager@localhost'))
    await expect.poll(() => relay.accounts.erasure.pending('xmpp')).toEqual([])
  })
})

describe('XEP-0445 and XEP-0077: accounts', () => {
  test('what is offered before the sign-in, over TLS only', async () => {
    const client = await TestClient.open({ port: relay.port })
    await client.openStream()
    expect(String(client.features)).not.toContain('register')
    const secured = await stranger()
    expect(secured.features?.child('register', 'urn:xmpp:ibr-token:0')).toBeDefined()
    expect(secured.features?.child('register', 'http://jabber.org/features/iq-register')).toBeDefined()
  })

  test('a token, a name, a password: the account is there, and the password nowhere', async () => {
    const password = systemRandom.token()
    const client = await stranger()
    const token = await adminInvite()
    expect((await preauth(client, token)).attrs['type']).toBe('result')
    const fields = (await client.request('get', `<query xmlns='${REGISTER}'/>`)).child('query', REGISTER)
    expect(fields?.elements().map(({ name }) => name)).toEqual(['instructions', 'username', 'password'])
    expect((await register(client, 'newcomer', password)).attrs['type']).toBe('result')
    await client.authenticate({ port: relay.port, username: 'newcomer', password })
    await client.bind()
    expect(client.bare).toBe('newcomer@localhost')
    expect(relay.logged()).not.toContain(password)
    const again = await stranger()
    expect(condition(await preauth(again, token))).toBe('item-not-found')
  })

  test('§4: a token that expires after it was shown is still good; one account for one token', async () => {
    const client = await stranger()
    expect((await preauth(client, await adminInvite({ uses: 2 }))).attrs['type']).toBe('result')
    expect((await register(client, 'twice1')).attrs['type']).toBe('result')
    expect(condition(await register(client, 'twice2'))).toBe('forbidden')
  })

  test('every token that is not good gets the same answer, and few tries', async () => {
    const tokens = [
      '',
      'x',
      systemRandom.token(32),
      await adminInvite({ domain: 'example.org' }),
      await adminInvite({ seconds: -1 }),
    ]
    const client = await stranger()
    const answers: string[] = []
    for (const token of tokens.slice(0, 4))
      answers.push(String((await preauth(client, token)).child('error')))
    client.sends(
      `<iq type='set' id='last'><preauth xmlns='urn:xmpp:pars:0' token='${tokens[4] ?? ''}'/></iq>`,
    )
    answers.push(String((await client.next((each) => each.attrs['id'] === 'last')).child('error')))
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toMatch(/<item-not-found/)
    expect(await client.streamError()).toBe('policy-violation')
  })

  test('each refusal has its own condition, and leaves the invite as it was', async () => {
    const token = await adminInvite()
    const refused: [string, string, string][] = [
      ['alice', 'good password', 'conflict'],
      ['', 'good password', 'not-acceptable'],
      ['nobody', '', 'not-acceptable'],
      ['keys', 'good password', 'not-acceptable'],
      ['with space', 'good password', 'not-acceptable'],
    ]
    await relay.account('alice')
    for (const [name, password, expected] of refused) {
      const client = await stranger()
      await preauth(client, token)
      const answer = await register(client, name, password)
      expect([name, condition(answer)]).toEqual([name, expected])
      expect(String(answer)).not.toContain('good password')
      await client.close()
    }
    const client = await stranger()
    expect(condition(await client.request('get', `<query xmlns='${REGISTER}'/>`))).toBe('forbidden')
    expect(condition(await register(client, 'uninvited'))).toBe('forbidden')
    await preauth(client, token)
    expect((await register(client, 'welcome')).attrs['type']).toBe('result')
  })

  test('a name that the invite fixes', async () => {
    const token = await adminInvite({ localpart: 'juliet' })
    const client = await stranger()
    await preauth(client, token)
    const fields = (await client.request('get', `<query xmlns='${REGISTER}'/>`)).child('query', REGISTER)
    expect(fields?.child('username')?.text()).toBe('juliet')
    expect(condition(await register(client, 'romeo'))).toBe('not-acceptable')
    expect((await register(client, 'juliet')).attrs['type']).toBe('result')
  })

  test('XEP-0401 §5.5: who was invited by an account is its contact from the beginning; it hears of it at once', async () => {
    const host = await relay.client('host')
    await arrive(host)
    const token = await inviteOf(host)
    const client = await stranger()
    await preauth(client, token)
    expect((await register(client, 'guest')).attrs['type']).toBe('result')
    const push = await host.next(
      (each) => each.child('query', 'jabber:iq:roster')?.elements()[0]?.attrs['subscription'] === 'both',
    )
    expect(String(push)).toContain('guest@localhost')
    await client.authenticate({ port: relay.port, username: 'guest', password: 'correct horse' })
    await client.bind()
    expect(await rosterOf(client)).toEqual(['host@localhost both'])
    await client.available()
    await host.next((each) => isPresence(each, undefined, client.jid))
  })

  test('XEP-0401 §5.4: an account for a name, with or without becoming contacts', async () => {
    const host = await relay.client('host')
    const named = result(await createAccount(host, { username: 'mercutio', 'roster-subscription': '1' }))
    const token = tokenOf(named['uri'])
    expect(named['uri']).toBe(`xmpp:mercutio@localhost?register;preauth=${token}`)
    expect(named['landing-url']).toBe(`https://localhost/enrol/${token}`)
    const open = result(await createAccount(host, {}))
    expect(open['uri']).toBe(`xmpp:localhost?register;preauth=${tokenOf(open['uri'])}`)
    expect(condition(await createAccount(host, { username: 'alice' }))).toBe('conflict')
    expect(condition(await createAccount(host, { username: 'keys' }))).toBe('not-acceptable')
    const client = await stranger()
    await preauth(client, token)
    expect((await register(client, 'mercutio')).attrs['type']).toBe('result')
    await expect.poll(() => rosterOf(host)).toContain('mercutio@localhost both')
    const other = await stranger()
    await preauth(other, tokenOf(open['uri']))
    expect((await register(other, 'benvolio')).attrs['type']).toBe('result')
    expect(await rosterOf(host)).not.toContain('benvolio@localhost both')
  })

  test('an account invites so many to make one in a week; a refused name costs nothing and leaves no link', async () => {
    const keen = await relay.client('keen')
    for (let turn = 0; turn < 21; turn += 1) {
      const taken = { username: 'alice', 'roster-subscription': '1' }
      expect(condition(await createAccount(keen, taken))).toBe('conflict')
    }
    for (let turn = 0; turn < 20; turn += 1)
      expect(result(await createAccount(keen, {}))['uri']).toBeDefined()
    expect(condition(await createAccount(keen, {}))).toBe('resource-constraint')
    const other = await relay.client('other')
    expect(result(await createAccount(other, {}))['uri']).toBeDefined()
    clock.skip(7 * 86_400_000)
    expect(result(await createAccount(keen, {}))['uri']).toBeDefined()
  })

  test('whoever has signed in is told their name, and changes nothing that way', async () => {
    const alice = await relay.client('alice')
    const query = (await alice.request('get', `<query xmlns='${REGISTER}'/>`)).child('query', REGISTER)
    expect(query?.elements().map(({ name }) => name)).toEqual(['registered', 'username'])
    expect(query?.child('username')?.text()).toBe('alice')
    expect(condition(await register(alice, 'alice', 'other'))).toBe('not-allowed')
    expect(condition(await alice.request('set', `<query xmlns='${REGISTER}'><remove/></query>`))).toBe(
      'not-allowed',
    )
    const again = await relay.client('alice')
    await again.ping()
  })
})

test('off, as by default: no account is made in-band, links are for contacts only', async () => {
  await using closed = await startRelay()
  const client = await TestClient.connect({ port: closed.port })
  expect(String(client.features)).not.toContain('register')
  client.sends(`<iq type='set' id='p'><preauth xmlns='urn:xmpp:pars:0' token='x'/></iq>`)
  expect(await client.streamError()).toBe('not-authorized')
  const alice = await closed.client('alice')
  expect(condition(await alice.request('get', `<query xmlns='${REGISTER}'/>`, 'localhost'))).toBe(
    'service-unavailable',
  )
  expect(result(await run(alice, INVITE))['uri']).toMatch(/^xmpp:alice@localhost\?roster;preauth=[\w-]{43}$/)
  expect(condition(await run(alice, CREATE))).toBe('item-not-found')
})
