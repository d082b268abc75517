/** Where devices are kept: see migrations/0002_device.sql and 0030_device_binding.sql for what is kept and for how long. */
import type { DeviceBinding } from './device-hashes.ts'

export interface Device {
  readonly id: string
  /** Registered devices have a queue of their own; others share the account's. */
  readonly registered: boolean
  /** It still has to take what waited in the account's queue when it was registered. */
  readonly inherits: boolean
  readonly carbons: boolean
  /** Messages were left out for it because its queue was full, and it has not been told. */
  readonly overrun: boolean
}

/** A device as it is kept: by what it is recognised when it signs in (hex), and the day in UTC, `YYYY-MM-DD`, when it was here last. */
export interface StoredDevice extends Device {
  readonly identity: string
  readonly lastSeenOn: string
  /** Undefined: it is bound to no hardware. */
  readonly hardwareHash: Buffer | undefined
}

/** A device as its owner sees it. Days in UTC. */
export interface DeviceRecord extends Device {
  readonly createdOn: string
  readonly lastSeenOn: string
  /** The owner's words. */
  readonly label: string | undefined
  /** Whether keyed hashes of its type and its hardware are kept. */
  readonly typed: boolean
  readonly bound: boolean
}

export interface DeviceStore {
  /** All devices of an account, registered or seen once. */
  ofAccount(accountId: string): Promise<StoredDevice[]>
  /** The same for their owner to see, those known for longest first. */
  recordsOf(accountId: string): Promise<DeviceRecord[]>
  /**
   * Records a sign-in: the first makes a device known, the second registers it; `atOnce`, the first does. Devices beyond the cap make room:
   * those seen once first, then the one away for longest. Returns the device and the ids of those that went.
   */
  signIn(
    accountId: string,
    identity: Buffer,
    cap: number,
    atOnce?: boolean,
  ): Promise<{ device: Device; dropped: string[] }>
  /** The device has taken over what the account's queue held for it. */
  inherited(accountId: string, deviceId: string): Promise<void>
  /** Keeps what is said, in place of what was kept; what is undefined stays as it was. False when nothing changes. */
  bind(accountId: string, deviceId: string, binding: DeviceBinding): Promise<boolean>
  /** Whether a device of the account is of this type. */
  hasType(accountId: string, typeHash: Buffer): Promise<boolean>
  /** Undefined takes the label away. False when the account has no such device. */
  rename(accountId: string, deviceId: string, label: string | undefined): Promise<boolean>
  setCarbons(accountId: string, deviceId: string, carbons: boolean): Promise<void>
  /** Messages were left out for these devices. */
  setOverrun(accountId: string, deviceIds: readonly string[]): Promise<void>
  /** The device has been told. */
  clearOverrun(accountId: string, deviceId: string): Promise<void>
  /** These devices are here today. */
  seen(deviceIds: readonly string[]): Promise<void>
  /** Forgets devices not seen for this many days; returns them. */
  ageOut(days: number): Promise<{ accountId: string; deviceId: string }[]>
  /** Forgets one device; false when the account has none of this id. */
  remove(accountId: string, deviceId: string): Promise<boolean>
  erase(accountId: string): Promise<void>
}
