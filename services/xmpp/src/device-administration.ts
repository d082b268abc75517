/** The relay's side of its port: what waits for whom, and devices that are to be forgotten. */
import type { Accounts } from '@sealpost/accounts'
import type { Hooks as HookBus } from '@sealpost/hooks'
import type {
  Announcement,
  NewRelayDevice,
  Relay as RelayPort,
  RelayDevice,
  RelayQueue,
} from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import { element, NS_CLIENT, StreamError } from '@sealpost/stanza'
import type { Hooks } from './core/module.ts'
import type { SessionLifecycle } from './core/session-lifecycle.ts'
import type { SessionRegistry } from './core/session-registry.ts'
import type { DeviceHashes } from './delivery/device-hashes.ts'
import type { DeviceRegistry } from './delivery/device-registry.ts'
import type { QueueKey, SealedStore } from './delivery/sealed-store/sealed-store.ts'

export interface DeviceAdministrationOptions {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly devices: DeviceRegistry
  readonly deviceHashes: DeviceHashes
  readonly store: SealedStore
  readonly sessions: SessionRegistry
  readonly lifecycle: SessionLifecycle
  readonly hooks: HookBus<Hooks>
  readonly clock: Clock
}

export class DeviceAdministration implements RelayPort {
  readonly #options: DeviceAdministrationOptions

  constructor(options: DeviceAdministrationOptions) {
    this.#options = options
  }

  async devices(accountId: string): Promise<RelayDevice[]> {
    const { devices, store } = this.#options
    return (await devices.recordsOf(accountId)).map((device) => ({
      id: device.id,
      createdOn: device.createdOn,
      lastSeenOn: device.lastSeenOn,
      registered: device.registered,
      waiting: store.depth({ account: accountId, device: device.id }).count,
      overrun: device.overrun,
      label: device.label,
      typed: device.typed,
      bound: device.bound,
    }))
  }

  async bindDevice(accountId: string, device: NewRelayDevice): Promise<string | undefined> {
    const { accounts, lifecycle, devices, deviceHashes } = this.#options
    const account = await accounts.findById(accountId)
    if (account?.state !== 'active') return undefined
    const { id } = (await lifecycle.identify(account, '', device.installation)).device
    await devices.bind(accountId, id, deviceHashes.bindingOf(accountId, device))
    if (device.label !== undefined) await devices.rename(accountId, id, device.label)
    return id
  }

  renameDevice(accountId: string, deviceId: string, label: string | undefined): Promise<boolean> {
    return this.#options.devices.rename(accountId, deviceId, label)
  }

  hasDeviceType(accountId: string, type: string): Promise<boolean> {
    const { devices, deviceHashes } = this.#options
    return devices.hasType(accountId, deviceHashes.ofType(accountId, type))
  }

  /** Its tokens first, so that it does not come back by one while its sessions end. */
  async signOutDevice(accountId: string, deviceId: string): Promise<boolean> {
    const { devices, hooks } = this.#options
    const { devices: all } = await devices.queuesOf({ id: accountId })
    const known = all.find(({ id }) => id === deviceId)
    if (known === undefined) return false
    await hooks.fire('device/signed-out', { accountId, identity: Buffer.from(known.identity, 'hex') })
    this.#endSessions(accountId, deviceId)
    return true
  }

  #endSessions(accountId: string, deviceId: string): void {
    const { sessions, lifecycle } = this.#options
    for (const session of sessions.all()) {
      const { account, queues } = session
      if (account.id === accountId && queues.device.id === deviceId)
        lifecycle.end(session, new StreamError('not-authorized'))
    }
  }

  async queues(accountId: string): Promise<RelayQueue[]> {
    const { account, registered } = await this.#options.devices.queuesOf({ id: accountId })
    return [this.#queue(account, undefined), ...registered.map(({ key }) => this.#queue(key, key.device))]
  }

  #queue(key: QueueKey, deviceId: string | undefined): RelayQueue {
    const { store, clock } = this.#options
    const { count, bytes, oldest } = store.depth(key)
    const oldestAgeSeconds =
      oldest === undefined ? undefined : Math.max(0, Math.floor(clock.now() / 1000) - oldest)
    return { deviceId, messages: count, bytes, oldestAgeSeconds }
  }

  /** Resolves when what waited for it is unreadable on disk as well. */
  async revokeDevice(accountId: string, deviceId: string): Promise<boolean> {
    const { devices, store } = this.#options
    // Whether or not it is known: an earlier attempt may have forgotten the device and not come to what follows.
    const known = await devices.revoke(accountId, deviceId)
    this.#endSessions(accountId, deviceId)
    await this.forget({ account: accountId, device: deviceId })
    await store.shredded()
    return known
  }

  /**
   * Past the policy of encryption, which is about what people write to each other: these words are the server's. As a headline it is offered to sessions that
   * are connected and take messages, and to no queue (RFC 6121 §8.5.2.1.1), so that it is never stored, nor sealed.
   */
  async announce({ id, subject, body, accountIds }: Announcement): Promise<number> {
    const wanted = accountIds && new Set(accountIds)
    const reached = new Set<string>()
    for (const session of this.#options.sessions.all()) {
      const { account, jid } = session
      if (wanted?.has(account.id) === false || !session.receivesMessages || !session.stream) continue
      const attrs = { type: 'headline', from: jid.domain, to: jid.toString(), id }
      const parts = [element('subject', NS_CLIENT, {}, subject), element('body', NS_CLIENT, {}, body)]
      session.sendUnkept(element('message', NS_CLIENT, attrs, ...parts))
      reached.add(account.id)
    }
    return await Promise.resolve(reached.size)
  }

  /** A device is not known any more: nothing may be left of it. */
  async forget(key: QueueKey): Promise<void> {
    const { store, hooks, devices } = this.#options
    store.shredQueue(key)
    await hooks.fire('device/revoked', { accountId: key.account, deviceId: key.device })
    const { accountInUse, registered, account } = await devices.queuesOf({ id: key.account })
    if (accountInUse || registered.some(({ device }) => device.inherits)) return
    store.shredQueue(account) // it was the last that would have taken from there
  }
}
