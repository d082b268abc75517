/** Policies of MTA-STS that are known (RFC 8461 §5), the latest that were asked for, within bounds that hold whatever domains publish. */
import type { StsPolicy } from './mta-sts.ts'

export interface KnownPolicy {
  /** Of the record in DNS. */
  readonly id: string
  /** Undefined: there was none to be had. */
  readonly policy: StsPolicy | undefined
  /** Milliseconds since the epoch: it holds until then. */
  readonly until: number
  /** Not fetched again before. */
  readonly againAt: number
}

const POLICIES_MAX = 10_000
/** Of all names of mail servers together. */
const CHARACTERS_MAX = 4 * 1024 * 1024

export class KnownPolicies {
  readonly #known = new Map<string, KnownPolicy>()
  #characters = 0
  /** Since it was last set back: what is worth keeping has changed. */
  isChanged = false

  get(domain: string): KnownPolicy | undefined {
    return this.#known.get(domain)
  }

  keep(domain: string, known: KnownPolicy): void {
    if (known.policy !== this.get(domain)?.policy) this.isChanged = true
    this.#drop(domain)
    this.#known.set(domain, known)
    this.#characters += charactersOf(domain, known)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= POLICIES_MAX && this.#characters <= CHARACTERS_MAX) break
      this.#drop(oldest)
    }
  }

  /** Those that hold, the latest last. */
  holding(now: number): (readonly [domain: string, known: KnownPolicy, policy: StsPolicy])[] {
    return [...this.#known].flatMap(([domain, known]) =>
      known.policy !== undefined && known.until > now ? [[domain, known, known.policy] as const] : [],
    )
  }

  #drop(domain: string): void {
    const known = this.#known.get(domain)
    if (known === undefined) return
    this.#known.delete(domain)
    this.#characters -= charactersOf(domain, known)
  }
}

function charactersOf(domain: string, { policy }: KnownPolicy): number {
  return (policy?.mx ?? []).reduce((sum, name) => sum + name.length, domain.length)
}
