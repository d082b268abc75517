/**
 * Which queues an account has. A device is a client installation that says which one it is (XEP-0388 §2.3), or a resource
 * name that its client chose and used at two sign-ins; it has a queue of its own. Everything else (a first sign-in, clients with random resources) shares the account's queue,
 * which exists from the start, so that an account that never signed in has one too.
 */
import { createHash } from 'node:crypto'
import type { Clock, MaybePromise } from '@sealpost/runtime'
import type { AccountRef } from '../core/account-directory.ts'
import { chain } from '../core/chain.ts'
import type { DeviceBinding } from './device-hashes.ts'
import type { Device, DeviceRecord, DeviceStore, StoredDevice } from './device-store.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

/** The account queue's name in the keyring. */
export const ACCOUNT_QUEUE = '00000000-0000-0000-0000-000000000000'
const DEVICES_MAX = 10
const CACHED_ACCOUNTS_MAX = 200_000

/** An account's queues, as message routing needs them; replaced, never changed. */
export interface AccountQueues {
  /** All that the account has, registered or seen once. */
  readonly devices: readonly StoredDevice[]
  readonly registered: readonly { readonly device: Device; readonly key: QueueKey }[]
  readonly account: QueueKey
  /**
   * Where a message to the account goes: the queues of its registered devices, and the account's own until every device that
   * signs in is registered, since then nobody would drain it.
   */
  readonly inUse: readonly QueueKey[]
  readonly accountInUse: boolean
}

/** Which queue a session takes from. */
export interface SessionQueues {
  readonly own: QueueKey
  readonly device: Device
  /** The account's queue, when the device was registered but has not yet taken over what waits there. */
  readonly inherited: QueueKey | undefined
  /** Ids of devices that had to make room for this one. */
  readonly dropped: readonly string[]
}

/** By what an installation's device is recognised: it tells nobody which installation that is. */
export function installationIdentity(account: Pick<AccountRef, 'id'>, userAgent: string): Buffer {
  return identityOf(account, 'user-agent', userAgent)
}

function identityOf(account: Pick<AccountRef, 'id'>, kind: 'resource' | 'user-agent', name: string): Buffer {
  return createHash('sha256').update(`${account.id}\0${kind}\0${name}`).digest()
}

/** A device that is not registered shares the account's queue; one that has just been takes over what waits there. */
function queuesOfSession(account: AccountRef, device: Device, dropped: readonly string[]): SessionQueues {
  const shared = { account: account.id, device: ACCOUNT_QUEUE }
  if (!device.registered) return { own: shared, device, inherited: undefined, dropped }
  const own = { account: account.id, device: device.id }
  return { own, device, inherited: device.inherits ? shared : undefined, dropped }
}

export class DeviceRegistry {
  readonly #store: DeviceStore
  readonly #clock: Clock
  readonly #cache = new Map<string, AccountQueues>()
  /** Reads under way, by account; one that is not in here any more has been overtaken by a change. */
  readonly #loading = new Map<string, Promise<AccountQueues>>()
  readonly #inheritUntil = new Map<string, number>()
  /** Queues whose overrun is being written down. */
  readonly #marking = new Map<string, Promise<void>>()
  readonly #onDropped: (key: QueueKey) => void
  readonly #positionOf: (key: QueueKey) => number

  /**
   * @param onDropped a device is no longer known: what waits for it must be shredded
   * @param positionOf where a queue ends now
   */
  constructor(
    store: DeviceStore,
    clock: Clock,
    onDropped: (key: QueueKey) => void,
    positionOf: (key: QueueKey) => number,
  ) {
    this.#store = store
    this.#clock = clock
    this.#onDropped = onDropped
    this.#positionOf = positionOf
  }

  /** Synchronous when cached. */
  queuesOf(account: Pick<AccountRef, 'id'>): MaybePromise<AccountQueues> {
    return this.#cache.get(account.id) ?? this.#load(account.id)
  }

