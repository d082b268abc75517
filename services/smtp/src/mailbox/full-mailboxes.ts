/**
 * Whose mailbox at the mailbox server had no room when a mail was brought there. From then on senders are told at RCPT: those outside would not be told later. An hour later, or
 * when the mailbox has taken a mail of the queue, the next is let in again.
 */
import type { Clock } from '@sealpost/runtime'
import type { Outcome } from '../queue/carrier.ts'

const KNOWN_MS = 60 * 60_000
/** Beyond it the one that was found full first is forgotten. */
const ACCOUNTS_MAX = 10_000
/** RFC 3463 §3.3. */
const FULL = /^[45]\.2\.2$/

export class FullMailboxes {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #until = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  has(accountId: string): boolean {
    return (this.#until.get(accountId) ?? 0) > this.#clock.monotonic()
  }

  /** What became of a mail to the account. */
  learn(accountId: string, { result, reply }: Outcome): void {
    const isFull = result !== 'delivered' && FULL.test(reply.status)
    if (!isFull && result !== 'delivered') return
    this.#until.delete(accountId)
    if (isFull) this.#until.set(accountId, this.#clock.monotonic() + KNOWN_MS)
    const [first] = this.#until.keys()
    if (this.#until.size > ACCOUNTS_MAX && first !== undefined) this.#until.delete(first)
  }
}
