/** XEP-0280 with queues per device. */
import type { Element } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestClient } from './client.ts'
import { DeliveryFixture, expectNoMessage, NOTHING_KEPT, take } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const NS = 'urn:xmpp:carbons:2'
const kept = () => relay.kept()

const enable = (client: TestClient) => client.request('set', `<enable xmlns='${NS}'/>`)

/** `sent m1`, `received m2`, or just `m3`. */
function describeMessage(message: Element): string {
  for (const kind of ['sent', 'received']) {
    const inner = message.child(kind, NS)?.child('forwarded', 'urn:xmpp:forward:0')?.elements()[0]
    if (inner) return `${kind} ${inner.attrs['id'] ?? ''}`
  }
  return message.attrs['id'] ?? ''
}

async function takeDescribed(client: TestClient, count: number): Promise<string[]> {
  return (await take(client, count)).map(describeMessage)
}

describe('carbons', () => {
  test('R15: siblings see what is sent and what is received; neither the addressed nor the sending one does', async () => {
    const alice = await relay.device('alice', 'a')
    const [one, two, plain] = await Promise.all(['1', '2', '3'].map((name) => relay.device('r15', name)))
    if (!one || !two || !plain) throw new Error('three devices')
    await enable(one)
    await enable(two)
    one.sends(omemo(alice.jid, 'm1'))
    const sent = await two.message()
    expect(describeMessage(sent)).toBe('sent m1')
    expect(sent.attrs).toMatchObject({ from: 'r15@localhost', to: two.bare, type: 'chat' })
    alice.sends(omemo(one.jid, 'm2'))
    expect(await takeDescribed(one, 1)).toEqual(['m2'])
    expect(await takeDescribed(two, 1)).toEqual(['received m2'])
    alice.sends(omemo('r15@localhost', 'm3'))
    for (const client of [one, two, plain]) expect(await takeDescribed(client, 1)).toEqual(['m3'])
    for (const client of [one, two, plain]) {
      await expectNoMessage(client)
    }
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R15: private messages and no-copy are honoured; an error of a carbon never reaches the sender', async () => {
    const alice = await relay.device('alice', 'b')
    const one = await relay.device('r15b', '1')
    const two = await relay.device('r15b', '2')
    await enable(two)
    alice.sends(omemo(one.jid, 'm1').replace('<store', `<private xmlns='${NS}'/><store`))
    alice.sends(omemo(one.jid, 'm2').replace('<store', `<no-copy xmlns='urn:xmpp:hints'/><store`))
    expect(await takeDescribed(one, 2)).toEqual(['m1', 'm2'])
    await expectNoMessage(two)
    alice.sends(omemo(one.jid, 'm3'))
    expect(await takeDescribed(two, 1)).toEqual(['received m3'])
    two.sends(`<message type='error' to='r15b@localhost' id='m3'><error type='cancel'/></message>`)
    await two.ping()
    await expectNoMessage(alice)
  })

  test('R15: what is eligible (XEP-0280 §6.1), what is not, and who the copy says that it is from', async () => {
    const alice = await relay.device('alice', 'elig')
    const one = await relay.device('r15c', '1')
    const two = await relay.device('r15c', '2')
    const mirror = await relay.device('alice', 'mirror')
    await enable(two)
    await enable(mirror)
    const inner = (xml: string) => `<message to='${one.jid}' type='chat' id='c'>${xml}</message>`
    const eligible = [
      omemo(one.jid, 'c'),
      omemo(one.jid, 'c').replace(`type='chat'`, `type='normal'`),
      inner(`<received xmlns='urn:xmpp:receipts' id='m0'/>`),
      inner(`<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/>`),
      inner(`<propose xmlns='urn:xmpp:jingle-message:0' id='c1'/>`),
      omemo(one.jid, 'c').replace('<store', '<no-store'),
    ]
    for (const stanza of eligible) {
      alice.sends(stanza)
      expect((await one.message()).attrs['id']).toBe('c')
      const received = await two.message()
      expect([stanza, describeMessage(received)]).toEqual([stanza, 'received c'])
      expect(received.attrs).toMatchObject({ from: 'r15c@localhost', to: 'r15c@localhost' })
      const sent = await mirror.message()
      expect([stanza, describeMessage(sent)]).toEqual([stanza, 'sent c'])
      expect(sent.attrs).toMatchObject({ from: 'alice@localhost', to: 'alice@localhost' })
      const original = sent.child('sent', NS)?.child('forwarded', 'urn:xmpp:forward:0')?.elements()[0]
      expect(original?.attrs).toMatchObject({ from: alice.jid, to: one.jid })
    }
    for (const stanza of [
      omemo(one.jid, 'h').replace(`type='chat'`, `type='headline'`),
      inner(`<composing xmlns='http://jabber.org/protocol/chatstates'/>`),
      `<message to='${one.jid}' type='error' id='e'><error type='cancel'/></message>`,
    ]) {
      alice.sends(stanza)
      await one.message()
    }
    for (const to of [one.jid, 'r15c@localhost']) {
      alice.sends(omemo(to, 'g').replace(`type='chat'`, `type='groupchat'`))
      expect((await alice.message()).attrs['type']).toBe('error')
    }
    for (const client of [alice, one, two, mirror]) await expectNoMessage(client)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R15: private and no-copy keep the sender’s other devices out, too, and the mark goes along', async () => {
    const alice = await relay.device('alice', 'priv')
    const bob = await relay.device('r15d', 'x')
    const mirror = await relay.device('alice', 'mirror2')
    await enable(mirror)
    for (const mark of [`<private xmlns='${NS}'/>`, `<no-copy xmlns='urn:xmpp:hints'/>`]) {
      for (const to of [bob.jid, bob.bare]) {
        alice.sends(omemo(to, 'p').replace('<store', `${mark}<store`))
        await bob.message()
        await expectNoMessage(mirror)
      }
    }
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R15: a copy that somebody made up is none: it does not arrive, or not as one', async () => {
    const alice = await relay.device('alice', 'forge')
    const bob = await relay.device('r15e', 'x')
    await enable(bob)
    const forged = `<received xmlns='${NS}'><forwarded xmlns='urn:xmpp:forward:0'>${omemo('x@localhost', 'f').replace('<message', `<message xmlns='jabber:client' from='boss@localhost'`)}</forwarded></received>`
    alice.sends(`<message to='${bob.jid}' type='chat' id='f1'>${forged}</message>`)
    expect((await alice.message()).attrs['type']).toBe('error')
    alice.sends(omemo(bob.jid, 'f2').replace('<store', `${forged}<store`))
    const message = await bob.message()
    expect(message.attrs).toMatchObject({ id: 'f2', from: alice.jid })
    expect(message.child('received', NS)).toBeUndefined()
    await expectNoMessage(bob)
  })

  test('R16: a device gets a message once, also when its sibling goes away in the middle', async () => {
    const alice = await relay.device('alice', 'c')
    await relay.register('r16', 'x', true)
    await relay.register('r16', 'y', true)
    for (let round = 0; round < 10; round++) {
      const x = await relay.device('r16', 'x')
      const y = await relay.device('r16', 'y')
      await enable(x)
      await enable(y)
      x.acknowledging = false
      alice.sends(omemo(x.jid, `m${round}`))
      expect(await takeDescribed(x, 1)).toEqual([`m${round}`])
      if (round % 2 === 0) await x.drop()
      else await x.close()
      expect(await takeDescribed(y, 1)).toEqual([`received m${round}`])
      await expectNoMessage(y)
      await y.close()
      const again = await relay.device('r16', 'x')
      expect(await takeDescribed(again, 1)).toEqual([`m${round}`])
      await again.ping()
      await again.close()
      await expect.poll(kept).toEqual(NOTHING_KEPT)
    }
  }, 60_000)

  test('R17: a device that was away gets what its siblings received and sent, in order', async () => {
    const alice = await relay.device('alice', 'd')
    await relay.register('r17', 'here', true)
    await relay.register('r17', 'away', true)
    const here = await relay.device('r17', 'here')
    await enable(here)
    alice.sends(omemo('r17@localhost', 'm1'))
    await take(here, 1)
    here.sends(omemo(alice.jid, 'm2'))
    await take(alice, 1)
    alice.sends(omemo(here.jid, 'm3'))
    await take(here, 1)
    here.sends(omemo('alice@localhost', 'm4'))
    await here.safeUpTo(4)
    await alice.safeUpTo(3)
    const away = await relay.device('r17', 'away')
    expect(await takeDescribed(away, 4)).toEqual(['m1', 'sent m2', 'received m3', 'sent m4'])
    await expectNoMessage(away)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('R17: what a sibling sends between a device binding and its enabling carbons is not missing', async () => {
    const alice = await relay.device('alice', 'e')
    await relay.register('gap', 'here', true)
    await relay.register('gap', 'away', true)
    const here = await relay.device('gap', 'here')
    const away = await relay.device('gap', 'away')
    here.sends(omemo(alice.jid, 'm1'))
    await take(alice, 1)
    await enable(away)
    expect(await takeDescribed(away, 1)).toEqual(['sent m1'])
  })

  test('disabled means disabled, also while the device is away', async () => {
    const alice = await relay.device('alice', 'f')
    await relay.register('off', 'here')
    await relay.register('off', 'away', true)
    const away = await relay.device('off', 'away')
    await enable(away)
    await away.request('set', `<disable xmlns='${NS}'/>`)
    await away.close()
    const here = await relay.device('off', 'here')
    here.sends(omemo(alice.jid, 'm1'))
    await take(alice, 1)
    await alice.ping()
    await here.safeUpTo(2)
    expect((await kept()).keys).toBe(0)
  })
})
