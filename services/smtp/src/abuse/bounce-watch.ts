/** Whose mail is refused again and again writes to people who are not there or do not want it: as who bought a list, or whose password was stolen. */
import type { Account, Accounts } from '@sealpost/accounts'
import type { Clock, Supervisor } from '@sealpost/runtime'
import type { Carrier, Outcome } from '../queue/carrier.ts'

/** Refused recipients of one sender in a day, and their share of all, from which on it is stopped. */
const REFUSED_MIN = 50
const REFUSED_SHARE = 1 / 3
const DAY_MS = 24 * 60 * 60_000
/** Senders remembered; beyond it the one that began first is forgotten. */
const SENDERS_MAX = 10_000
/** RFC 3463 §3.2 and §3.8: no such address, or not wanted. A full mailbox or a large mail says nothing of the sender. */
const REFUSED = /^5\.[17]\./

export interface BounceWatchOptions {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly clock: Clock
  readonly supervisor: Supervisor
  readonly onAccount: (account: Account, cause: 'bounces') => Promise<void>
}

interface Tally {
  refused: number
  all: number
}

export class BounceWatch implements Disposable {
  readonly #options: BounceWatchOptions
  readonly #tallies = new Map<string, Tally>()
  readonly #forgetting: Disposable

  constructor(options: BounceWatchOptions) {
    this.#options = options
    this.#forgetting = options.clock.every(DAY_MS, () => this.#tallies.clear())
  }

  /** The same carrier; what becomes of mails of our users is counted. */
  watch(carrier: Carrier): Carrier {
    return {
      destinationOf: (domain) => carrier.destinationOf(domain),
      carry: async (attempt) => {
        const result = await carrier.carry(attempt)
        // What MAIL FROM says proves nothing: anybody outside may write there what they like.
        if (attempt.account !== undefined)
          this.#options.supervisor.spawn(this.#count(attempt.account, result.outcomes))
        return result
      },
    }
  }

  [Symbol.dispose](): void {
    this.#forgetting[Symbol.dispose]()
  }

  async #count(accountId: string, outcomes: readonly Outcome[]): Promise<void> {
    const { accounts, onAccount } = this.#options
    const tally = this.#tallyOf(accountId)
    for (const { result, reply } of outcomes) {
      if (result === 'deferred') continue
      tally.all += 1
      if (result === 'failed' && REFUSED.test(reply.status)) tally.refused += 1
    }
    if (tally.refused < REFUSED_MIN || tally.refused < tally.all * REFUSED_SHARE) return
    this.#tallies.delete(accountId)
    const account = await accounts.findById(accountId)
    if (account?.state === 'active') await onAccount(account, 'bounces')
  }

  #tallyOf(accountId: string): Tally {
    const tally = this.#tallies.get(accountId) ?? { refused: 0, all: 0 }
    this.#tallies.set(accountId, tally)
    const [first] = this.#tallies.keys()
    if (this.#tallies.size > SENDERS_MAX && first !== undefined) this.#tallies.delete(first)
    return tally
  }
}
