/** Where devices are kept: see migrations/0002_device.sql for what is kept and for how long. */

export interface Device {
  readonly id: string
  /** Registered devices have a queue of their own; others share the account's. */
  readonly registered: boolean
  /** It still has to take what waited in the account's queue when it was registered. */
  readonly inherits: boolean
  readonly carbons: boolean
}

export interface DeviceStore {
  /** All devices of an account, registered or seen once. */
  ofAccount(accountId: string): Promise<Device[]>
  /**
   * Records a sign-in: the first makes a device known, the second registers it. Devices beyond the cap make room:
   * those seen once first, then the one away for longest. Returns the device and the ids of those that went.
   */
  signIn(accountId: string, identity: Buffer, cap: number): Promise<{ device: Device; dropped: string[] }>
  /** The device has taken over what the account's queue held for it. */
  inherited(accountId: string, deviceId: string): Promise<void>
  setCarbons(accountId: string, deviceId: string, carbons: boolean): Promise<void>
  /** These devices are here today. */
  seen(deviceIds: readonly string[]): Promise<void>
  /** Forgets devices not seen for this many days; returns them. */
  ageOut(days: number): Promise<{ accountId: string; deviceId: string }[]>
  erase(accountId: string): Promise<void>
}
