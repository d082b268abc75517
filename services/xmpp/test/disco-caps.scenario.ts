import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Element } from '@sealpost/stanza'
import { arrive, befriend, condition } from './friends.ts'
import { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const CAPS = 'http://jabber.org/protocol/caps'
let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

function askInfo(client: TestClient, to?: string, node?: string): Promise<Element> {
  return client.request('get', `<query xmlns='${INFO}'${node === undefined ? '' : ` node='${node}'`}/>`, to)
}

function partsOf(answer: Element): string[] {
  const parts = answer.child('query', INFO)?.elements() ?? []
  return parts
    .filter(({ ns }) => ns === INFO)
    .map(({ attrs }) => attrs['var'] ?? [attrs['category'], attrs['type'], attrs['name']].join('/'))
}

describe('XEP-0030', () => {
  test('§3: the server', async () => {
    const client = await relay.client('alice')
    const parts = partsOf(await askInfo(client, 'localhost'))
    expect(parts[0]).toBe('server/im/Sealpost')
    expect(parts).toEqual(expect.arrayContaining([INFO, ITEMS, 'urn:xmpp:ping', CAPS]))
    expect(new Set(parts).size).toBe(parts.length)
    expect(parts).not.toContain('urn:xmpp:mam:2')
    const items = await client.request('get', `<query xmlns='${ITEMS}'/>`, 'localhost')
    const jids = items
      .child('query', ITEMS)
      ?.elements()
      .map(({ attrs }) => attrs['jid'])
    expect(jids).toEqual(['localhost', 'groups.localhost'])
  })

  test('§7: unknown nodes', async () => {
    const client = await relay.client('alice')
    expect(condition(await askInfo(client, 'localhost', 'urn:nothing'))).toBe('item-not-found')
    expect(condition(await askInfo(client, client.bare, 'urn:nothing'))).toBe('item-not-found')
    const items = await client.request('get', `<query xmlns='${ITEMS}' node='x'/>`, 'localhost')
    expect(condition(items)).toBe('item-not-found')
  })

  test('the own account', async () => {
    const client = await relay.client('alice')
    for (const to of [undefined, client.bare]) {
      const parts = partsOf(await askInfo(client, to))
      expect(parts.slice(0, 2)).toEqual(['account/registered/', 'pubsub/pep/'])
      expect(parts).toEqual(
        expect.arrayContaining([INFO, ITEMS, 'http://jabber.org/protocol/pubsub#publish-options']),
      )
    }
  })

  test('§8: another account is described to its subscribers; to strangers it looks like nobody', async () => {
    const [bob, carol, eve] = [
      await relay.client('bob'),
      await relay.client('carol'),
      await relay.client('eve'),
    ]
    await arrive(bob)
    await arrive(carol)
    await befriend(bob, carol)
    expect(partsOf(await askInfo(bob, carol.bare))[0]).toBe('account/registered/')
    const answers = []
    for (const to of [carol.bare, 'nobody@localhost']) {
      for (const node of [undefined, 'urn:x']) {
        answers.push((await askInfo(eve, to, node)).child('error')?.toString())
        const ns = `<query xmlns='${ITEMS}'${node ? ` node='${node}'` : ''}/>`
        answers.push((await eve.request('get', ns, to)).child('error')?.toString())
      }
    }
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('service-unavailable')
  })
})

test('XEP-0115 §6.3: the hash in the stream features is that of what the server answers', async () => {
  const client = await relay.client('alice')
  const answer = await askInfo(client, 'localhost')
  const parts = partsOf(answer)
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  // XEP-0115 §5.1 7: the type of each form, then its fields with their values.
  const forms = (answer.child('query', INFO)?.childrenNamed('x', 'jabber:x:data') ?? []).map((form) => {
    const fields = form.childrenNamed('field').map((field) => {
      const values = field.childrenNamed('value').map((value) => value.text())
      return [field.attrs['var'] ?? '', ...values.toSorted(byBytes)]
    })
    const type = fields.find(([name]) => name === 'FORM_TYPE')?.[1] ?? ''
    const others = fields.filter(([name]) => name !== 'FORM_TYPE')
    return [type, ...others.toSorted(([a = ''], [b = '']) => byBytes(a, b)).flat()]
  })
  expect(forms.length).toBe(3)
  const sortedForms = forms.toSorted(([a = ''], [b = '']) => byBytes(a, b)).flat()
  const string = ['server/im//Sealpost', ...parts.slice(1).toSorted(byBytes), ...sortedForms]
    .map((part) => `${part}<`)
    .join('')
  const ver = createHash('sha1').update(string).digest('base64')
  await using fresh = await TestClient.connect({ port: relay.port })
  const features: string[] = []
  void fresh
    .next((each) => {
      features.push(String(each))
      return false
    })
    .catch(() => undefined)
  await fresh.authenticate({ port: relay.port, username: 'alice', password: 'secret' })
  expect(features.at(-1)).toContain(
    `<c xmlns='${CAPS}' hash='sha-1' node='urn:sealpost:server' ver='${ver}'/>`,
  )
  expect(partsOf(await askInfo(client, 'localhost', `urn:sealpost:server#${ver}`))).toEqual(parts)
})

describe('XEP-0115: what clients can do', () => {
  const identity = `<identity category='client' type='pc' name='Test'/>`
  const ver = (...features: string[]) =>
    createHash('sha1')
      .update(['client/pc//Test', ...features.toSorted()].map((part) => `${part}<`).join(''))
      .digest('base64')
  const announce = (client: TestClient, hash: string, algorithm = 'sha-1') =>
    client.sends(
      `<presence><c xmlns='${CAPS}' hash='${algorithm}' node='urn:test' ver='${hash}'/></presence>`,
    )
  const isQuestion = (each: Element) => each.name === 'iq' && each.child('query', INFO) !== undefined
  const answer = async (client: TestClient, hash: string, ...features: string[]) => {
    const question = await client.next(isQuestion)
    expect(question.attrs).toMatchObject({ type: 'get', from: 'localhost', to: client.jid })
    const query = question.child('query', INFO)
    expect(query?.attrs['node']).toBe(`urn:test#${hash}`)
    const inner = features.map((feature) => `<feature var='${feature}'/>`).join('')
    client.sends(
      `<iq type='result' to='localhost' id='${question.attrs['id']}'><query xmlns='${INFO}' node='urn:test#${hash}'>${identity}${inner}</query></iq>`,
    )
  }
  /** Publishes to the client's own node, and tells whether the client is notified. */
  const isNotified = async (client: TestClient, node: string) => {
    const item = `<item id='current'><x xmlns='urn:x'/></item>`
    await client.ping()
    client.inbox.length = 0
    await client.request(
      'set',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'>${item}</publish></pubsub>`,
    )
    await client.ping()
    return client.inbox.some((each) => each.name === 'message')
  }

  test('§6.2: one session is asked for each hash, and its answer holds for all with that hash', async () => {
    const hash = ver('urn:one+notify')
    const a = await relay.client('caps1')
    announce(a, hash)
    await answer(a, hash, 'urn:one+notify')
    await a.ping()
    const b = await relay.client('caps2')
    announce(b, hash)
    await b.ping()
    expect(b.inbox.filter(isQuestion)).toEqual([])
    expect(await isNotified(a, 'urn:one')).toBe(true)
    expect(await isNotified(b, 'urn:one')).toBe(true)
    expect(await isNotified(b, 'urn:two')).toBe(false)
  })

  test('§8.4: a forged answer speaks for its sender only', async () => {
    const hash = ver('urn:one+notify', 'urn:three+notify')
    const forger = await relay.client('caps3')
    announce(forger, hash)
    await answer(forger, hash, 'urn:forged+notify')
    expect(await isNotified(forger, 'urn:forged')).toBe(true)
    const honest = await relay.client('caps4')
    announce(honest, hash)
    await answer(honest, hash, 'urn:one+notify', 'urn:three+notify')
    expect(await isNotified(honest, 'urn:forged')).toBe(false)
    expect(await isNotified(honest, 'urn:three')).toBe(true)
  })

  test('clients that do not answer do not hold up those that do', async () => {
    const hash = ver('urn:slow+notify')
    for (let index = 0; index < 3; index++) announce(await relay.client(`mute${index}`), hash)
    const honest = await relay.client('caps5')
    announce(honest, hash)
    await answer(honest, hash, 'urn:slow+notify')
    expect(await isNotified(honest, 'urn:slow')).toBe(true)
  })

  test('an unknown hash function is answered for by each session itself', async () => {
    for (const name of ['caps6', 'caps7']) {
      const client = await relay.client(name)
      announce(client, 'whatever', 'sha-999')
      await answer(client, 'whatever', 'urn:own+notify')
      expect(await isNotified(client, 'urn:own')).toBe(true)
    }
  })

  test('new capabilities replace the old; unavailable ends them', async () => {
    const [one, two] = [ver('urn:one+notify'), ver('urn:two+notify', 'urn:x')]
    const client = await relay.client('caps8')
    announce(client, one)
    await client.ping()
    if (client.inbox.some(isQuestion)) await answer(client, one, 'urn:one+notify')
    announce(client, two)
    await answer(client, two, 'urn:two+notify', 'urn:x')
    expect(await isNotified(client, 'urn:one')).toBe(false)
    expect(await isNotified(client, 'urn:two')).toBe(true)
    client.sends(`<presence type='unavailable'/>`)
    expect(await isNotified(client, 'urn:two')).toBe(false)
  })

  test.each([
    [
      'an error',
      `type='error'`,
      `<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
    ],
    ['an empty result', `type='result'`, ''],
    ['another payload', `type='result'`, `<query xmlns='urn:other'/>`],
  ])('a client that answers with %s has no capabilities and stays', async (_, type, payload) => {
    const client = await relay.client('caps9')
    announce(client, Buffer.from(payload).toString('base64').slice(0, 27) + '=')
    const question = await client.next(isQuestion)
    client.sends(`<iq ${type} to='localhost' id='${question.attrs['id']}'>${payload}</iq>`)
    expect(await isNotified(client, 'urn:one')).toBe(false)
    await client.close()
  })

  test("somebody else's answer does not count", async () => {
    const hash = ver('urn:stolen+notify')
    const victim = await relay.client('caps10')
    announce(victim, hash)
    const question = await victim.next(isQuestion)
    const thief = await relay.client('caps11')
    thief.sends(
      `<iq type='result' to='localhost' id='${question.attrs['id']}'><query xmlns='${INFO}'>${identity}<feature var='urn:stolen+notify'/></query></iq>`,
    )
    await thief.ping()
    expect(await isNotified(victim, 'urn:stolen')).toBe(false)
  })
})

describe('XEP-0199: ping', () => {
  test('the server and the own account answer, no other account does', async () => {
    const client = await relay.client('alice')
    await relay.account('bob')
    const ping = (to?: string) => client.request('get', `<ping xmlns='urn:xmpp:ping'/>`, to)
    for (const to of [undefined, 'localhost', client.bare]) {
      const answer = await ping(to)
      expect([answer.attrs['type'], answer.elements()]).toEqual(['result', []])
    }
    for (const to of ['bob@localhost', 'nobody@localhost', 'bob@localhost/none']) {
      expect(condition(await ping(to))).toBe('service-unavailable')
    }
  })
})
