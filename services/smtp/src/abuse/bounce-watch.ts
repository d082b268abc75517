/** Whose mail is refused again and again writes to people who are not there or do not want it: as who bought a list, or whose password was stolen. */
import type { Account, Accounts } from '@sealpost/accounts'
import { formatAddress, type EmailAddress } from '@sealpost/mail'
import type { Clock, Supervisor } from '@sealpost/runtime'
import { mailboxJid } from '../local-mailbox.ts'
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
  readonly accounts: Pick<Accounts, 'find'>
  readonly domains: readonly string[]
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
        const { sender } = attempt.mail.envelope
        if (sender !== undefined) this.#options.supervisor.spawn(this.#count(sender, result.outcomes))
        return result
      },
    }
  }

  [Symbol.dispose](): void {
    this.#forgetting[Symbol.dispose]()
  }

  async #count(sender: EmailAddress, outcomes: readonly Outcome[]): Promise<void> {
    const { accounts, domains, onAccount } = this.#options
    const jid = mailboxJid(sender, domains)
    if (jid === undefined) return
    const tally = this.#tallyOf(formatAddress(sender).toLowerCase())
    for (const { result, reply } of outcomes) {
      if (result === 'deferred') continue
      tally.all += 1
      if (result === 'failed' && REFUSED.test(reply.status)) tally.refused += 1
    }
    if (tally.refused < REFUSED_MIN || tally.refused < tally.all * REFUSED_SHARE) return
    this.#tallies.delete(formatAddress(sender).toLowerCase())
    const account = await accounts.find(jid)
    if (account?.state === 'active') await onAccount(account, 'bounces')
  }

  #tallyOf(key: string): Tally {
    const tally = this.#tallies.get(key) ?? { refused: 0, all: 0 }
    this.#tallies.set(key, tally)
    const [first] = this.#tallies.keys()
    if (this.#tallies.size > SENDERS_MAX && first !== undefined) this.#tallies.delete(first)
    return tally
  }
}
