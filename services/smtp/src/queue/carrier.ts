/** What the queue asks of whoever carries mail: one attempt, for the recipients of one mail at one destination. */
import type { EnvelopeRecipient } from '../reception/stage.ts'
import type { OpenMail } from './kept-mail.ts'
import type { Reply } from './mail-record.ts'

/** What became of one recipient. */
export type Outcome =
  | {
      readonly result: 'delivered'
      readonly reply: Reply
      /** `final`: it lies in the mailbox. `relayed`: another server has it, and does not promise reports (RFC 3461 §5.2.2). `passed`: it has it, and the duty to report. */
      readonly how: 'final' | 'relayed' | 'passed'
    }
  | { readonly result: 'failed'; readonly reply: Reply }
  | { readonly result: 'deferred'; readonly reply: Reply; readonly greylisted?: boolean }

export interface AttemptResult {
  /** In the order of the recipients. */
  readonly outcomes: readonly Outcome[]
  /** False: the destination could not be reached at all, so that trying it with other mails is of no use now. */
  readonly reached: boolean
}

export interface Attempt {
  /** Of the mail in the queue. */
  readonly id: string
  readonly mail: Pick<OpenMail, 'envelope' | 'content'>
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** Of the user who sent it; undefined: it came from outside, or is of the server's own making. */
  readonly account?: string | undefined
  /** What others wrote and is passed on for the operator: it is not signed in our name, which it may well forge. */
  readonly isForeign?: boolean
  readonly destination: string
  readonly recipients: readonly EnvelopeRecipient[]
  /** Aborted when the relay stops. */
  readonly signal: AbortSignal
}

export interface Carrier {
  /** Recipients with the same destination share transactions, connections and bad luck. */
  destinationOf(domain: string): string
  /** Never throws: what goes wrong is an outcome. Within limits of time. */
  carry(attempt: Attempt): Promise<AttemptResult>
}
