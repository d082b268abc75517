/** What happens to a mail on its way into one mailbox: the account's wishes, encryption above all. */
import type { Account } from '@sealpost/accounts'
import type { Content } from '../content.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { Envelope } from '../reception/stage.ts'

export type Prepared =
  /** What is put into the mailbox; disposed of afterwards. */
  | {
      readonly result: 'content'
      readonly content: Content
      readonly [Symbol.asyncDispose]?: () => Promise<void>
    }
  /** For good: the sender is told, if it is ours. */
  | { readonly result: 'refused'; readonly reply: Reply }
  /** Tried again by the schedule of the queue. */
  | { readonly result: 'deferred'; readonly reply: Reply }

export interface Arrival {
  prepare(account: Account, envelope: Envelope, content: Content): Promise<Prepared>
}

/** Everything as it came. */
export const unchanged: Arrival = {
  prepare: (_account, _envelope, content) => Promise.resolve({ result: 'content', content }),
}
