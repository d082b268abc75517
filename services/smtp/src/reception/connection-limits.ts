/** How many connections one client may have and open. Clients are told apart by keyed hashes of their networks, in memory, for a day. */
import { Blinding, Budgets, clientNetwork, Places } from '@sealpost/runtime'
import type { BudgetRate, Clock, Random } from '@sealpost/runtime'

/** At the same time. A household or a company behind one address has many mail clients. */
const AT_ONCE_MAX = 50
const OPENED: BudgetRate = { burst: 300, perSecond: 3 }
/** Networks remembered; beyond it the one not seen for longest is forgotten. */
const NETWORKS_MAX = 50_000

export class ConnectionLimits implements Disposable {
  readonly #blinding: Blinding
  readonly #opened: Budgets
  readonly #open = new Places({ keyMax: AT_ONCE_MAX })

  constructor(clock: Clock, random: Random) {
    this.#blinding = new Blinding(clock, random)
    this.#opened = new Budgets(OPENED, NETWORKS_MAX, clock)
  }

  /** A place, until it is disposed; undefined: the client has too many, or opens them too fast. */
  enter(address: string): Disposable | undefined {
    const key = this.#blinding.blind('client', clientNetwork(address))
    const place = this.#open.take(key)
    if (place === undefined || this.#opened.take(key)) return place
    place[Symbol.dispose]()
    return undefined
  }

  unlimited(): Disposable {
    return { [Symbol.dispose]: () => undefined }
  }

  [Symbol.dispose](): void {
    this.#blinding[Symbol.dispose]()
    this.#opened[Symbol.dispose]()
  }
}
