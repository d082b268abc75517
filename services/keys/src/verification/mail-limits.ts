/** How many mails somebody may cause, by address that gets them and by client that asks. Both are known as keyed hashes only, in memory, for a day. */
import { Blinding, type BudgetRate, Budgets, clientNetwork, type Clock, type Random } from '@sealpost/runtime'

export interface MailRates {
  readonly address: BudgetRate
  readonly client: BudgetRate
}

/** Three at once to one address, and three an hour; a client may be the door of many. */
const RATES: MailRates = {
  address: { burst: 3, perSecond: 3 / 3600 },
  client: { burst: 30, perSecond: 1 / 60 },
}
/** Keys of each kind remembered; beyond it the one not used for longest is forgotten. */
const REMEMBERED_MAX = 20_000

/** Who asked for a mail: anybody who names the address, or who has it. */
export type Asker = 'address' | 'owner'

export class MailLimits implements Disposable {
  readonly #blinding: Blinding
  readonly #address: Budgets
  readonly #client: Budgets

  constructor(clock: Clock, random: Random, rates: MailRates = RATES) {
    this.#blinding = new Blinding(clock, random, () => {
      this.#address.clear()
      this.#client.clear()
    })
    this.#address = new Budgets(rates.address, REMEMBERED_MAX, clock)
    this.#client = new Budgets(rates.client, REMEMBERED_MAX, clock)
  }

  /** Takes one mail; says whose limit is reached when it cannot. */
  take(address: string, client: string): 'taken' | 'address' | 'client' {
    const who = this.#blinding.blind('client', clientNetwork(client))
    const whom = this.#blinding.blind('address', address)
    if (!this.#client.allows(who)) return 'client'
    if (!this.#address.take(whom)) return 'address'
    this.#client.take(who)
    return 'taken'
  }

  /** The same for what came by mail: in the name of the address, or, as `owner`, certainly from it. An owner has mails of his own, which nobody else can use up. */
  takeByMail(address: string, from: Asker): boolean {
    return this.#address.take(this.#blinding.blind(from, address))
  }

  /** It was not sent. What the client took stays taken, so that a broken mail server is not asked for ever. */
  giveBack(address: string, from: Asker = 'address'): void {
    this.#address.giveBack(this.#blinding.blind(from, address))
  }

  [Symbol.dispose](): void {
    this.#blinding[Symbol.dispose]()
    this.#address[Symbol.dispose]()
    this.#client[Symbol.dispose]()
  }
}
