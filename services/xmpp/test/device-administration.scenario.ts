/** Devices are revoked, age out, overrun their queues: what becomes of their sessions, queues and rows. */
import { sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DeliveryFixture, ids, takeIds } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

let relay: DeliveryFixture
beforeAll(async () => {
  relay = await DeliveryFixture.start({ limits: { queue: { messagesMax: 5, bytesMax: 1e9 } } })
})
afterAll(() => relay[Symbol.asyncDispose]())

async function idOf(name: string): Promise<string> {
  return (await relay.accounts.find(parseJid(`${name}@localhost`)))?.id ?? ''
}

describe('a revoked device', () => {
  test('has no session, whatever state it is in, and what only it still had to take is gone', async () => {
    const alice = await relay.device('alice', 'a')
    await relay.register('bob', 'phone')
    const bob = await idOf('bob')
    const [phone] = await relay.administration.devices(bob)
    const before = await relay.kept()
    const session = await relay.device('bob', 'phone')
    session.acknowledging = false
    alice.sends(omemo('bob@localhost', 'm1'))
    await session.message()
    await alice.safeUpTo(2) // sealed, since nobody acknowledges it
    const { previd } = session
    expect(await relay.administration.revokeDevice(bob, phone?.id ?? '')).toBe(true)
    expect(await session.streamError()).toBe('not-authorized')
    await session.ended()
    expect(await relay.kept()).toEqual(before)
    expect(await relay.administration.devices(bob)).toEqual([])
    const back = await relay.authenticated('bob')
    expect((await back.resume(previd, session)).name).toBe('failed')
    await back.drop()
    await alice.close()
  })

  test('hibernated: it cannot be resumed', async () => {
    const session = await relay.device('hibernated', 'phone')
    await session.drop()
    const account = await idOf('hibernated')
    const [device] = await relay.administration.devices(account)
    expect(await relay.administration.revokeDevice(account, device?.id ?? '')).toBe(true)
    const back = await relay.authenticated('hibernated')
    expect((await back.resume(session.previd, session)).name).toBe('failed')
    await back.drop()
  })

  test('of another account cannot be named, and a second time it is unknown', async () => {
    await relay.register('carol', 'phone')
    const [carol, alice] = [await idOf('carol'), await idOf('alice')]
    const id = (await relay.administration.devices(carol))[0]?.id ?? ''
    expect(await relay.administration.revokeDevice(alice, id)).toBe(false)
    const both = [1, 2].map(() => relay.administration.revokeDevice(carol, id))
    expect((await Promise.all(both)).filter(Boolean)).toEqual([true])
  })

  test('10 tries of a sign-in during its revocation: never a session that gets nothing', async () => {
    const alice = await relay.device('alice', 'b')
    for (let n = 0; n < 10; n++) {
      const name = `racer${n}`
      await relay.register(name, 'phone')
      const account = await idOf(name)
      const id = (await relay.administration.devices(account))[0]?.id ?? ''
      const signingIn = relay.device(name, 'phone').catch(() => undefined)
      await relay.administration.revokeDevice(account, id)
      const session = await signingIn
      if (session === undefined || session.closed) continue
      alice.sends(omemo(`${name}@localhost`, `r${n}`))
      await Promise.race([takeIds(session, 1), session.ended()])
      await session.drop()
    }
    await alice.close()
  })

  test('the last that would take from the account’s queue takes that queue along', async () => {
    const alice = await relay.device('alice', 'c')
    await relay.register('dora', 'phone')
    const once = await relay.device('dora', 'once')
    await once.close()
    alice.sends(omemo('dora@localhost', 'm1'))
    await alice.safeUpTo(2)
    const dora = await idOf('dora')
    const counts = async () => (await relay.administration.queues(dora)).map(({ messages }) => messages)
    expect(await counts()).toEqual([1, 1])
    const devices = await relay.administration.devices(dora)
    const seenOnce = devices.find(({ registered }) => !registered)
    expect(await relay.administration.revokeDevice(dora, seenOnce?.id ?? '')).toBe(true)
    expect(await counts()).toEqual([0, 1])
    const phone = await relay.device('dora', 'phone')
    expect(await takeIds(phone, 1)).toEqual(['m1'])
    await phone.close()
    await alice.close()
  })
})

