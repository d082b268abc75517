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
  /** The account's shared queue first, then those of its devices; empty ones included. */
  queues(accountId: string): Promise<RelayQueue[]>
  /**
   * Says it to those who are connected now, as a headline (RFC 6121 §5.2.2) from the domain; it is kept nowhere. How many accounts it reached.
   */
  announce(announcement: Announcement): Promise<number>
}
