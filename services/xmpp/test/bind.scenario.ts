/** RFC 6120 §7, §8: binding, and what answers stanzas that cannot be routed. */
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { condition } from './friends.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'

const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const bind = (resource?: string) =>
  `<bind xmlns='${NS_BIND}'>${resource === undefined ? '' : `<resource>${resource}</resource>`}</bind>`

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
  await relay.account('alice')
})
afterAll(() => relay[Symbol.asyncDispose]())

async function authenticated(username = 'alice'): Promise<TestClient> {
  await relay.account(username)
  const options = { port: relay.port, username, password: 'secret' }
  const client = await TestClient.connect(options)
  await client.authenticate(options)
  return client
}

describe('RFC 6120 §7: binding', () => {
  test('it is offered after sign-in only', async () => {
    const client = await authenticated()
    expect(client.features?.child('bind', NS_BIND)).toBeDefined()
    expect(client.features?.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')).toBeUndefined()
    await client.close()
  })

  test('§7.6, §7.7: a resource of the server, or the client’s', async () => {
    const [one, two] = [await relay.client('alice'), await relay.client('alice')]
    expect(one.jid).toMatch(/^alice@localhost\/[\w-]{16}$/)
    expect(two.jid).not.toBe(one.jid)
    const own = await relay.client('alice', { resource: 'Balcony &amp; garden' })
    expect(own.jid).toBe('alice@localhost/Balcony & garden')
    for (const client of [one, two, own]) await client.close()
  })

  test('§7.7.2.1: a resource that is none is a bad request, and another try is free', async () => {
    const client = await authenticated()
    for (const resource of ['a&#10;b', 'r'.repeat(1_024), '\u{202e}x\u{0007}'.replace('\u{7}', '&#x7f;')])
      expect(condition(await client.request('set', bind(resource)))).toBe('bad-request')
    await client.bind('good')
    expect(client.jid).toBe('alice@localhost/good')
    await client.close()
  })

  test('§7.7.2.2: a second session of the same resource ends the first with conflict', async () => {
    const first = await relay.client('alice', { resource: 'same' })
    const second = await relay.client('alice', { resource: 'same' })
    expect(await first.streamError()).toBe('conflict')
    await first.ended()
    await second.ping()
    await second.close()
  })

  test('ten at once for one resource: exactly one stays', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => authenticated()))
    for (const client of clients) client.sendRaw(`<iq type='set' id='b'>${bind('race')}</iq>`)
    await expect.poll(() => clients.filter((client) => client.closed).length).toBe(9)
    const [alive] = clients.filter((client) => !client.closed)
    await alive?.ping()
    await alive?.close()
  })

  test('before it, no stanza is taken', async () => {
    for (const xml of [
      omemo('bob@localhost', 'm'),
      '<presence/>',
      `<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>`,
      `<iq type='get' id='1'>${bind()}</iq>`,
      `<iq type='result' id='1'/>`,
    ]) {
      const client = await authenticated()
      client.sendRaw(xml)
      expect(await client.streamError()).toMatch(/^(not-authorized|unsupported-stanza-type)$/)
      await client.ended()
    }
  })

  test('a second one is refused; the session of RFC 3921 is granted', async () => {
    const client = await relay.client('alice')
    expect((await client.request('set', bind())).attrs['type']).toBe('error')
    const session = `<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>`
    expect((await client.request('set', session)).attrs['type']).toBe('result')
    await client.close()
  })

  test('two in one packet make one session', async () => {
    const client = await authenticated()
    client.sendRaw(`<iq type='set' id='b1'>${bind('x')}</iq><iq type='set' id='b2'>${bind('y')}</iq>`)
    expect((await client.next((each) => each.attrs['id'] === 'b1')).attrs['type']).toBe('result')
    expect((await client.next((each) => each.attrs['id'] === 'b2')).attrs['type']).toBe('error')
    await client.close()
  })

  test('a connection that is gone while it binds leaves no session behind', async () => {
    for (let turn = 0; turn < 20; turn++) {
      const client = await authenticated('ghost')
      client.sendRaw(`<iq type='set' id='b'>${bind()}</iq>`)
      await client.drop()
    }
    const clients = []
    for (let index = 0; index < 20; index++) clients.push(await relay.client('ghost')) // the bound of sessions
    for (const client of clients) await client.close()
  })

  test('an account suspended between sign-in and binding gets no session', async () => {
    const client = await authenticated('late')
    await relay.accounts.suspend(parseJid('late@localhost'), 'test')
    client.sendRaw(`<iq type='set' id='b'>${bind()}</iq>`)
    expect(await client.streamError()).toBe('not-authorized')
    await client.ended()
  })
})

