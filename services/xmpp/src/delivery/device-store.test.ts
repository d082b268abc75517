import { createHash, randomUUID } from 'node:crypto'
import { openDb, sql } from '@sealpost/db'
import { VirtualClock } from '@sealpost/runtime'
import { describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../../../../test/database.ts'
import type { DeviceStore } from './device-store.ts'
import { memoryDeviceStore } from './device-store.memory.ts'
import { postgresDeviceStore } from './device-store.postgres.ts'

const CAP = 3
const DAY_MS = 86_400_000

interface Bench extends AsyncDisposable {
  readonly store: DeviceStore
  /** Lets days go by. */
  pass(days: number): Promise<void>
}

async function memory(): Promise<Bench> {
  const clock = new VirtualClock()
  return {
    store: memoryDeviceStore(clock),
    pass: (days) => clock.advance(days * DAY_MS),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

async function postgres(): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp' }))
  const owned = stack.move()
  return {
    store: postgresDeviceStore(db),
    pass: async (days) => {
      await db.execute(
        sql`update xmpp.device set last_seen_on = last_seen_on - ${days}::int, created_on = created_on - ${days}::int`,
      )
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const named = (name: string) => createHash('sha256').update(name).digest()

describe.each([
  ['memory', memory],
  ['postgres', postgres],
])('DeviceStore (%s)', (_, create) => {
  test('the first sign-in makes a device known, the second registers it and lets it inherit', async () => {
    await using bench = await create()
    const { store } = bench
    const account = randomUUID()
    const first = await store.signIn(account, named('x'), CAP)
    expect(first).toMatchObject({
      device: { registered: false, inherits: false, carbons: false },
      dropped: [],
    })
    const second = await store.signIn(account, named('x'), CAP)
    expect(second.device).toEqual({ ...first.device, registered: true, inherits: true })
    const third = await store.signIn(account, named('x'), CAP)
    expect(third.device).toEqual(second.device)
    await store.inherited(account, third.device.id)
    const fourth = await store.signIn(account, named('x'), CAP)
    expect(fourth.device).toEqual({ ...second.device, inherits: false })
    const stored = await store.ofAccount(account)
    expect(stored).toEqual([
      {
        ...fourth.device,
        identity: named('x').toString('hex'),
        lastSeenOn: expect.any(String) as string,
        hardwareHash: undefined,
      },
    ])
    expect(stored[0]?.lastSeenOn).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(await store.ofAccount(randomUUID())).toEqual([])
  })

  test('two sign-ins at once count as two', async () => {
    await using bench = await create()
    const account = randomUUID()
    const both = await Promise.all([1, 2].map(() => bench.store.signIn(account, named('x'), CAP)))
    expect(both.map(({ device }) => device.registered).toSorted((a, b) => Number(a) - Number(b))).toEqual([
      false,
      true,
    ])
    expect((await bench.store.ofAccount(account)).length).toBe(1)
  })

  test('carbons are remembered for this device alone', async () => {
    await using bench = await create()
    const { store } = bench
    const account = randomUUID()
    const { device } = await store.signIn(account, named('x'), CAP)
    await store.signIn(account, named('y'), CAP)
    await store.setCarbons(account, device.id, true)
    const carbons = async () =>
      new Map((await store.ofAccount(account)).map((each) => [each.id, each.carbons])).get(device.id)
    expect(await carbons()).toBe(true)
    expect((await store.ofAccount(account)).filter((each) => each.carbons).length).toBe(1)
    await store.setCarbons(account, device.id, false)
    expect(await carbons()).toBe(false)
    await store.setCarbons(randomUUID(), device.id, true)
    expect(await carbons()).toBe(false)
  })

  test('beyond the cap those seen once make room first, then the one away for longest', async () => {
    await using bench = await create()
    const { store } = bench
    const account = randomUUID()
    const register = async (name: string) => {
      await store.signIn(account, named(name), CAP)
      return (await store.signIn(account, named(name), CAP)).device.id
    }
    const oldest = await register('oldest')
    await bench.pass(1)
    const older = await register('older')
    await bench.pass(1)
    const once = await store.signIn(account, named('once'), CAP)
    const next = await store.signIn(account, named('next'), CAP)
    expect(next.dropped).toEqual([once.device.id])
    const registered = await store.signIn(account, named('next'), CAP)
    expect(registered.dropped).toEqual([])
    const last = await store.signIn(account, named('last'), CAP)
    expect(last.dropped).toEqual([oldest])
    const left = (await store.ofAccount(account)).map(({ id }) => id)
    expect(left.toSorted()).toEqual([older, next.device.id, last.device.id].toSorted())
  })

  test('who has not been seen for so many days is forgotten; who is here is not', async () => {
    await using bench = await create()
    const { store } = bench
    const [a, b] = [randomUUID(), randomUUID()]
    const away = (await store.signIn(a, named('x'), CAP)).device.id
    const here = (await store.signIn(b, named('x'), CAP)).device.id
    await bench.pass(30)
    expect(await store.ageOut(30)).toEqual([])
    await store.seen([here])
    await bench.pass(1)
    expect(await store.ageOut(30)).toEqual([{ accountId: a, deviceId: away }])
    expect((await store.ofAccount(b)).map(({ id }) => id)).toEqual([here])
    await store.seen([])
  })

  test('its owner sees days; a device is removed once, by its own account only', async () => {
    await using bench = await create()
    const { store } = bench
    const account = randomUUID()
    const first = (await store.signIn(account, named('x'), CAP)).device
    await bench.pass(2)
    await store.seen([first.id])
    const second = (await store.signIn(account, named('y'), CAP)).device
    const records = await store.recordsOf(account)
    expect(records.map(({ id }) => id)).toEqual([first.id, second.id])
    const [days, sameDay] = records.map(
      ({ createdOn, lastSeenOn }) => (Date.parse(lastSeenOn) - Date.parse(createdOn)) / DAY_MS,
    )
    expect([days, sameDay]).toEqual([2, 0])
    expect(await store.remove(randomUUID(), first.id)).toBe(false)
    expect(await store.remove(account, first.id)).toBe(true)
    expect(await store.remove(account, first.id)).toBe(false)
    expect((await store.ofAccount(account)).map(({ id }) => id)).toEqual([second.id])
  })

  test('what a client says is kept until it says otherwise; a name is its owner’s', async () => {
    await using bench = await create()
    const { store } = bench
    const [account, other] = [randomUUID(), randomUUID()]
    const { id } = (await store.signIn(account, named('x'), CAP)).device
    const said = { typeHash: named('phone'), hardwareHash: named('serial') }
    expect(await store.bind(account, id, said)).toBe(true)
    expect(await store.bind(account, id, said)).toBe(false)
    expect(await store.bind(account, id, { typeHash: named('tablet'), hardwareHash: undefined })).toBe(true)
    expect(await store.bind(other, id, said)).toBe(false)
    const has = (of: string, type: string) => store.hasType(of, named(type))
    expect([await has(account, 'tablet'), await has(account, 'phone'), await has(other, 'tablet')]).toEqual([
      true,
      false,
      false,
    ])
    expect((await store.ofAccount(account))[0]?.hardwareHash).toEqual(named('serial'))
    expect(await store.rename(account, id, 'Pocket')).toBe(true)
    expect(await store.rename(other, id, 'Stolen')).toBe(false)
    expect(await store.recordsOf(account)).toMatchObject([{ label: 'Pocket', typed: true, bound: true }])
    await store.rename(account, id, undefined)
    await store.signIn(account, named('x'), CAP)
    expect(await store.recordsOf(account)).toMatchObject([{ label: undefined, typed: true, bound: true }])
    await store.erase(account)
    expect(await has(account, 'tablet')).toBe(false)
  })

  test('an overrun is marked and cleared by device, and outlives a registration', async () => {
    await using bench = await create()
    const { store } = bench
    const account = randomUUID()
    await store.signIn(account, named('own'), CAP)
    const own = (await store.signIn(account, named('own'), CAP)).device.id
    const [one, other] = [
      (await store.signIn(account, named('one'), CAP)).device.id,
      (await store.signIn(account, named('other'), CAP)).device.id,
    ]
    const marked = async () =>
      (await store.ofAccount(account)).filter(({ overrun }) => overrun).map(({ id }) => id)
    await store.setOverrun(account, [own])
    await store.setOverrun(randomUUID(), [one])
    expect(await marked()).toEqual([own])
    await store.setOverrun(account, [one, other])
    expect((await marked()).toSorted()).toEqual([own, one, other].toSorted())
    await store.clearOverrun(account, own)
    await store.clearOverrun(randomUUID(), one)
    expect((await marked()).toSorted()).toEqual([one, other].toSorted())
    expect((await store.signIn(account, named('one'), CAP)).device).toMatchObject({
      registered: true,
      overrun: true,
    })
  })

  test('erasing an account forgets its devices and no others', async () => {
    await using bench = await create()
    const { store } = bench
    const [a, b] = [randomUUID(), randomUUID()]
    await store.signIn(a, named('x'), CAP)
    await store.signIn(b, named('x'), CAP)
    await store.erase(a)
    expect([(await store.ofAccount(a)).length, (await store.ofAccount(b)).length]).toEqual([0, 1])
  })
})
