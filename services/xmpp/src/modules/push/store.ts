/** Where push registrations are kept (XEP-0357 §5): see migrations/0051_push.sql for what is kept and for how long. Two implementations, one contract: `store.test.ts`. */

/** A registration as it is kept. */
export interface PushRow {
  /** Of account and service. */
  readonly serviceHash: Buffer
  /** Of account, service and node. */
  readonly targetHash: Buffer
  readonly sealed: Buffer
}

/** Whose it is, and which queue that device takes from. */
export interface PushDevice {
  readonly accountId: string
  readonly deviceId: string
  /** False: it shares the account's queue. */
  readonly registered: boolean
}

export interface PushStore {
  /**
   * Puts a device's registration in place of the one it had with the service, and of the one that any device of the account had for the same node. False, and
   * nothing is changed, when the device is not known.
   */
  put(accountId: string, deviceId: string, row: PushRow): Promise<boolean>
  ofAccount(accountId: string): Promise<(PushRow & PushDevice)[]>
  /** Devices of all accounts, in the order of account and device; those behind `after`, `max` at most. A device comes once for each of its services. */
  devices(after: Pick<PushDevice, 'accountId' | 'deviceId'> | undefined, max: number): Promise<PushDevice[]>
  removeTarget(accountId: string, targetHash: Buffer): Promise<void>
  removeService(accountId: string, serviceHash: Buffer): Promise<void>
  /** `identity`: as the registry of devices knows it. */
  removeDevice(accountId: string, identity: Buffer): Promise<void>
  erase(accountId: string): Promise<void>
}
