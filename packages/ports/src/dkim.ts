/** What other services may ask about the keys that sign our mail. */

export const DKIM_STATES = ['next', 'active', 'retired'] as const
export const DKIM_PUBLISHED = ['yes', 'no', 'other', 'unknown'] as const

/** A DKIM key (RFC 6376 §3.6.1), without its private part. */
export interface DkimKeyListing {
  readonly selector: string
  readonly algorithm: 'rsa' | 'ed25519'
  /** `next` signs once DNS has its record; `retired` signs no more, and its record stays for what is under way. */
  readonly state: (typeof DKIM_STATES)[number]
  /** Day (UTC) of the state. */
  readonly since: string
  /** Where the TXT record belongs. */
  readonly name: string
  /** What it says. */
  readonly record: string
  /** What DNS has there: `other` is another record, `unknown` that nobody answers. */
  readonly published: (typeof DKIM_PUBLISHED)[number]
}

/** `domain`: one of ours, in A-labels. Rejects with PortError when the mail relay is in another process and away. */
export interface DkimOperations {
  /** All keys of the domain; made, if there are none yet. */
  list(domain: string): Promise<readonly DkimKeyListing[]>
  /** Makes the keys that follow, unless there are some: then they take over at once if DNS has their records. */
  rotate(domain: string): Promise<readonly DkimKeyListing[]>
}
