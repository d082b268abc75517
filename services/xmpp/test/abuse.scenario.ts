/** Floods of questions and of presence, and questions about people: what is answered, and what is not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestClient } from './client.ts'
import { arrive, befriend, condition, settle } from './friends.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'

let relay: RelayFixture
let ann: TestClient
let ben: TestClient
let eve: TestClient
beforeAll(async () => {
  relay = await startRelay()
  ann = await relay.client('ann', { resource: 'phone' })
  ben = await relay.client('ben')
  eve = await relay.client('eve')
  for (const client of [ann, ben, eve]) await arrive(client)
  await befriend(ann, ben)
})
afterAll(() => relay[Symbol.asyncDispose]())

describe('what is asked about people', () => {
  const time = `<time xmlns='urn:xmpp:time'/>` // XEP-0202
  const last = `<query xmlns='jabber:iq:last'/>` // XEP-0012
  const version = `<query xmlns='jabber:iq:version'/>` // XEP-0092

  test.each([
    ['XEP-0202', time],
    ['XEP-0012', last],
    ['XEP-0092', version],
  ])(
    '%s: the server says it of nobody, neither to friends nor to strangers, nor of itself',
    async (_, query) => {
      for (const client of [ben, eve])
        for (const to of ['localhost', ann.bare, 'nobody@localhost', `${ann.bare}/gone`])
          expect([to, condition(await client.request('get', query, to))]).toEqual([to, 'service-unavailable'])
      expect(condition(await ann.request('get', query, ann.bare))).toBe('service-unavailable')
      await ann.receivesNothing()
    },
  )

  test('a device that somebody knows by its full address answers for itself', async () => {
    const asked = ben.request('get', time, ann.jid)
    const request = await ann.next(({ name, attrs }) => name === 'iq' && attrs['from'] === ben.jid)
    ann.sends(
      `<iq type='error' id='${request.attrs['id']}' to='${ben.jid}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    )
    expect(condition(await asked)).toBe('service-unavailable')
  })
})

describe('a device that is here, asked by somebody who has guessed its full address', () => {
  test.each([
    ['its time (XEP-0202)', `<time xmlns='urn:xmpp:time'/>`],
    ['how long it is idle (XEP-0012)', `<query xmlns='jabber:iq:last'/>`],
    ['its program (XEP-0092)', `<query xmlns='jabber:iq:version'/>`],
  ])('%s: answered as if it were not here', async (_what, query) => {
    const [here, gone] = [
      await eve.request('get', query, ann.jid),
      await eve.request('get', query, `${ann.bare}/gone`),
    ]
    expect(condition(here)).toBe('service-unavailable')
    expect(here.innerXml()).toBe(gone.innerXml())
    await ann.receivesNothing()
  })

  test('whom it has shown itself to may ask', async () => {
    ann.sends(`<presence to='${eve.jid}'/>`)
    await eve.next(({ name, attrs }) => name === 'presence' && attrs['from'] === ann.jid)
    const asked = eve.request('get', `<time xmlns='urn:xmpp:time'/>`, ann.jid)
    const { attrs } = await ann.next(({ name, attrs: { from } }) => name === 'iq' && from === eve.jid)
    ann.sends(`<iq type='result' id='${attrs['id']}' to='${eve.jid}'/>`)
    expect((await asked).attrs['type']).toBe('result')
    ann.sends(`<presence type='unavailable' to='${eve.jid}'/>`)
    await eve.next(({ name, attrs: { type } }) => name === 'presence' && type === 'unavailable')
  })
})

describe('floods', () => {
  test('of service discovery, with nodes that are none, long, or full of markup: each is answered alike', async () => {
    const nodes = [
      'x',
      'n'.repeat(20_000),
      '&lt;query/&gt;',
      '../..',
      'http://jabber.org/protocol/commands#x',
    ]
    for (let round = 0; round < 40; round++) {
      for (const [index, node] of nodes.entries()) {
        for (const [place, ns] of [INFO, ITEMS].entries())
          eve.sends(
            `<iq type='get' id='d${round}-${index}-${place}' to='localhost'><query xmlns='${ns}' node='${node}'/></iq>`,
          )
      }
    }
    for (let round = 0; round < 40; round++) {
      for (const index of nodes.keys()) {
        for (const place of [0, 1]) {
          const id = `d${round}-${index}-${place}`
          expect(condition(await eve.next(({ attrs }) => attrs['id'] === id))).toBe('item-not-found')
        }
      }
    }
    await ben.ping()
  })

  test('of capabilities that nobody has seen: the server asks about few at a time', async () => {
    await settle(eve)
    for (let count = 0; count < 60; count++)
      eve.sends(
        `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:t' ver='${Buffer.from(`unknown ${count}`).toString('base64')}'/></presence>`,
      )
    await eve.ping()
    await eve.ping()
    const questions = eve.inbox.filter(({ attrs, name }) => name === 'iq' && attrs['type'] === 'get')
    expect(questions.length).toBeGreaterThan(0)
    expect(questions.length).toBeLessThanOrEqual(16)
    eve.inbox.length = 0
    await ben.ping()
  })

  test(
    'of roster changes: a list ends at 1,000, is pushed in order, and others do not notice',
    { timeout: 180_000 },
    async () => {
      const hoarder = await relay.client('hoarder')
      await arrive(hoarder)
      for (let count = 0; count < 1_050; count++)
        hoarder.sends(
          `<iq type='set' id='r${count}'><query xmlns='jabber:iq:roster'><item jid='c${count}@localhost'/></query></iq>`,
        )
      await ben.ping()
      const answers = []
      for (let count = 0; count < 1_050; count++)
        answers.push((await hoarder.next(({ attrs }) => attrs['id'] === `r${count}`, 30_000)).attrs['type'])
      expect(answers.filter((type) => type === 'result')).toHaveLength(1_000)
      expect(answers.slice(1_000).every((type) => type === 'error')).toBe(true)
      const pushed = hoarder.inbox
        .filter(({ attrs, name }) => name === 'iq' && attrs['type'] === 'set')
        .map((each) => each.elements()[0]?.elements()[0]?.attrs['jid'])
      expect(pushed).toEqual(Array.from({ length: 1_000 }, (_, index) => `c${index}@localhost`))
      await hoarder.close()
    },
  )

  test('of presence to everybody: refused after a burst, and leaving never is', async () => {
    const crier = await relay.client('crier')
    await arrive(crier)
    for (let count = 0; count < 250; count++)
      crier.sends(`<presence id='p${count}'><show>away</show></presence>`)
    await crier.ping()
    const refused = crier.inbox.filter(({ name, attrs }) => name === 'presence' && attrs['type'] === 'error')
    expect(refused.length).toBeGreaterThan(40)
    expect(refused.map(condition)).toEqual(refused.map(() => 'resource-constraint'))
    crier.sends(`<presence type='unavailable' id='bye'/>`)
    await settle(crier)
    expect(crier.inbox.filter(({ attrs }) => attrs['id'] === 'bye' && attrs['type'] === 'error')).toEqual([])
    await crier.close()
  })
})
