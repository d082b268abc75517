/** Which device gets what: docs/delivery.md, "delivered means per device". */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestClient } from './client.ts'
import { DeliveryFixture, expectNoMessage, ids, NOTHING_KEPT, takeIds } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const kept = () => relay.kept()

describe('devices', () => {
  test('two devices of one account, one away: both get every message', async () => {
    const alice = await relay.device('alice', 'two')
    await relay.register('two', 'phone')
    await relay.register('two', 'desk')
    const phone = await relay.device('two', 'phone')
    for (const id of ids('m', 30)) alice.sends(omemo('two@localhost', id))
    expect(await takeIds(phone, 30)).toEqual(ids('m', 30))
    await alice.safeUpTo(31)
    await phone.ping()
    expect((await kept()).keys).toBe(30)
    const desk = await relay.device('two', 'desk')
    expect(await takeIds(desk, 30)).toEqual(ids('m', 30))
    await desk.ping()
    await expectNoMessage(desk)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('resources seen once share the account queue: the first acknowledgement wins', async () => {
    const alice = await relay.device('alice', 'shared')
    await relay.account('shared')
    for (const id of ids('m', 10)) alice.sends(omemo('shared@localhost', id))
    await alice.safeUpTo(11)
    const slow = await relay.client('shared')
    slow.acknowledging = false
    await slow.enableStreamManagement()
    await slow.available()
    expect(await takeIds(slow, 10)).toEqual(ids('m', 10))
    const quick = await relay.client('shared')
    await quick.enableStreamManagement()
    await quick.available()
    expect(await takeIds(quick, 10)).toEqual(ids('m', 10))
    await quick.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    slow.acknowledge()
    await slow.close()
    await quick.close()
    const third = await relay.client('shared')
    await third.available()
    await expectNoMessage(third)
  })

  test('a device registered at its second sign-in takes over what waited, exactly once', async () => {
    const alice = await relay.device('alice', 'takeover')
    await relay.account('takeover')
    for (const id of ids('m', 5)) alice.sends(omemo('takeover@localhost', id))
    await alice.safeUpTo(6)
    const first = await relay.client('takeover', { resource: 'x' })
    await first.close() // signed in, took nothing
    const second = await relay.client('takeover', { resource: 'x' })
    await second.enableStreamManagement()
    for (const id of ids('n', 5)) alice.sends(omemo('takeover@localhost', id))
    await alice.safeUpTo(11)
    await second.available()
    expect(await takeIds(second, 10)).toEqual([...ids('m', 5), ...ids('n', 5)])
    await expectNoMessage(second)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
    await second.close()
    const third = await relay.device('takeover', 'x')
    await expectNoMessage(third)
  })

  test('registered but gone before it took anything: nothing twice at the third sign-in', async () => {
    const alice = await relay.device('alice', 'third')
    await relay.account('third')
    const other = await relay.client('third', { resource: 'other' }) // keeps the account queue in use
    await other.close()
    alice.sends(omemo('third@localhost', 'm0'))
    await alice.safeUpTo(2)
    for (let time = 0; time < 2; time++) await (await relay.client('third', { resource: 'x' })).close()
    alice.sends(omemo('third@localhost', 'm1')) // into its own queue and the account's
    await alice.safeUpTo(3)
    const third = await relay.device('third', 'x')
    expect(await takeIds(third, 2)).toEqual(['m0', 'm1'])
    await third.ping()
    await expectNoMessage(third)
    await third.close()
    const unregistered = await relay.client('third', { resource: 'new' })
    await unregistered.enableStreamManagement()
    await unregistered.available()
    expect(await takeIds(unregistered, 1)).toEqual(['m1']) // the account queue still had it for the others
    await unregistered.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('a stop between registration and take-over loses nothing', async () => {
    await using other = await DeliveryFixture.start()
    const alice = await other.device('alice', 'a')
    await other.account('bob')
    for (const id of ids('m', 5)) alice.sends(omemo('bob@localhost', id))
    await alice.safeUpTo(6)
    for (let time = 0; time < 2; time++) {
      const bob = await other.client('bob', { resource: 'x' })
      bob.acknowledging = false
      await bob.enableStreamManagement(false)
      await bob.available()
      expect(await takeIds(bob, 5)).toEqual(ids('m', 5))
      await bob.drop()
    }
    await other.restart()
    const bob = await other.device('bob', 'x')
    expect(await takeIds(bob, 5)).toEqual(ids('m', 5))
    await bob.ping()
    await expect.poll(() => other.kept()).toEqual(NOTHING_KEPT)
  })

  test('the eleventh device makes one go, with what waits for it and with its session', async () => {
    const alice = await relay.device('alice', 'many')
    for (const resource of ids('d', 10)) await relay.register('many', resource)
    const sessions: TestClient[] = []
    for (const resource of ids('d', 10)) sessions.push(await relay.device('many', resource))
    alice.sends(omemo('many@localhost', 'm1'))
    for (const session of sessions) expect(await takeIds(session, 1)).toEqual(['m1'])
    const eleventh = await relay.device('many', 'new')
    await expect.poll(() => sessions.filter(({ closed }) => closed).length).toBe(1)
    alice.sends(omemo('many@localhost', 'm2'))
    const left = sessions.filter(({ closed }) => !closed)
    for (const session of [...left, eleventh]) expect(await takeIds(session, 1)).toEqual(['m2'])
    for (const session of [...left, eleventh]) await session.ping()
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  }, 60_000)

  test('a session replaced by one of the same name while it drains: everything arrives at the new one', async () => {
    const alice = await relay.device('alice', 'conflict')
    await relay.account('conflict')
    const sent = ids('m', 700)
    for (const id of sent) alice.sends(omemo('conflict@localhost', id))
    await alice.safeUpTo(701)
    const first = await relay.client('conflict', { resource: 'x' })
    first.acknowledging = false
    await first.enableStreamManagement()
    first.sends('<presence/>')
    await takeIds(first, 50)
    const second = await relay.device('conflict', 'x')
    expect(await first.streamError()).toBe('conflict')
    expect(await takeIds(second, 700)).toEqual(sent)
    await second.ping()
    await expectNoMessage(second)
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })

  test('messages that come while a device binds reach it, whatever the moment', async () => {
    const alice = await relay.device('alice', 'bind')
    await relay.register('bind', 'x')
    const received: string[] = []
    for (let round = 0; round < 10; round++) {
      const sent = ids(`r${round}-`, 20)
      const arriving = relay.client('bind', { resource: 'x' })
      for (const id of sent) {
        alice.sends(omemo('bind@localhost', id))
        await alice.ping()
      }
      const bob = await arriving
      await bob.enableStreamManagement()
      await bob.available()
      expect(await takeIds(bob, 20)).toEqual(sent)
      received.push(...sent)
      await bob.ping()
      await bob.close()
    }
    await expect.poll(kept).toEqual(NOTHING_KEPT)
  })
})
