/** What each service holds of an account, for its owner to have. Days are in UTC, `YYYY-MM-DD`. */
import type { RelayDevice, RelayQueue } from './relay.ts'

/** Everything that the service holds of the account; empty for one that it does not know. Rejects with PortError when it is in another process and away. */
export interface OwnData<T> {
  ownData(accountId: string): Promise<T>
}

/** Whoever holds something of accounts. */
export interface OwnDataPorts {
  readonly relay: OwnData<RelayOwnData>
  readonly keys: OwnData<KeysOwnData>
  readonly mail: OwnData<MailOwnData>
}

export interface RelayOwnData {
  readonly devices: readonly OwnDevice[]
  /** How much waits. The messages themselves are encrypted for the devices that fetch them, and destroyed then. */
  readonly queues: readonly RelayQueue[]
  readonly contacts: readonly OwnContact[]
  /** JIDs (XEP-0191). */
  readonly blocked: readonly string[]
  /** Where it is a member, or banned (XEP-0045). */
  readonly groups: readonly OwnGroup[]
  /** What the clients of the account have published or put by (XEP-0163). */
  readonly nodes: readonly OwnNode[]
  /** Nodes of accounts that it asked to be told of (XEP-0060 §6.1). */
  readonly subscriptions: readonly { readonly jid: string; readonly node: string }[]
  /** What they have put by as single elements: private XML (XEP-0049), and the vCard without its photo, which is in a node (XEP-0054). */
  readonly elements: readonly OwnElement[]
  /** What its clients have uploaded (XEP-0363), without the bytes: they are encrypted, and whoever may have them has their address. */
  readonly files: readonly OwnFile[]
  /** When its open links to become a contact expire (XEP-0401); in milliseconds since the epoch. */
  readonly contactInvites: readonly { readonly expiresAt: number }[]
}

/** Times in milliseconds since the epoch. */
export interface OwnFile {
  readonly bytes: number
  readonly uploadedAt: number
  readonly expiresAt: number
  /** Whole fetches after which it is deleted; undefined: any number. */
  readonly fetchesLeft: number | undefined
}

export interface OwnElement {
  readonly ns: string
  readonly name: string
  /** One XML element that declares its own namespace. */
  readonly xml: string
}

export interface OwnDevice extends RelayDevice {
  /** Whether it wants copies of what other devices send and get (XEP-0280). */
  readonly carbons: boolean
  /** Tokens by which it signs in without the password (XEP-0484), without what makes them work. */
  readonly tokens: readonly { readonly mechanism: string; readonly expiresOn: string }[]
  /** Push services that wake it, and its names there (XEP-0357). */
  readonly pushes: readonly { readonly service: string; readonly node: string }[]
}

export const CONTACT_SUBSCRIPTIONS = ['none', 'to', 'from', 'both'] as const

/** RFC 6121 §2.1.2 */
export interface OwnContact {
  readonly jid: string
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly subscription: (typeof CONTACT_SUBSCRIPTIONS)[number]
  readonly ask: boolean
  readonly approved: boolean
  /** Asked for the account's presence and was not answered. */
  readonly pendingIn: boolean
  /** False: in the list only for its unanswered request. */
  readonly listed: boolean
}

export const GROUP_AFFILIATIONS = ['owner', 'admin', 'member', 'outcast'] as const

/** XEP-0045 §5.2 */
export interface OwnGroup {
  readonly jid: string
  /** May be empty. */
  readonly name: string
  readonly affiliation: (typeof GROUP_AFFILIATIONS)[number]
  readonly nick: string | undefined
  /** It takes the group's messages. */
  readonly entered: boolean
}

export interface OwnNode {
  readonly node: string
  /** XEP-0060 §16.4.4: options by name. */
  readonly config: Readonly<Record<string, string>>
  /** From old to new; `payload` is one XML element. */
  readonly items: readonly { readonly id: string; readonly payload: string }[]
  /** JIDs of who asked to be told of it (XEP-0060 §6.1). */
  readonly subscribers: readonly string[]
}

export interface KeysOwnData {
  readonly certificates: readonly OwnCertificate[]
  /** What was mailed to the address and not used yet. */
  readonly pending: readonly OwnPending[]
}

export interface OwnCertificate {
  /** Hexadecimal in upper case. */
  readonly fingerprint: string
  readonly algorithm: string
  readonly createdOn: string
  readonly expiresOn: string | undefined
  readonly revoked: boolean
  /** Addresses for which it is found. */
  readonly published: readonly string[]
  /** Addresses for which it is not found while their accounts are suspended. */
  readonly suspended: readonly string[]
  /** All that is kept of it: OpenPGP, binary. */
  readonly certificate: Buffer
}

export const PENDING_PURPOSES = ['publish', 'manage', 'submission', 'token'] as const

export interface OwnPending {
  readonly purpose: (typeof PENDING_PURPOSES)[number]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface MailOwnData {
  /** On its way out. */
  readonly outgoing: MailCount
  /** For the account to fetch. */
  readonly waiting: MailCount
  /** What the account has chosen; undefined is as its domain is set. */
  readonly pgp: string | undefined
  readonly onMissingKey: string | undefined
  readonly lists: readonly OwnList[]
}

export interface MailCount {
  readonly mails: number
  readonly bytes: number
}

/** A mailing list of the account. Its members are known as hashes only. */
export interface OwnList {
  readonly listId: string
  readonly asked: number
  readonly confirmed: number
  readonly left: number
}
