import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { ACCOUNT_QUEUE, DeviceRegistry } from './device-registry.ts'
import { memoryDeviceStore } from './device-store.memory.ts'
import type { DeviceStore } from './device-store.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

const account = { id: 'one', jid: parseJid('bob@localhost'), state: 'active' as const, signOuts: 0 }

/** Holds back the next call of `signIn`, or what the next `ofAccount` has read, until it is let go. */
class SlowStore {
  readonly store: DeviceStore
  reads = 0
  #held: { readonly call: 'signIn' | 'ofAccount'; readonly gone: Promise<void> } | undefined

  constructor(store: DeviceStore) {
    this.store = {
      ...store,
      signIn: async (...given) => {
        await this.#take('signIn')
        return store.signIn(...given)
      },
      ofAccount: async (accountId) => {
        this.reads++
        const held = this.#take('ofAccount')
        const devices = await store.ofAccount(accountId)
        await held
        return devices
      },
    }
  }

  /** Returns what lets it go. */
  hold(call: 'signIn' | 'ofAccount'): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held = { call, gone: promise }
    return resolve
  }

  async #take(call: 'signIn' | 'ofAccount'): Promise<void> {
    if (this.#held?.call !== call) return
    const { gone } = this.#held
    this.#held = undefined
    await gone
  }
}

test('a read that a sign-in has overtaken is neither cached nor given to a message', async () => {
  const slow = new SlowStore(memoryDeviceStore(new VirtualClock()))
  const registry = new DeviceRegistry(
    slow.store,
    new VirtualClock(),
    () => undefined,
    () => 0,
  )
  await registry.signIn(account, 'x')
  const signIn = slow.hold('signIn')
  const registered = registry.signIn(account, 'x')
  await registry.setCarbons(account, (await slow.store.ofAccount('one'))[0]!, true) // empties the cache
  const read = slow.hold('ofAccount')
  const stale = registry.queuesOf(account)
  signIn()
  const { own } = await registered
  read()
  expect((await stale).registered.map(({ key }) => key)).toEqual([own])
  expect((await registry.queuesOf(account)).registered.map(({ key }) => key)).toEqual([own])
})

test('a registered device is written down once a day, however often it signs in', async () => {
  const clock = new VirtualClock()
  const store = memoryDeviceStore(clock)
  let written = 0
  const counting = {
    ...store,
    signIn: (...given: Parameters<DeviceStore['signIn']>) => {
      written++
      return store.signIn(...given)
    },
  }
  const registry = new DeviceRegistry(
    counting,
    clock,
    () => undefined,
    () => 0,
  )
  const signIn = async () => {
    const { own, inherited } = await registry.signIn(account, 'x')
    return { own: own.device, inherits: inherited !== undefined, written }
  }
  expect(await signIn()).toEqual({ own: ACCOUNT_QUEUE, inherits: false, written: 1 })
  const { id } = (await store.ofAccount('one'))[0]!
  expect(await signIn()).toEqual({ own: id, inherits: true, written: 2 })
  expect(await signIn()).toEqual({ own: id, inherits: true, written: 2 })
  await registry.inherited(account, (await store.ofAccount('one'))[0]!)
  expect(await signIn()).toEqual({ own: id, inherits: false, written: 2 })
  await clock.advance(86_400_000)
  expect(await signIn()).toEqual({ own: id, inherits: false, written: 3 })
  expect(await registry.revoke('one', id)).toBe(true)
  expect(await signIn()).toEqual({ own: ACCOUNT_QUEUE, inherits: false, written: 4 })
  expect((await registry.signIn(account, 'y')).own.device).toBe(ACCOUNT_QUEUE)
  expect(written).toBe(5)
})

test('reads of the same account at the same time are one', async () => {
  const slow = new SlowStore(memoryDeviceStore(new VirtualClock()))
  const registry = new DeviceRegistry(
    slow.store,
    new VirtualClock(),
    () => undefined,
    () => 0,
  )
  await Promise.all(Array.from({ length: 50 }, async () => registry.queuesOf(account)))
  expect(slow.reads).toBe(1)
  expect(registry.queuesOf(account)).not.toBeInstanceOf(Promise)
})

test('a failed read is tried again by the next message', async () => {
  const store = memoryDeviceStore(new VirtualClock())
  let failing = true
  const flaky = {
    ...store,
    ofAccount: async (id: string) => {
      if (failing) throw new Error('the database is away')
      return store.ofAccount(id)
    },
  }
  const registry = new DeviceRegistry(
    flaky,
    new VirtualClock(),
    () => undefined,
    () => 0,
  )
  await expect(registry.queuesOf(account)).rejects.toThrow('away')
  failing = false
  expect(await registry.queuesOf(account)).toMatchObject({ registered: [], accountInUse: true })
})

test('the account queue is in use until every device is registered', async () => {
  const registry = new DeviceRegistry(
    memoryDeviceStore(new VirtualClock()),
    new VirtualClock(),
    () => undefined,
    () => 0,
  )
  expect(await registry.queuesOf(account)).toMatchObject({ accountInUse: true })
  expect((await registry.signIn(account, 'x')).own.device).toBe(ACCOUNT_QUEUE)
  const second = await registry.signIn(account, 'x')
  expect(second.inherited?.device).toBe(ACCOUNT_QUEUE)
  expect(await registry.queuesOf(account)).toMatchObject({ accountInUse: false })
  await registry.signIn(account, 'y')
  expect(await registry.queuesOf(account)).toMatchObject({ accountInUse: true })
})

test('where a take-over ends is settled before a message goes to the device itself (simulation, seed 107)', async () => {
  let position = 0
  const registry = new DeviceRegistry(
    memoryDeviceStore(new VirtualClock()),
    new VirtualClock(),
    () => undefined,
    () => position,
  )
  await registry.signIn(account, 'x')
  const signingIn = registry.signIn(account, 'x')
  for (;;) {
    const { registered } = await registry.queuesOf(account)
    position++ // a message to whatever queues there are
    if (registered.length > 0) break
  }
  const { device } = await signingIn
  expect(registry.inheritUntil(device)).toBe(position - 1)
  await registry.inherited(account, device)
  expect((await registry.signIn(account, 'x')).inherited).toBeUndefined()
})

test('devices that made room or aged out are told, those that are here are not aged out', async () => {
  const clock = new VirtualClock()
  const gone: QueueKey[] = []
  const registry = new DeviceRegistry(
    memoryDeviceStore(clock),
    clock,
    (key) => gone.push(key),
    () => 0,
  )
  const here = await registry.signIn(account, 'here')
  const away = await registry.signIn(account, 'away')
  await clock.advance(31 * 86_400_000)
  await registry.ageOut(30, [here.device])
  expect(gone).toEqual([{ account: 'one', device: away.device.id }])
  const dropped: string[] = []
  for (let n = 0; n < 11; n++) dropped.push(...(await registry.signIn(account, `r${n}`)).dropped)
  expect(dropped.length).toBe(2)
  expect(gone.slice(1).map(({ device }) => device)).toEqual(dropped)
})