test('devices away for more than 30 days are forgotten with what waits for them; those away for 30 are not', async () => {
  const alice = await relay.device('alice', 'd')
  await relay.register('aged', 'old')
  await relay.register('aged', 'young')
  const aged = await idOf('aged')
  alice.sends(omemo('aged@localhost', 'm1'))
  await alice.safeUpTo(2)
  await alice.close()
  const queues = () => relay.administration.queues(aged)
  const [, old, young] = await queues()
  for (const [device, days] of [
    [old?.deviceId, 31],
    [young?.deviceId, 30],
  ] as const)
    await relay.db.execute(
      sql`update xmpp.device set last_seen_on = current_date - ${days}::int where device_id = ${device}`,
    )
  await relay.restart()
  await expect.poll(async () => (await relay.administration.devices(aged)).length).toBe(1)
  expect((await queues()).map(({ deviceId, messages }) => [deviceId, messages])).toEqual([
    [undefined, 0],
    [young?.deviceId, 1],
  ])
  const back = await relay.device('aged', 'young')
  expect(await takeIds(back, 1)).toEqual(['m1'])
  await back.ping()
  await back.close()
})

describe('quota and overrun', () => {
  test('R20: the sender hears of it before its stanza counts, message by message', async () => {
    const alice = await relay.device('alice', 'e')
    await relay.account('full')
    for (const id of ids('f', 5)) alice.sends(omemo('full@localhost', id))
    await alice.safeUpTo(6)
    for (let n = 0; n < 20; n++) {
      alice.sends(`${omemo('full@localhost', `over${n}`)}<r xmlns='urn:xmpp:sm:3'/>`)
      const first = await alice.next(({ name }) => name === 'message' || name === 'a')
      expect(first.attrs['id']).toBe(`over${n}`)
      expect(first.child('error')?.attrs['type']).toBe('wait')
      expect((await alice.next(({ name }) => name === 'a')).attrs['h']).toBe(String(7 + n))
    }
    await alice.close()
  })

  test('a full queue is left out and marked; its device is told once, when it returns', async () => {
    const alice = await relay.device('alice', 'f')
    await relay.register('eve', 'away')
    await relay.register('eve', 'here')
    const here = await relay.device('eve', 'here')
    for (const id of ids('m', 8)) {
      alice.sends(omemo('eve@localhost', id))
      expect(await takeIds(here, 1)).toEqual([id])
    }
    await alice.safeUpTo(9)
    const eve = await idOf('eve')
    const overrun = async () => (await relay.administration.devices(eve)).filter((each) => each.overrun)
    await expect.poll(async () => (await overrun()).map(({ waiting }) => waiting)).toEqual([5])
    await here.close()
    await relay.restart() // the mark is not forgotten
    const away = await relay.device('eve', 'away')
    const told = await away.next((each) => each.attrs['type'] === 'headline')
    expect(told.attrs).toMatchObject({ from: 'localhost', to: 'eve@localhost/away' })
    expect(told.child('overrun', 'urn:sealpost:overrun:0')).toBeDefined()
    expect(await takeIds(away, 5)).toEqual(ids('m', 5))
    await away.ping()
    await expect.poll(overrun).toEqual([])
    away.sends('<presence/>')
    await away.receives(`<presence {any}`)
    await away.receivesNothing()
    await away.close()
    const again = await relay.device('eve', 'away')
    await again.receivesNothing()
    await again.close()
  })

  test('told but not acknowledged: told again', async () => {
    const alice = await relay.device('alice', 'g')
    await relay.register('fay', 'away')
    const once = await relay.device('fay', 'once') // shares the account’s queue
    for (const id of ids('m', 7)) {
      alice.sends(omemo('fay@localhost', id))
      expect(await takeIds(once, 1)).toEqual([id])
    }
    await alice.safeUpTo(8)
    const isHeadline = (each: { attrs: Record<string, string | undefined> }) =>
      each.attrs['type'] === 'headline'
    for (let time = 0; time < 2; time++) {
      const away = await relay.client('fay', { resource: 'away' })
      away.acknowledging = false
      await away.enableStreamManagement(false)
      await away.available()
      await away.next(isHeadline)
      await away.drop()
    }
    await once.close()
    await alice.close()
  })

  test('devices that share the account’s full queue are told as well, each', async () => {
    const alice = await relay.device('alice', 'h')
    await relay.register('gus', 'own')
    await (await relay.device('gus', 'shared')).close()
    const own = await relay.device('gus', 'own')
    for (const id of ids('m', 7)) {
      alice.sends(omemo('gus@localhost', id))
      expect(await takeIds(own, 1)).toEqual([id])
    }
    await alice.safeUpTo(8)
    const shared = await relay.device('gus', 'shared')
    const told = await shared.next((each) => each.attrs['type'] === 'headline')
    expect(told.child('overrun', 'urn:sealpost:overrun:0')).toBeDefined()
    expect(await takeIds(shared, 5)).toEqual(ids('m', 5))
    await shared.ping()
    await shared.close()
    await own.close()
    await alice.close()
  })
})

test('a device that no account has is in no table', async () => {
  expect(await relay.administration.devices(crypto.randomUUID())).toEqual([])
  expect(await relay.administration.queues(crypto.randomUUID())).toEqual([
    { deviceId: undefined, messages: 0, bytes: 0, oldestAgeSeconds: undefined },
  ])
})
