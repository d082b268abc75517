/** What other services may ask of the XMPP relay. Accounts and devices are named by their ids (UUIDs). */

/** A client of an account, as far as the relay knows it. Days are in UTC, `YYYY-MM-DD`: nothing finer is kept. */
export interface RelayDevice {
  readonly id: string
  readonly createdOn: string
  readonly lastSeenOn: string
  /** It has a queue of its own; a device seen once shares the account's. */
  readonly registered: boolean
  /** Messages that wait in its own queue; 0 for one that shares the account's. */
  readonly waiting: number
  /** Messages were left out of its queue because it was full; it is told when it returns. */
  readonly overrun: boolean
  /** What its owner calls it; undefined: nothing. For the owner's eyes only. */
  readonly label: string | undefined
  /** Keyed hashes of its type, and of its hardware, are kept. */
  readonly typed: boolean
  readonly bound: boolean
}

/** Bounds of what a client says of its device, and its owner of it, in UTF-16 units. */
export const DEVICE_TYPE_CHARS_MAX = 200
export const HARDWARE_ID_CHARS_MAX = 256
export const DEVICE_LABEL_CHARS_MAX = 64

/** A client installation that is to be known before it signs in, or anew. */
export interface NewRelayDevice {
  /** The UUID by which it says which one it is (XEP-0388 §2.3), in lower case. */
  readonly installation: string
  /** What is undefined was not said. Type and hardware are kept as keyed hashes. */
  readonly type: string | undefined
  readonly hardwareId: string | undefined
  readonly label: string | undefined
}

/** How much waits, never what or from whom. */
export interface RelayQueue {
  /** Undefined for the queue that the account's other devices share. */
  readonly deviceId: string | undefined
  readonly messages: number
  /** On disk, padding included. */
  readonly bytes: number
  /** Undefined when nothing waits. */
  readonly oldestAgeSeconds: number | undefined
}

/** What the server itself says to people, in words of its own. */
export interface Announcement {
  /** A UUID, by which clients know it again. */
  readonly id: string
  readonly subject: string
  readonly body: string
  /** To whom; undefined: everybody. */
  readonly accountIds: readonly string[] | undefined
}

/** Rejects with PortError when the relay is in another process and away. */
export interface Relay {
  /** Longest known first. */
  devices(accountId: string): Promise<RelayDevice[]>
  /**
   * Ends the device's sessions, makes what waits for it unreadable, also on disk, and forgets it. False when the account has no such
   * device.
   */
  revokeDevice(accountId: string, deviceId: string): Promise<boolean>
  /** Binds a device to the account; its id, undefined when there is no such account, or it is not active. */
  bindDevice(accountId: string, device: NewRelayDevice): Promise<string | undefined>
  /** Undefined takes the label away. False when the account has no such device. */
  renameDevice(accountId: string, deviceId: string, label: string | undefined): Promise<boolean>
  /** Ends the device's sessions and its tokens; it stays known, and what waits for it waits on. False when the account has no such device. */
  signOutDevice(accountId: string, deviceId: string): Promise<boolean>
  /** Whether a device of the account has said that it is of this type. */
  hasDeviceType(accountId: string, type: string): Promise<boolean>
  /** The account's shared queue first, then those of its devices; empty ones included. */
  queues(accountId: string): Promise<RelayQueue[]>
  /**
   * Says it to those who are connected now, as a headline (RFC 6121 §5.2.2) from the domain; it is kept nowhere. How many accounts it reached.
   */
  announce(announcement: Announcement): Promise<number>
}
