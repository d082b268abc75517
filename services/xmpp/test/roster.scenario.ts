import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import type { Element } from '@sealpost/stanza'
import { arrive, befriend, condition, settle } from './friends.ts'
import { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const NS = 'jabber:iq:roster'
let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

function setRoster(client: TestClient, inner: string, to?: string): Promise<Element> {
  return client.request('set', `<query xmlns='${NS}'>${inner}</query>`, to)
}

async function readItems(client: TestClient): Promise<string[]> {
  const answer = await client.request('get', `<query xmlns='${NS}'/>`)
  return (
    answer
      .child('query', NS)
      ?.elements()
      .map((item) => item.toString(NS)) ?? []
  )
}

describe('RFC 6121 §2: roster', () => {
  test('a new roster is empty; an item is pushed to interested resources only, and kept', async () => {
    const desk = await relay.client('romeo', { resource: 'desk' })
    const phone = await relay.client('romeo', { resource: 'phone' })
    expect(await readItems(desk)).toEqual([])
    const item = `<item jid='nurse@example.org' name='Nurse &amp; co'><group>Servants</group></item>`
    desk.sends(`<iq type='set' id='s1'><query xmlns='${NS}'>${item}</query></iq>`)
    const shown = `<item jid='nurse@example.org' name='Nurse &amp; co' subscription='none'><group>Servants</group></item>`
    await desk.receives(
      `<iq type='set' id='{any}' to='${desk.jid}'><query xmlns='${NS}' ver='1'>${shown}</query></iq>`,
    )
    await desk.receives(`<iq type='result' id='s1' {any}/>`)
    await phone.receivesNothing()
    expect(await readItems(phone)).toEqual([shown])
  })

  test('§2.4, §2.5: update and remove; removing what is not there is item-not-found', async () => {
    const client = await relay.client('mercutio')
    await setRoster(client, `<item jid='a@example.org' name='A'/>`)
    await setRoster(client, `<item jid='A@EXAMPLE.ORG/home' name='B' subscription='both' ask='subscribe'/>`)
    expect(await readItems(client)).toEqual([`<item jid='a@example.org' name='B' subscription='none'/>`])
    client.sends(
      `<iq type='set' id='r1'><query xmlns='${NS}'><item jid='a@example.org' subscription='remove'/></query></iq>`,
    )
    await client.receives(
      `<iq type='set' {any}><query xmlns='${NS}' ver='3'><item jid='a@example.org' subscription='remove'/></query></iq>`,
    )
    await client.receives(`<iq type='result' id='r1' {any}/>`)
    expect(condition(await setRoster(client, `<item jid='a@example.org' subscription='remove'/>`))).toBe(
      'item-not-found',
    )
  })

  test.each([
    ['no item', '', 'bad-request'],
    ['two items', `<item jid='a@b.org'/><item jid='c@b.org'/>`, 'bad-request'],
    ['something else', `<thing jid='a@b.org'/>`, 'bad-request'],
    ['no JID', `<item name='x'/>`, 'bad-request'],
    ['a bad JID', `<item jid='a b@c'/>`, 'jid-malformed'],
    ['the own JID', `<item jid='tybalt@localhost'/>`, 'not-allowed'],
    ['a group twice', `<item jid='a@b.org'><group>x</group><group>x</group></item>`, 'bad-request'],
    ['an empty group', `<item jid='a@b.org'><group/></item>`, 'not-acceptable'],
    ['a long group', `<item jid='a@b.org'><group>${'x'.repeat(1024)}</group></item>`, 'not-acceptable'],
    ['a long name', `<item jid='a@b.org' name='${'ü'.repeat(512)}'/>`, 'not-acceptable'],
    ['51 groups', `<item jid='a@b.org'>${manyGroups(51)}</item>`, 'not-acceptable'],
  ])('§2.3.3: %s', async (_, inner, expected) => {
    const client = await relay.client('tybalt')
    expect(condition(await setRoster(client, inner))).toBe(expected)
    expect(await readItems(client)).toEqual([])
  })

  test('an item as large as allowed is accepted', async () => {
    const client = await relay.client('paris')
    const answer = await setRoster(
      client,
      `<item jid='a@b.org' name='${'x'.repeat(1023)}'>${manyGroups(50)}</item>`,
    )
    expect(answer.attrs['type']).toBe('result')
  })

  test("§2.1: nobody else's roster, whether the account exists or not", async () => {
    const client = await relay.client('tybalt')
    await relay.account('paris')
    for (const to of ['paris@localhost', 'nobody@localhost']) {
      const get = await client.request('get', `<query xmlns='${NS}'/>`, to)
      const set = await setRoster(client, `<item jid='x@b.org'/>`, to)
      expect([condition(get), condition(set)]).toEqual(['service-unavailable', 'service-unavailable'])
    }
  })

  test('§2.6: the known version gets an empty result, any other the roster with its version', async () => {
    const client = await relay.client('benvolio')
    await setRoster(client, `<item jid='a@b.org'/>`)
    const get = (ver: string) => client.request('get', `<query xmlns='${NS}' ver='${ver}'/>`)
    const first = await get('')
    const ver = first.child('query', NS)?.attrs['ver'] ?? ''
    expect(first.child('query', NS)?.elements()).toHaveLength(1)
    expect((await get(ver)).elements()).toEqual([])
    await setRoster(client, `<item jid='b@b.org'/>`)
    expect((await get(ver)).child('query', NS)?.elements()).toHaveLength(2)
    expect((await get('garbage')).child('query', NS)?.elements()).toHaveLength(2)
  })

  test('versions and pre-approval are stream features after sign-in', async () => {
    await relay.account('benvolio')
    await using client = await TestClient.connect({ port: relay.port })
    const seen: string[] = []
    const watching = client.next((each) => {
      seen.push(String(each))
      return false
    })
    watching.catch(() => undefined)
    await client.authenticate({ port: relay.port, username: 'benvolio', password: 'secret' })
    expect(seen.at(-1)).toContain(`<ver xmlns='urn:xmpp:features:rosterver'/>`)
    expect(seen.at(-1)).toContain(`<sub xmlns='urn:xmpp:features:pre-approval'/>`)
    expect(seen.at(-1)).toContain(`<c xmlns='http://jabber.org/protocol/caps' hash='sha-1'`)
  })

  test('a full roster refuses one more, and takes changes of what it has', async () => {
    const client = await relay.client('hoarder')
    for (let index = 0; index < 1000; index++) {
      client.sends(
        `<iq type='set' id='h${index}'><query xmlns='${NS}'><item jid='c${index}@b.org'/></query></iq>`,
      )
    }
    await client.next((each) => each.attrs['id'] === 'h999', 20_000)
    client.inbox.length = 0
    expect(condition(await setRoster(client, `<item jid='more@b.org'/>`))).toBe('resource-constraint')
    client.sends(`<presence type='subscribe' to='stranger@localhost' id='p1'/>`)
    expect(condition(await client.next((each) => each.attrs['id'] === 'p1'))).toBe('resource-constraint')
    expect((await setRoster(client, `<item jid='c5@b.org' name='five'/>`)).attrs['type']).toBe('result')
  })

  test('20 changes at once from 4 resources are pushed to each in one order, with versions that count up', async () => {
    await relay.account('busy')
    const clients = await Promise.all(
      ['a', 'b', 'c', 'd'].map((resource) => relay.client('busy', { resource })),
    )
    for (const client of clients) await client.request('get', `<query xmlns='${NS}'/>`)
    for (let index = 0; index < 20; index++) {
      const item = `<item jid='c${index}@b.org'/>`
      clients[index % 4]?.sends(`<iq type='set' id='x${index}'><query xmlns='${NS}'>${item}</query></iq>`)
    }
    for (const client of clients) {
      const versions: number[] = []
      while (versions.length < 20) {
        const push = await client.next((each) => each.name === 'iq' && each.attrs['type'] === 'set')
        versions.push(Number(push.child('query', NS)?.attrs['ver']))
      }
      expect(versions).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    }
  })

  test('the roster survives a restart', async () => {
    const before = await relay.client('keeper')
    await setRoster(before, `<item jid='a@b.org' name='A'/>`)
    await relay.restart()
    const after = await relay.client('keeper')
    expect(await readItems(after)).toEqual([`<item jid='a@b.org' name='A' subscription='none'/>`])
  })

  test('an erased account leaves the rosters of its contacts, who hear of it', async () => {
    const alice = await relay.client('alice')
    const gone = await relay.client('gone')
    await arrive(alice)
    await arrive(gone)
    await befriend(alice, gone)
    await gone.close()
    await relay.accounts.terminate(parseJid('gone@localhost'))
    await alice.receives(
      `<iq type='set' {any}><query xmlns='${NS}' {any}><item jid='gone@localhost' subscription='remove'/></query></iq>`,
    )
    await settle(alice)
    expect(await readItems(alice)).toEqual([])
  })
})

function manyGroups(count: number): string {
  return Array.from({ length: count }, (_, index) => `<group>g${index}</group>`).join('')
}
