import { createHooks } from '@sealpost/hooks'
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import type { Hooks } from './core/module.ts'
import type { SessionLifecycle } from './core/session-lifecycle.ts'
import { SessionRegistry } from './core/session-registry.ts'
import { MemorySealedStore } from './delivery/_memory-sealed-store.ts'
import { DeviceHashes } from './delivery/device-hashes.ts'
import { DeviceRegistry } from './delivery/device-registry.ts'
import { memoryDeviceStore } from './delivery/device-store.memory.ts'
import { DeviceAdministration } from './device-administration.ts'

test('a revocation that was cut short is completed by the next attempt (simulation, seed 75)', async () => {
  const clock = new VirtualClock()
  const store = new MemorySealedStore(clock)
  const inner = memoryDeviceStore(clock)
  let away = true
  const remove = async (accountId: string, deviceId: string) => {
    const known = await inner.remove(accountId, deviceId)
    if (away) throw new Error('the connection is lost after the commit')
    return known
  }
  const devices = new DeviceRegistry(
    { ...inner, remove },
    clock,
    () => undefined,
    () => 0,
  )
  const account = { id: 'one', jid: parseJid('someone@localhost'), state: 'active' as const, signOuts: 0 }
  await devices.signIn(account, 'x')
  const { own } = await devices.signIn(account, 'x')
  await store.append(own, Buffer.from('text'), 4e9, 'message').stored
  const administration = new DeviceAdministration({
    devices,
    store,
    sessions: new SessionRegistry(),
    lifecycle: {} as SessionLifecycle, // there is no session to end
    hooks: createHooks<Hooks>(),
    accounts: { findById: async () => undefined },
    deviceHashes: new DeviceHashes('key'),
    clock,
  })
  await expect(administration.revokeDevice(account.id, own.device)).rejects.toThrow('lost')
  expect(await devices.queuesOf(account)).toMatchObject({ registered: [] })
  away = false
  expect(await administration.revokeDevice(account.id, own.device)).toBe(false)
  expect(store.size).toBe(0)
})
