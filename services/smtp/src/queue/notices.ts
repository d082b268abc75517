/** What senders are told (RFC 3461 §5.2, RFC 3464): by whom is the reports' business, when is the queue's. */
import type { EnvelopeRecipient } from '../reception/stage.ts'
import type { Reply } from './mail-record.ts'
import type { OpenMail } from './kept-mail.ts'

/** RFC 3464 §2.3.3. */
export type NoticeAction = 'failed' | 'delayed' | 'delivered' | 'relayed'

export interface Notice {
  readonly recipient: EnvelopeRecipient
  readonly action: NoticeAction
  /** RFC 3463; not always that of the reply. */
  readonly status: string
  readonly reply: Reply | undefined
}

export interface Reporter {
  /** Resolves when the report is as safe as any accepted mail. Throws QueueError. `retryUntil`: for delays, in milliseconds since the epoch. */
  report(mail: OpenMail, notices: readonly Notice[], retryUntil: number): Promise<void>
}

/** RFC 3461 §4.1: unless they said otherwise, senders hear of failure and delay. */
export function isWanted({ notify }: EnvelopeRecipient, action: NoticeAction): boolean {
  if (action === 'failed') return notify?.includes('failure') ?? true
  if (action === 'delayed') return notify?.includes('delay') ?? true
  return notify?.includes('success') ?? false
}