describe('RFC 6120 §8: addresses and requests', () => {
  let client: TestClient
  beforeAll(async () => {
    client = await relay.client('router', { resource: 'r' })
  })

  test.each([
    ['somebody else', 'bob@localhost'],
    ['another domain', 'router@example.org'],
    ['another resource', 'router@localhost/other'],
    ['the server', 'localhost'],
    ['no address', '@@'],
  ])('§8.1.2.1: from %s ends the stream with invalid-from, and nothing is delivered', async (_what, from) => {
    const bob = await relay.client('bob')
    await bob.available()
    const forger = await relay.client('router', { resource: 'forger' })
    forger.sendRaw(omemo(bob.bare, 'forged').replace('<message', `<message from='${from}'`))
    expect(await forger.streamError()).toBe('invalid-from')
    await forger.ended()
    await bob.receivesNothing()
    await bob.close()
  })

  test('one’s own address, bare or full, may be written', async () => {
    for (const from of ['router@localhost', 'router@localhost/r', 'ROUTER@localhost/r']) {
      client.sendRaw(`<iq type='get' id='f' from='${from}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      expect((await client.next((each) => each.attrs['id'] === 'f')).attrs['type']).toBe('result')
    }
  })

  test.each([
    '@localhost',
    'a b@localhost',
    'alice@',
    'alice@localhost/',
    'a@b@c',
    `${'a'.repeat(1_024)}@localhost`,
  ])('§8.3.3.8: to %j is jid-malformed', async (to) => {
    for (const xml of [
      omemo(to, 'x'),
      `<presence to='${to}' id='x'/>`,
      `<iq type='get' id='x' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    ]) {
      client.sendRaw(xml)
      expect(condition(await client.next((each) => each.attrs['id'] === 'x'))).toBe('jid-malformed')
    }
  })

  test('§8.2.3: requests that are none', async () => {
    for (const [xml, expected] of [
      [`<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>`, 'bad-request'],
      [`<iq id='x'><ping xmlns='urn:xmpp:ping'/></iq>`, 'bad-request'],
      [`<iq type='fetch' id='x'><ping xmlns='urn:xmpp:ping'/></iq>`, 'bad-request'],
      [`<iq type='get' id='x'/>`, 'bad-request'],
      [`<iq type='get' id='x'>text</iq>`, 'bad-request'],
      [
        `<iq type='get' id='x'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>`,
        'bad-request',
      ],
      [`<iq type='get' id='x'><anything xmlns='urn:x'/></iq>`, 'service-unavailable'],
      [`<iq type='set' id='x'><ping xmlns='urn:xmpp:ping'/></iq>`, 'service-unavailable'],
      [`<iq type='get' id='x' to='nobody@localhost'><anything xmlns='urn:x'/></iq>`, 'service-unavailable'],
      [
        `<iq type='get' id='x' to='alice@localhost/gone'><anything xmlns='urn:x'/></iq>`,
        'service-unavailable',
      ],
      [
        `<iq type='get' id='x' to='elsewhere.example'><ping xmlns='urn:xmpp:ping'/></iq>`,
        'remote-server-not-found',
      ],
      [
        `<iq type='get' id='x' to='a@elsewhere.example/b'><ping xmlns='urn:xmpp:ping'/></iq>`,
        'remote-server-not-found',
      ],
    ] as const) {
      client.sendRaw(xml)
      const answer = await client.next((each) => each.name === 'iq')
      expect(answer.attrs['type'], xml).toBe('error')
      expect(condition(answer), xml).toBe(expected)
    }
  })

  test('answers to nothing are dropped; an error is never answered', async () => {
    for (const type of ['result', 'error']) {
      for (const to of ['', `to='localhost'`, `to='nobody@localhost/x'`, `to='a@elsewhere.example'`])
        client.sendRaw(`<iq type='${type}' id='x' ${to}/>`)
    }
    client.sendRaw(`<message type='error' id='x' to='nobody@localhost'><error type='cancel'/></message>`)
    client.sendRaw(`<message type='error' id='x' to='@@'><error type='cancel'/></message>`)
    client.sendRaw(`<presence type='error' to='nobody@localhost'/>`)
    await client.receivesNothing()
  })

  test('R14: nobody, a suspended and a terminated account answer alike', async () => {
    for (const name of ['asleep', 'gone']) await relay.account(name)
    await relay.accounts.suspend(parseJid('asleep@localhost'), 'test')
    await relay.accounts.terminate(parseJid('gone@localhost'))
    const answers = []
    for (const name of ['nobody', 'asleep', 'gone']) {
      client.sendRaw(omemo(`${name}@localhost`, 'x'))
      const answer = String(await client.message())
      answers.push(answer.replaceAll(name, 'NAME'))
    }
    expect(answers[0]).toContain('service-unavailable')
    expect(new Set(answers).size).toBe(1)
  })

  test('another domain: remote-server-not-found', async () => {
    client.sendRaw(omemo('bob@elsewhere.example', 'x'))
    expect(condition(await client.message())).toBe('remote-server-not-found')
    client.sendRaw(`<presence type='subscribe' id='x' to='bob@elsewhere.example'/>`)
    expect(condition(await client.next((each) => each.attrs['id'] === 'x'))).toBe('remote-server-not-found')
  })

  test('an element that is no stanza ends the stream', async () => {
    for (const xml of [`<x xmlns='urn:x'/>`, '<query/>', `<message xmlns='jabber:server'/>`]) {
      const each = await relay.client('alice')
      each.sendRaw(xml)
      expect(await each.streamError()).toBe('unsupported-stanza-type')
      await each.ended()
    }
  })
})
