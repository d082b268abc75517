/**
 * Groups (XEP-0045): what is kept of them is who belongs to them, what they are called, and the key of their occupant ids; no message, no subject, no presence. Retention:
 * a group until it is destroyed or nobody is left in it, a row of a person until the affiliation ends or the account is erased. One contract: store.test.ts.
 */
import type { Jid } from '@sealpost/jid'

/** XEP-0045 §5.2. `none` is no row. */
export const affiliations = ['owner', 'admin', 'member', 'outcast'] as const
export type Affiliation = (typeof affiliations)[number]

export interface RoomConfig {
  /** What it is called (XEP-0045 §10.2, muc#roomconfig_roomname); may be empty. */
  readonly name: string
  /** Members who are no admins may invite others (muc#roomconfig_allowinvites). */
  readonly allowInvites: boolean
}

/** What somebody is in a group. Replaced, never changed. */
export interface Affiliated {
  /** Bare. */
  readonly jid: Jid
  /** The local account behind it when it was affiliated; without one, nobody is let in by it. */
  readonly accountId: string | undefined
  readonly affiliation: Affiliation
  /** The nickname it last had; kept for it while it is away. */
  readonly nick: string | undefined
  /** It has entered the group, and by that agreed to take its messages. */
  readonly entered: boolean
}

export interface StoredRoom {
  readonly id: string
  /** Bare. */
  readonly jid: Jid
  readonly config: RoomConfig
  /** Makes the occupant ids (XEP-0421) of this group, and of no other. */
  readonly occupantKey: Buffer
  readonly affiliated: readonly Affiliated[]
}

/** What an account is in one of its groups. */
export interface Membership {
  readonly room: Jid
  readonly name: string
  readonly affiliation: Affiliation
  readonly nick: string | undefined
  readonly entered: boolean
}

export interface GroupStore {
  load(jid: Jid): Promise<StoredRoom | undefined>
  /** False, and nothing is changed, when the address is taken. */
  create(room: StoredRoom): Promise<boolean>
  configure(roomId: string, config: RoomConfig): Promise<void>
  /** Puts these in place of what their JIDs were, and takes others away; all or nothing. */
  affiliate(roomId: string, changed: readonly Affiliated[], gone?: readonly Jid[]): Promise<void>
  destroy(roomId: string): Promise<void>
  /** Ordered by address. */
  membershipsOf(accountId: string): Promise<Membership[]>
}
