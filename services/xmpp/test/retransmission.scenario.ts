/** R26: what a client sends again because its session could not be resumed reaches nobody twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DeliveryFixture, expectNoMessage, ids, takeIds } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const delayed = (xml: string) =>
  xml.replace('</message>', `<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>`)

test('R26: sent again after a lost session, with a delay and the same ids: once for the recipient, and counted', async () => {
  const bob = await relay.device('bob', 'x')
  const alice = await relay.device('alice', 'phone')
  for (const id of ids('m', 40)) alice.sends(omemo('bob@localhost', id))
  expect(await takeIds(bob, 40)).toEqual(ids('m', 40))
  await alice.drop()
  const again = await relay.device('alice', 'phone')
  for (const id of ids('m', 42)) again.sends(delayed(omemo('bob@localhost', id)))
  await again.safeUpTo(43)
  expect(await takeIds(bob, 2)).toEqual(['m40', 'm41'])
  await expectNoMessage(bob)
})

test('R26: and again, as that session was lost as well', async () => {
  const bob = await relay.device('bob2', 'x')
  for (let time = 0; time < 3; time++) {
    const alice = await relay.device('alice2', 'phone')
    alice.sends(omemo('bob2@localhost', 'm1'))
    await alice.safeUpTo(2)
    await alice.drop()
  }
  expect(await takeIds(bob, 1)).toEqual(['m1'])
  await expectNoMessage(bob)
})

test('R26: an id that a client uses again for another message swallows nothing, nor does one that another device uses', async () => {
  const bob = await relay.device('bob3', 'x')
  const first = await relay.device('alice3', 'phone')
  first.sends(omemo('bob3@localhost', '1', 'b25l'.repeat(8)))
  await first.drop()
  const second = await relay.device('alice3', 'phone')
  second.sends(omemo('bob3@localhost', '1', 'dHdv'.repeat(8)))
  const tablet = await relay.device('alice3', 'tablet')
  await second.safeUpTo(2)
  tablet.sends(omemo('bob3@localhost', '1', 'b25l'.repeat(8)))
  expect(await takeIds(bob, 3)).toEqual(['1', '1', '1'])
})

test('R26: what was refused is a new message when it is sent again', async () => {
  const alice = await relay.device('alice4', 'phone')
  alice.sends(omemo('nobody@localhost', 'm1'))
  expect((await alice.message()).attrs['type']).toBe('error')
  await alice.drop()
  const bob = await relay.device('nobody', 'x')
  const again = await relay.device('alice4', 'phone')
  again.sends(omemo('nobody@localhost', 'm1'))
  expect(await takeIds(bob, 1)).toEqual(['m1'])
})

test('R26: one whose original is under way counts when that has become safe, or goes out when it is refused', async () => {
  await using unkept = await DeliveryFixture.start({ storage: 'none' })
  const [bob, carla] = [await unkept.device('bob', 'x'), await unkept.device('carla', 'x')]
  bob.acknowledging = false
  carla.acknowledging = false
  const alice = await unkept.device('alice', 'phone')
  alice.sends(omemo('bob@localhost', 'm1') + omemo('carla@localhost', 'm2'))
  await Promise.all([takeIds(bob, 1), takeIds(carla, 1)])
  await alice.drop()
  const again = await unkept.device('alice', 'phone')
  again.sends(omemo('bob@localhost', 'm1') + omemo('carla@localhost', 'm2'))
  for (let n = 0; n < 5; n++) expect(await again.serverCounter()).toBe(1)
  bob.acknowledge()
  await again.safeUpTo(2)
  const elsewhere = await unkept.device('carla', 'y')
  await carla.close() // m2 was not acknowledged
  expect(await takeIds(elsewhere, 1)).toEqual(['m2'])
  await again.safeUpTo(3)
  await expectNoMessage(bob)
})
