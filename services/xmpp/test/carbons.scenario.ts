/** XEP-0280 with queues per device (DELIVERY.md §6). */
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
