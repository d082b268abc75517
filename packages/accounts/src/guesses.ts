/**
 * How often a wrong password may be tried, whatever the protocol. A success costs nothing. Three bounds, each a token bucket: one name
 * from one client, one client whatever the names (a whole household or a carrier's NAT, so it is wide), and one name from everywhere.
 * The last would let strangers lock somebody out: it holds neither for clients that have signed in to that name today, nor for tokens, which
 * nobody guesses.
 */
import type { Jid } from '@sealpost/jid'
import { Blinding, type BudgetRate, Budgets, clientNetwork, type Clock, type Random } from '@sealpost/runtime'

export interface GuessLimits {
  readonly nameAndClient: BudgetRate
  readonly client: BudgetRate
  readonly name: BudgetRate
}

const guessLimits: GuessLimits = {
  nameAndClient: { burst: 10, perSecond: 1 / 90 },
  client: { burst: 300, perSecond: 1 / 2 },
  name: { burst: 100, perSecond: 1 / 9 },
}
/** Keys of each kind remembered; beyond it the one not used for longest is forgotten. */
const REMEMBERED_MAX = 20_000

export interface GuessesOptions {
  readonly clock: Clock
  readonly random: Random
  readonly limits?: GuessLimits
}

/** What is tried: for an account, or for another name in canonical form. */
export type Attempt = (AttemptFrom & { readonly jid: Jid }) | (AttemptFrom & { readonly name: string })

interface AttemptFrom {
  /** The address it comes from; undefined where nothing tells clients apart. */
  readonly client: string | undefined
  readonly secret: 'password' | 'token'
}

interface Bounds {
  /** Of which budgets it takes. */
  readonly taken: readonly (readonly [Budgets, string])[]
  readonly nameAndClient: string | undefined
}

/** One attempt, counted from its beginning, so that a thousand at once are no way around. */
export interface Guess {
  /** The password was right, or none was tried: it does not count. */
  forgive(): void
  /** It was right: the client is known for this name. */
  succeeded(): void
}

export class Guesses implements Disposable {
  readonly #blinding: Blinding
  readonly #nameAndClient: Budgets
  readonly #client: Budgets
  readonly #name: Budgets
  /** Clients that have signed in, each for its name; those not seen for longest first. */
  readonly #known = new Set<string>()

  constructor({ clock, random, limits = guessLimits }: GuessesOptions) {
    this.#blinding = new Blinding(clock, random, () => this.#forget())
    this.#nameAndClient = new Budgets(limits.nameAndClient, REMEMBERED_MAX, clock)
    this.#client = new Budgets(limits.client, REMEMBERED_MAX, clock)
    this.#name = new Budgets(limits.name, REMEMBERED_MAX, clock)
  }

  /** Whether `begin` would allow an attempt: to be asked before work is done for it. */
  allows(attempt: Attempt): boolean {
    return isWithin(this.#boundsOf(attempt))
  }

  /** Undefined: too many were wrong. */
  begin(attempt: Attempt): Guess | undefined {
    const bounds = this.#boundsOf(attempt)
    if (!isWithin(bounds)) return undefined
    for (const [budgets, key] of bounds.taken) budgets.take(key)
    const forgive = () => {
      for (const [budgets, key] of bounds.taken) budgets.giveBack(key)
    }
    return {
      forgive,
      succeeded: () => {
        forgive()
        if (bounds.nameAndClient !== undefined) this.#know(bounds.nameAndClient)
      },
    }
  }

  #boundsOf(attempt: Attempt): Bounds {
    const { client, secret } = attempt
    const bare = 'jid' in attempt ? attempt.jid.bare.toString() : attempt.name
    const name = [this.#name, this.#blinding.blind('name', bare)] as const
    if (client === undefined) return { taken: [name], nameAndClient: undefined }
    const network = clientNetwork(client)
    const nameAndClient = this.#blinding.blind('both', bare, network)
    const own = [
      [this.#nameAndClient, nameAndClient],
      [this.#client, this.#blinding.blind('client', network)],
    ] as const
    const taken = secret === 'token' || this.#known.has(nameAndClient) ? own : [...own, name]
    return { taken, nameAndClient }
  }

  #know(nameAndClient: string): void {
    this.#known.delete(nameAndClient)
    const [oldest] = this.#known
    if (oldest !== undefined && this.#known.size >= REMEMBERED_MAX) this.#known.delete(oldest)
    this.#known.add(nameAndClient)
  }

  #forget(): void {
    this.#nameAndClient.clear()
    this.#client.clear()
    this.#name.clear()
    this.#known.clear()
  }

  [Symbol.dispose](): void {
    this.#blinding[Symbol.dispose]()
    this.#nameAndClient[Symbol.dispose]()
    this.#client[Symbol.dispose]()
    this.#name[Symbol.dispose]()
    this.#known.clear()
  }
}

function isWithin({ taken }: Bounds): boolean {
  return taken.every(([budgets, key]) => budgets.allows(key))
}
