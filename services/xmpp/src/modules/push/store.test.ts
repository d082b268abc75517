import { randomBytes, randomUUID } from 'node:crypto'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { postgresDeviceStore } from '../../delivery/device-store.postgres.ts'
import { PushRegistry } from './push-registry.ts'
import { type KnownDevice, memoryPushStore } from './store.memory.ts'
import { postgresPushStore } from './store.postgres.ts'
import type { PushRow, PushStore } from './store.ts'

interface Fixture extends AsyncDisposable {
  readonly store: PushStore
  /** Makes a device known; `registered`: it has a queue of its own. */
  know(accountId: string, registered?: boolean): Promise<KnownDevice>
  /** Forgets it. */
  forget(device: KnownDevice): Promise<void>
}

async function openMemory(): Promise<Fixture> {
  let known: KnownDevice[] = []
  return {
    store: memoryPushStore(() => known),
    know: async (accountId, registered = true) => {
      const device = { accountId, deviceId: randomUUID(), identity: randomBytes(32), registered }
      known.push(device)
      return device
    },
    forget: async (device) => void (known = known.filter((each) => each !== device)),
    async [Symbol.asyncDispose]() {},
  }
}

async function openPostgres(): Promise<Fixture> {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 4 }))
  const devices = postgresDeviceStore(db)
  return {
    store: postgresPushStore(db),
    know: async (accountId, registered = true) => {
      const identity = randomBytes(32)
      const { device } = await devices.signIn(accountId, identity, 10, registered)
      return { accountId, deviceId: device.id, identity, registered }
    },
    forget: async ({ accountId, deviceId }) => void (await devices.remove(accountId, deviceId)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const row = (serviceHash: Buffer = randomBytes(32)): PushRow => ({
  serviceHash,
  targetHash: randomBytes(32),
  sealed: randomBytes(60),
})

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('PushStore (%s)', (_, open) => {
  let fixture: Fixture
  let store: PushStore
  beforeAll(async () => {
    fixture = await open()
    store = fixture.store
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  const sealed = async (accountId: string) =>
    (await store.ofAccount(accountId)).map((each) => each.sealed.toString('hex')).toSorted()
  const hex = (...rows: readonly PushRow[]) => rows.map((each) => each.sealed.toString('hex')).toSorted()

  test('keeps what a known device says, and whose it is', async () => {
    const accountId = randomUUID()
    expect(await store.put(accountId, randomUUID(), row())).toBe(false)
    const own = await fixture.know(accountId)
    const once = await fixture.know(accountId, false)
    const [first, second] = [row(), row()]
    expect(await store.put(accountId, own.deviceId, first)).toBe(true)
    expect(await store.put(accountId, once.deviceId, second)).toBe(true)
    const found = await store.ofAccount(accountId)
    expect(found).toHaveLength(2)
    expect(found).toContainEqual({ accountId, deviceId: own.deviceId, registered: true, ...first })
    expect(found).toContainEqual({ accountId, deviceId: once.deviceId, registered: false, ...second })
    expect(await store.ofAccount(randomUUID())).toEqual([])
  })

  test('a device has one node at a service, and a node belongs to one device', async () => {
    const accountId = randomUUID()
    const [one, two] = [await fixture.know(accountId), await fixture.know(accountId)]
    const first = row()
    const next = row(first.serviceHash)
    await store.put(accountId, one.deviceId, first)
    await store.put(accountId, one.deviceId, next)
    expect(await sealed(accountId)).toEqual(hex(next))
    await store.put(accountId, two.deviceId, { ...next, sealed: first.sealed })
    expect(await sealed(accountId)).toEqual(hex(first))
    expect((await store.ofAccount(accountId))[0]?.deviceId).toBe(two.deviceId)
  })

  test('removes by node, service, device and account, and goes with the device', async () => {
    const accountId = randomUUID()
    const [one, two] = [await fixture.know(accountId), await fixture.know(accountId)]
    const [a, b, c] = [row(), row(), row()]
    const same = row(a.serviceHash)
    const other = await fixture.know(randomUUID())
    const left = row(a.serviceHash)
    await store.put(other.accountId, other.deviceId, left)
    for (const each of [a, b]) await store.put(accountId, one.deviceId, each)
    for (const each of [same, c]) await store.put(accountId, two.deviceId, each)
    await store.removeTarget(accountId, b.targetHash)
    expect(await sealed(accountId)).toEqual(hex(a, same, c))
    await store.removeService(accountId, a.serviceHash)
    expect(await sealed(accountId)).toEqual(hex(c))
    await store.put(accountId, one.deviceId, b)
    await store.removeDevice(accountId, one.identity)
    expect(await sealed(accountId)).toEqual(hex(c))
    await fixture.forget(two)
    expect(await sealed(accountId)).toEqual([])
    await store.put(accountId, one.deviceId, a)
    await store.erase(accountId)
    expect(await sealed(accountId)).toEqual([])
    expect(await sealed(other.accountId)).toEqual(hex(left))
  })

  test('lists the devices of all accounts page by page', async () => {
    const known: KnownDevice[] = []
    for (let index = 0; index < 5; index++) {
      const device = await fixture.know(randomUUID(), index % 2 === 0)
      known.push(device)
      await store.put(device.accountId, device.deviceId, row())
    }
    const found: string[] = []
    let last: Awaited<ReturnType<PushStore['devices']>>[number] | undefined
    do {
      const page = await store.devices(last, 2)
      found.push(...page.map(({ deviceId, registered }) => `${deviceId} ${registered}`))
      last = page.at(-1)
    } while (last)
    expect(found).toEqual(expect.arrayContaining(known.map((each) => `${each.deviceId} ${each.registered}`)))
    expect(new Set(found).size).toBe(found.length)
  })

  test('the registry opens what it sealed, for its account and by its key alone', async () => {
    const { accountId, deviceId } = await fixture.know(randomUUID())
    const registry = new PushRegistry(store, randomBytes(32), systemRandom)
    const target = {
      service: 'push.example',
      node: 'secret-node',
      options: [['secret', ['x', 'y']]],
    } as const
    await registry.put(accountId, deviceId, target)
    expect(await registry.ofAccount(accountId)).toEqual([
      { ...target, accountId, deviceId, registered: true },
    ])
    const [kept] = await store.ofAccount(accountId)
    expect(JSON.stringify(kept)).not.toContain('secret-node')
    expect(kept?.sealed.includes('push.example')).toBe(false)
    const another = new PushRegistry(store, randomBytes(32), systemRandom)
    expect(await another.ofAccount(accountId)).toEqual([])
    await another.remove(accountId, target.service)
    expect(await registry.ofAccount(accountId)).toHaveLength(1)
    await registry.remove(accountId, target.service, 'other')
    expect(await registry.ofAccount(accountId)).toHaveLength(1)
    await registry.remove(accountId, target.service, target.node)
    expect(await registry.ofAccount(accountId)).toEqual([])
  })
})
