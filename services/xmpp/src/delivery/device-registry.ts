/**
 * Which queues an account has. A device is a resource name that its client chose and used at two sign-ins; it has
 * a queue of its own. Everything else (a first sign-in, clients with random resources) shares the account's queue,
 * which exists from the start, so that an account that never signed in has one too.
 */
import { createHash } from 'node:crypto'
import type { MaybePromise } from '@sealpost/runtime'
import type { AccountRef } from '../core/account-directory.ts'
import type { Device, DeviceStore } from './device-store.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

/** The account queue's name in the keyring. */
export const ACCOUNT_QUEUE = '00000000-0000-0000-0000-000000000000'
const DEVICES_MAX = 10
const CACHED_ACCOUNTS_MAX = 200_000

/** An account's queues, as message routing needs them; replaced, never changed. */
export interface AccountQueues {
  readonly registered: readonly { readonly device: Device; readonly key: QueueKey }[]
  readonly account: QueueKey
  /** False once every device that signs in is registered: then nobody would drain the account's queue. */
  readonly accountInUse: boolean
}

/** Which queue a session takes from. */
export interface SessionQueues {
  readonly own: QueueKey
  readonly device: Device
  /** The account's queue, when the device was registered but has not yet taken over what waits there. */
  readonly inherited: QueueKey | undefined
}

export class DeviceRegistry {
  readonly #store: DeviceStore
  readonly #cache = new Map<string, AccountQueues>()
  readonly #onDropped: (key: QueueKey) => void

  /** @param onDropped a device is no longer known: what waits for it must be shredded */
  constructor(store: DeviceStore, onDropped: (key: QueueKey) => void) {
    this.#store = store
    this.#onDropped = onDropped
  }

  /** Synchronous when cached. */
  queuesOf(account: AccountRef): MaybePromise<AccountQueues> {
    return this.#cache.get(account.id) ?? this.#load(account.id)
  }

  /** Records that a session of this account binds this resource. */
  async signIn(account: AccountRef, resource: string): Promise<SessionQueues> {
    const identity = createHash('sha256').update(`${account.id}\0resource\0${resource}`).digest()
    const { device, dropped } = await this.#store.signIn(account.id, identity, DEVICES_MAX)
    this.#cache.delete(account.id)
    await this.#load(account.id)
    for (const id of dropped) this.#onDropped({ account: account.id, device: id })
    const shared = { account: account.id, device: ACCOUNT_QUEUE }
    if (!device.registered) return { own: shared, device, inherited: undefined }
    return {
      own: { account: account.id, device: device.id },
      device,
      inherited: device.inherits ? shared : undefined,
    }
  }

  /** The device has taken over what the account's queue held. */
  async inherited(account: AccountRef, device: Device): Promise<void> {
    await this.#store.inherited(account.id, device.id)
    this.#cache.delete(account.id)
  }

  async setCarbons(account: AccountRef, device: Device, carbons: boolean): Promise<void> {
    await this.#store.setCarbons(account.id, device.id, carbons)
    this.#cache.delete(account.id)
  }

  /** Forgets devices that have not signed in for so long. */
  async ageOut(days: number): Promise<void> {
    for (const { accountId, deviceId } of await this.#store.ageOut(days)) {
      this.#cache.delete(accountId)
      this.#onDropped({ account: accountId, device: deviceId })
    }
  }

  async erase(accountId: string): Promise<void> {
    await this.#store.erase(accountId)
    this.#cache.delete(accountId)
  }

  async #load(accountId: string): Promise<AccountQueues> {
    const devices = await this.#store.ofAccount(accountId)
    const registered = devices
      .filter((device) => device.registered)
      .map((device) => ({ device, key: { account: accountId, device: device.id } }))
    const queues = {
      registered,
      account: { account: accountId, device: ACCOUNT_QUEUE },
      accountInUse: registered.length === 0 || devices.length > registered.length,
    }
    if (this.#cache.size >= CACHED_ACCOUNTS_MAX) this.#cache.clear()
    this.#cache.set(accountId, queues)
    return queues
  }
}