  /** Records that a session of this account binds this resource. */
  async signIn(account: AccountRef, resource: string): Promise<SessionQueues> {
    return this.#signedIn(account, identityOf(account, 'resource', resource), false)
  }

  /** Records that a client installation signs in (XEP-0388 §2.3): a device that needs no second sign-in to be known. */
  async signInInstallation(account: AccountRef, userAgent: string): Promise<SessionQueues> {
    return this.#signedIn(account, installationIdentity(account, userAgent), true)
  }

  async #signedIn(account: AccountRef, identity: Buffer, atOnce: boolean): Promise<SessionQueues> {
    const known = chain(this.queuesOf(account), ({ devices }) => this.#upToDate(devices, identity))
    const device = known instanceof Promise ? await known : known
    return device ? queuesOfSession(account, device, []) : this.#record(account, identity, atOnce)
  }

  /** The device, if another sign-in today would change nothing: it is registered already, and was here today. */
  #upToDate(devices: readonly StoredDevice[], identity: Buffer): StoredDevice | undefined {
    const name = identity.toString('hex')
    const device = devices.find((each) => each.identity === name)
    const today = new Date(this.#clock.now()).toISOString().slice(0, 10)
    return device?.registered === true && device.lastSeenOn === today ? device : undefined
  }

  async #record(account: AccountRef, identity: Buffer, atOnce: boolean): Promise<SessionQueues> {
    const { device, dropped } = await this.#store.signIn(account.id, identity, DEVICES_MAX, atOnce)
    this.#invalidate(account.id)
    await this.#load(account.id)
    for (const id of dropped) this.#drop(account.id, id)
    return queuesOfSession(account, device, dropped)
  }

  /**
   * Position in the account's queue up to which a device takes it over: where that queue ended when the first message could
   * go to the device's own. After a restart nobody knows, and it is where the queue ended when the account was next
   * looked at: a device that was registered before and took nothing may then get some messages twice.
   */
  inheritUntil(device: Device): number | undefined {
    return this.#inheritUntil.get(device.id)
  }

  /** True when it is known, without asking, that the device has taken over what the account's queue held. */
  hasInherited(account: Pick<AccountRef, 'id'>, { id }: Device): boolean {
    return this.#cache.get(account.id)?.devices.some((each) => each.id === id && !each.inherits) === true
  }

  /** The device has taken over what the account's queue held. */
  async inherited(account: AccountRef, device: Device): Promise<void> {
    await this.#store.inherited(account.id, device.id)
    this.#inheritUntil.delete(device.id)
    this.#invalidate(account.id)
  }

  async setCarbons(account: AccountRef, device: Device, carbons: boolean): Promise<void> {
    await this.#store.setCarbons(account.id, device.id, carbons)
    this.#invalidate(account.id)
  }

  /** Forgets devices that have not been here for so long; those that are here now count as seen today. */
  async ageOut(days: number, present: readonly Device[]): Promise<void> {
    await this.#store.seen(present.map((device) => device.id))
    for (const { accountId, deviceId } of await this.#store.ageOut(days)) {
      this.#invalidate(accountId)
      this.#drop(accountId, deviceId)
    }
  }

  /** Keeps what a client says of a device: see DeviceStore.bind. */
  async bind(accountId: string, deviceId: string, binding: DeviceBinding): Promise<void> {
    if (await this.#store.bind(accountId, deviceId, binding)) this.#invalidate(accountId)
  }

  hasType(accountId: string, typeHash: Buffer): Promise<boolean> {
    return this.#store.hasType(accountId, typeHash)
  }

  rename(accountId: string, deviceId: string, label: string | undefined): Promise<boolean> {
    return this.#store.rename(accountId, deviceId, label)
  }

  /** For the account's owner to see. */
  recordsOf(accountId: string): Promise<DeviceRecord[]> {
    return this.#store.recordsOf(accountId)
  }

  /**
   * Forgets a device; false when the account has none of this id. Once this resolves no message is queued for it, but
   * what waits there does: shredding it is the caller's, after the device's sessions have left it.
   */
  async revoke(accountId: string, deviceId: string): Promise<boolean> {
    try {
      return await this.#store.remove(accountId, deviceId)
    } finally {
      this.#inheritUntil.delete(deviceId)
      this.#invalidate(accountId)
    }
  }

  /** A message was left out of a full queue. Written once, however many are, until the devices have been told. */
  overrun(key: QueueKey): Promise<void> {
    const name = `${key.account} ${key.device}`
    const marking = this.#marking.get(name) ?? this.#mark(key).finally(() => this.#marking.delete(name))
    this.#marking.set(name, marking)
    return marking
  }

  async #mark({ account, device }: QueueKey): Promise<void> {
    const shared = device === ACCOUNT_QUEUE
    const { devices } = await this.queuesOf({ id: account })
    const meant = devices.filter((each) => (shared ? !each.registered : each.id === device))
    if (meant.every((each) => each.overrun)) return
    await this.#store.setOverrun(
      account,
      meant.map(({ id }) => id),
    )
    this.#invalidate(account)
  }

  /** Whether the device is to be told that messages were left out; synchronous when cached. */
  isOverrun(account: AccountRef, { id }: Device): MaybePromise<boolean> {
    const marking = [id, ACCOUNT_QUEUE].flatMap((each) => this.#marking.get(`${account.id} ${each}`) ?? [])
    const find = ({ devices }: AccountQueues) => devices.some((each) => each.id === id && each.overrun)
    if (marking.length === 0) return chain(this.queuesOf(account), find)
    return Promise.allSettled(marking).then(async () => find(await this.queuesOf(account)))
  }

  /** The device has been told that messages were left out. */
  async overrunTold(account: AccountRef, device: Device): Promise<void> {
    await this.#store.clearOverrun(account.id, device.id)
    this.#invalidate(account.id)
  }

  async erase(accountId: string): Promise<void> {
    const devices = await this.#store.ofAccount(accountId)
    await this.#store.erase(accountId)
    for (const { id } of devices) this.#inheritUntil.delete(id)
    this.#invalidate(accountId)
  }

  #drop(account: string, device: string): void {
    this.#inheritUntil.delete(device)
    this.#onDropped({ account, device })
  }

  /** What is cached, or being read, is not true any more. */
  #invalidate(accountId: string): void {
    this.#cache.delete(accountId)
    this.#loading.delete(accountId)
  }

  /** Reads again when something changed meanwhile: a message must not miss a device that has just been registered. */
  async #load(accountId: string): Promise<AccountQueues> {
    for (;;) {
      const reading = this.#loading.get(accountId) ?? this.#read(accountId)
      this.#loading.set(accountId, reading)
      try {
        const queues = await reading
        if (this.#loading.get(accountId) === reading) this.#keep(accountId, queues)
        else if (this.#cache.get(accountId) !== queues) continue
        return queues
      } catch (error) {
        if (this.#loading.get(accountId) === reading) this.#loading.delete(accountId)
        throw error
      }
    }
  }

  #keep(accountId: string, queues: AccountQueues): void {
    this.#loading.delete(accountId)
    if (this.#cache.size >= CACHED_ACCOUNTS_MAX) this.#cache.clear()
    this.#cache.set(accountId, queues)
    for (const { device } of queues.registered) {
      if (device.inherits && !this.#inheritUntil.has(device.id))
        this.#inheritUntil.set(device.id, this.#positionOf(queues.account))
    }
  }

  async #read(accountId: string): Promise<AccountQueues> {
    const devices = await this.#store.ofAccount(accountId)
    const registered = devices
      .filter((device) => device.registered)
      .map((device) => ({ device, key: { account: accountId, device: device.id } }))
    const account = { account: accountId, device: ACCOUNT_QUEUE }
    const accountInUse = registered.length === 0 || devices.length > registered.length
    const inUse = [...registered.map(({ key }) => key), ...(accountInUse ? [account] : [])]
    return { devices, registered, account, inUse, accountInUse }
  }
}
