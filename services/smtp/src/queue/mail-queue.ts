/** What the rest of the relay asks of the queue. A mail is accepted when `enqueue` resolves: from then on it is delivered, queued or bounced, also through `kill -9`. */
import type { Content } from '../content.ts'
import type { Envelope } from '../reception/stage.ts'

/** A body that is being received: sealed as it is written, under a key that dies with it. Disposal before `enqueue` destroys it. */
export interface Draft extends AsyncDisposable {
  readonly bodyBytes: number
  /** Resolves when more is welcome. Throws QueueError when it cannot be kept. */
  write(chunk: Buffer): Promise<void>
  /** The body is complete: it can be read, and enqueued. */
  finish(): Promise<Content['body']>
}

export interface MailToQueue {
  /** Whose mail it is: the account that submitted it; undefined: from outside or of our own making. */
  readonly account: string | undefined
  readonly envelope: Envelope
  readonly header: Buffer
  readonly draft: Draft
  /** What became of a mail here: it is kept where there is no room for others, since that mail cannot go before. */
  readonly isReport?: boolean
}

export interface MailQueue {
  draft(): Draft
  /** The id that is told to the client. Durable when it resolves; QueueError (QUEUE_FULL, QUEUE_UNAVAILABLE) when nothing was kept. */
  enqueue(mail: MailToQueue): Promise<string>
}
