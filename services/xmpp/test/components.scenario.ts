/** XEP-0114: an external component shakes hands, sends as whoever it likes within its domain, and gets what is sent there. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Element } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSkippableClock } from './_skippable-clock.ts'
import type { TestClient } from './client.ts'
import { TestComponent } from './component.ts'
import { condition, settle } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const BOT = 'bot.localhost'
const OTHER = 'other.localhost'
const PLAIN = `<message to='ann@${BOT}' type='chat' id='p'><body>Hello</body></message>`

let relay: RelayFixture
let ann: TestClient
let bot: TestComponent
beforeAll(async () => {
  relay = await startRelay({
    components: { domains: [BOT, OTHER], port: 0, networks: { include: () => true }, secretsDir: '' },
  })
  ann = await relay.client('ann', { resource: 'phone' })
  await ann.available()
  bot = await relay.component(BOT)
})
afterAll(() => relay[Symbol.asyncDispose]())

const message = (id: string) => (each: Element) => each.name === 'message' && each.attrs['id'] === id

describe('XEP-0114 §3: the handshake', () => {
  const open = (domain: string, namespace?: string) =>
    TestComponent.open(relay.componentPort, domain, namespace)

  test('the header of the answer names the component, and its secret is in a file of its own', async () => {
    await using component = await relay.component(OTHER)
    expect(component.header?.attrs['from']).toBe(OTHER)
    const file = await stat(join(relay.platform.dataDir, 'components', OTHER))
    expect(file.mode & 0o777).toBe(0o600)
    expect((await relay.componentSecret(OTHER)).length).toBeGreaterThan(20)
    await component.close()
  })

  test.each([
    ['nobody.localhost', 'host-unknown'],
    ['localhost', 'host-unknown'],
    ['', 'host-unknown'],
    [`ann@${OTHER}`, 'host-unknown'],
    [BOT, 'conflict'],
  ])('a component for "%s" is refused with %s', async (domain, error) => {
    await using component = await open(domain)
    expect(await component.streamError()).toBe(error)
    expect(component.header).toBeDefined()
  })

  test('a header of another namespace is refused', async () => {
    await using component = await open(OTHER, 'jabber:client')
    expect(await component.streamError()).toBe('invalid-namespace')
  })

  test.each([
    ['another secret', async (component: TestComponent) => component.shakeHands('wrong')],
    ['an empty handshake', async (component: TestComponent) => component.sends('<handshake/>')],
    [
      'a stanza before it',
      async (component: TestComponent) =>
        component.sends(`<message from='${OTHER}' to='ann@localhost'><body>x</body></message>`),
    ],
  ])('%s is not authorized', async (_, act) => {
    await using component = await open(OTHER)
    await act(component)
    expect(await component.streamError()).toBe('not-authorized')
  })

  test('of two that shake hands for one domain the second conflicts', async () => {
    await using first = await open(OTHER)
    await using second = await open(OTHER)
    const secret = await relay.componentSecret(OTHER)
    await first.shakeHands(secret)
    await first.next(({ name }) => name === 'handshake')
    await second.shakeHands(secret)
    expect(await second.streamError()).toBe('conflict')
    await first.close()
  })

  test('a handshake that does not end is refused before it is large', async () => {
    await using component = await open(OTHER)
    component.sends(`<handshake>${'a'.repeat(20_000)}`)
    expect(await component.streamError()).toBe('policy-violation')
  })
})

describe('stanzas of a component', () => {
  const trusted = async (xml: string) => {
    await using component = await relay.component(OTHER)
    component.sends(xml)
    return await component.streamError()
  }

  test.each([
    [`<message to='ann@localhost'/>`, 'invalid-from'],
    [`<message from='ann@localhost' to='ann@localhost'/>`, 'invalid-from'],
    [`<message from='ann@${BOT}' to='ann@localhost'/>`, 'invalid-from'],
    [`<message from='x@sub.${OTHER}' to='ann@localhost'/>`, 'invalid-from'],
    [`<message from='${OTHER}'/>`, 'improper-addressing'],
    [`<message from='${OTHER}' to='@@'/>`, 'improper-addressing'],
    [`<route from='${OTHER}' to='ann@localhost'/>`, 'unsupported-stanza-type'],
    [`<message xmlns='jabber:client' from='${OTHER}' to='ann@localhost'/>`, 'unsupported-stanza-type'],
  ])('%s ends the stream', async (xml, error) => {
    expect(await trusted(xml)).toBe(error)
  })

  test('whoever it likes within its domain writes to an account, encrypted', async () => {
    bot.sends(omemo('ann@localhost', 'b1').replace('<message', `<message from='any@${BOT}/thing'`))
    const got = await ann.next(message('b1'))
    expect(got.ns).toBe('jabber:client')
    expect(got.attrs['from']).toBe(`any@${BOT}/thing`)
  })

  test('plaintext of a component is refused as everybody’s is', async () => {
    bot.sends(`<message from='${BOT}' to='ann@localhost' id='b2'><body>Hi</body></message>`)
    expect(condition(await bot.next(message('b2')))).toBe('policy-violation')
    await ann.receivesNothing()
  })

  test('it waits for a device that is away', async () => {
    const ben = await relay.client('ben', { resource: 'desk' })
    await ben.available()
    await ben.close()
    bot.sends(omemo('ben@localhost', 'b3').replace('<message', `<message from='${BOT}'`))
    await bot.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')
    const again = await relay.client('ben', { resource: 'desk' })
    await again.available()
    expect((await again.message()).attrs['id']).toBe('b3')
  })

  test('accounts that are none, and blocked ones, answer alike', async () => {
    await ann.request('set', `<block xmlns='urn:xmpp:blocking'><item jid='foe@${BOT}'/></block>`)
    for (const [from, to, id] of [
      [`foe@${BOT}`, 'ann@localhost', 'b4'],
      [BOT, 'nobody@localhost', 'b5'],
    ] as const) {
      bot.sends(omemo(to, id).replace('<message', `<message from='${from}'`))
      expect(condition(await bot.next(message(id)))).toBe('service-unavailable')
    }
  })

  test('domains that nobody speaks for are not found; another component is reached', async () => {
    bot.sends(omemo('x@elsewhere.example', 'b6').replace('<message', `<message from='${BOT}'`))
    expect(condition(await bot.next(message('b6')))).toBe('remote-server-not-found')
    await using other = await relay.component(OTHER)
    bot.sends(omemo(`x@${OTHER}`, 'b7').replace('<message', `<message from='${BOT}'`))
    expect((await other.next(message('b7'))).attrs['from']).toBe(BOT)
    await other.close()
  })

  test('it may ask the server what it is and whether it is there, and nothing else', async () => {
    const info = await bot.request(
      'get',
      `<query xmlns='http://jabber.org/protocol/disco#info'/>`,
      'localhost',
    )
    expect(String(info)).toContain(`category='server'`)
    expect((await bot.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')).attrs['type']).toBe(
      'result',
    )
    for (const [type, payload, to] of [
      ['get', `<query xmlns='jabber:iq:roster'/>`, 'ann@localhost'],
      ['get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, 'ann@localhost'],
      ['get', `<vCard xmlns='vcard-temp'/>`, 'nobody@localhost'],
      ['set', `<command xmlns='http://jabber.org/protocol/commands' node='x'/>`, 'localhost'],
      ['get', `<ping xmlns='urn:xmpp:ping'/>`, 'ann@localhost/away'],
    ] as const)
      expect(condition(await bot.request(type, payload, to))).toBe('service-unavailable')
  })

  test('requests to a session and their answers go both ways', async () => {
    const asked = bot.request('get', `<y xmlns='urn:y'/>`, 'ann@localhost/phone')
    const request = await ann.next(({ name, attrs }) => name === 'iq' && attrs['from'] === BOT)
    ann.sends(`<iq type='result' id='${request.attrs['id']}' to='${BOT}'/>`)
    expect((await asked).attrs['from']).toBe('ann@localhost/phone')
    const answered = ann.request('get', `<x xmlns='urn:x'/>`, BOT)
    const query = await bot.next(({ name, attrs }) => name === 'iq' && attrs['type'] === 'get')
    expect(query.elements()[0]?.ns).toBe('urn:x')
    bot.answer(query)
    expect((await answered).attrs['from']).toBe(BOT)
  })

  test('directed presence goes both ways, and leaves with the session; subscriptions are not taken', async () => {
    const cleo = await relay.client('cleo', { resource: 'desk' })
    await cleo.available()
    cleo.sends(`<presence to='room@${BOT}'><show>away</show></presence>`)
    await bot.next(({ name, attrs }) => name === 'presence' && attrs['from'] === 'cleo@localhost/desk')
    bot.sends(`<presence from='room@${BOT}/x' to='cleo@localhost/desk'/>`)
    await cleo.next(({ name, attrs }) => name === 'presence' && attrs['from'] === `room@${BOT}/x`)
    bot.sends(`<presence from='room@${BOT}' to='cleo@localhost' type='subscribe' id='s1'/>`)
    expect(condition(await bot.next(({ attrs }) => attrs['id'] === 's1'))).toBe('feature-not-implemented')
    cleo.sends(`<presence to='room@${BOT}' type='subscribe' id='s2'/>`)
    expect(condition(await cleo.next(({ attrs }) => attrs['id'] === 's2'))).toBe('feature-not-implemented')
    await cleo.close()
    await bot.next(({ name, attrs }) => name === 'presence' && attrs['type'] === 'unavailable')
  })
})

describe('stanzas for a component', () => {
  test('a message is handed over, encrypted, and copied to the sender’s other devices', async () => {
    const desk = await relay.client('ann', { resource: 'desk' })
    await desk.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
    await desk.available()
    await settle(ann, desk)
    ann.sends(omemo(`any@${BOT}/x`, 'a1'))
    const got = await bot.next(message('a1'))
    expect(got.ns).toBe('jabber:component:accept')
    expect(got.attrs['from']).toBe('ann@localhost/phone')
    expect(String(await desk.message())).toContain(`<sent xmlns='urn:xmpp:carbons:2'>`)
    await desk.close()
  })

  test('plaintext is refused', async () => {
    ann.sends(PLAIN)
    expect(condition(await ann.next(message('p')))).toBe('policy-violation')
  })

  test('one that is away is told from one that is none', async () => {
    for (const [to, id, error] of [
      [OTHER, 'a2', 'remote-server-timeout'],
      ['none.localhost', 'a3', 'remote-server-not-found'],
    ] as const) {
      ann.sends(omemo(`x@${to}`, id))
      expect(condition(await ann.next(message(id)))).toBe(error)
      expect(condition(await ann.request('get', `<x xmlns='urn:x'/>`, to))).toBe(error)
    }
    ann.sends(`<presence to='x@${OTHER}'/>`)
    await settle(ann)
  })

  test('one that does not read is told apart before memory grows', async () => {
    await using other = await relay.component(OTHER)
    other.pauseReading()
    const big = 'c2VhbGVk'.repeat(25_000)
    let refused: Element | undefined
    for (let count = 0; !refused && count < 200; count++) {
      ann.sends(omemo(`x@${OTHER}`, `big${count}`, big))
      await ann.ping()
      refused = ann.inbox.find((each) => each.attrs['type'] === 'error')
    }
    expect(refused && condition(refused)).toBe('resource-constraint')
    ann.inbox.length = 0
  })

  test('the server lists those that are here', async () => {
    const list = async () => {
      const answer = await ann.request(
        'get',
        `<query xmlns='http://jabber.org/protocol/disco#items'/>`,
        'localhost',
      )
      return answer
        .elements()[0]
        ?.elements()
        .map(({ attrs }) => attrs['jid'])
    }
    await expect.poll(list).not.toContain(OTHER)
    expect(await list()).toContain(BOT)
  })

  test('after a restart of the server it connects again with the same secret', async () => {
    const secret = await relay.componentSecret(BOT)
    await relay.restart()
    expect(await bot.streamError()).toBe('system-shutdown')
    bot = await TestComponent.connect(relay.componentPort, BOT, secret)
    ann = await relay.client('ann', { resource: 'phone' })
    await ann.available()
    ann.sends(omemo(BOT, 'a4'))
    await bot.next(message('a4'))
  })
})

test('nobody connects from a network that is not named', async () => {
  await using closed = await startRelay({
    components: { domains: [BOT], port: 0, networks: { include: () => false }, secretsDir: '' },
  })
  await using component = await TestComponent.open(closed.componentPort, BOT)
  expect(await component.streamError()).toBe('policy-violation')
})

test('one whose host vanished without a word is asked whether it is there, then gone, and its name is free', async () => {
  const components = { domains: [BOT], port: 0, networks: { include: () => true }, secretsDir: '' }
  const clock = createSkippableClock()
  await using watchful = await startRelay({ components }, {}, { ownClock: clock })
  const client = await watchful.client('ann')
  const isPing = (each: Element) => each.name === 'iq' && each.child('ping', 'urn:xmpp:ping') !== undefined
  const silence = () => clock.skip(30_000)
  const vanished = await watchful.component(BOT)
  silence() // it had just shaken hands
  silence()
  const ping = await vanished.next(isPing)
  expect(ping.attrs).toMatchObject({ type: 'get', from: 'localhost', to: BOT })
  vanished.refuse(ping, 'cancel', 'feature-not-implemented') // a sign of life like any
  await vanished.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost') // it was read
  silence()
  silence()
  await vanished.next(isPing)
  silence()
  expect(await vanished.streamError()).toBe('connection-timeout')
  client.sends(omemo(`thing@${BOT}`, 'v1'))
  expect(condition(await client.next(message('v1')))).toBe('remote-server-timeout')
  await using again = await watchful.component(BOT)
  client.sends(omemo(`thing@${BOT}`, 'v2'))
  await again.next(message('v2'))
})
