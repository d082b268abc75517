/** What other services may ask about mail that waits. Mails are named by their ids (UUIDs); nothing of their content crosses. */

export interface QueuedMail {
  readonly id: string
  /** Undefined: from outside, or of the server's own making. */
  readonly accountId: string | undefined
  /** Milliseconds since the epoch, whole seconds. */
  readonly acceptedAt: number
  /** Of the body. */
  readonly bytes: number
  /** Why it is not tried. */
  readonly hold: 'operator' | 'suspended' | undefined
  /** Those that are still to be served. */
  readonly recipients: readonly QueuedRecipient[]
}

export interface QueuedRecipient {
  readonly domain: string
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly nextAt: number
  /** What the last attempt came to; undefined: it has not ended yet. */
  readonly reason: QueuedReason | undefined
}

export interface QueuedReason {
  /** RFC 5321 §4.2.1. */
  readonly code: number
  /** RFC 3463. */
  readonly status: string
  /** In the relay's own words; undefined: a server's, which may name people. */
  readonly words: string | undefined
}

export const MAIL_CHANGES = ['retry', 'hold', 'release', 'drop'] as const
/** `retry`: now, whatever the schedule says. `hold`, `release`: no attempts until told. `drop`: destroyed, and nobody is told. */
export type MailChange = (typeof MAIL_CHANGES)[number]

/** Rejects with PortError when the mail relay is in another process and away. */
export interface MailOperations {
  /** Oldest first, at most `limit`; of one account if told. */
  queued(limit: number, accountId?: string): Promise<readonly QueuedMail[]>
  /** Undefined: no such mail waits. */
  find(id: string): Promise<QueuedMail | undefined>
  /** False: no such mail waits. */
  change(id: string, change: MailChange): Promise<boolean>
}
