/** Domains that are not served here, and who speaks for them: external components (XEP-0114). What is sent there is handed over, and not kept. */
import { assert } from '@sealpost/errors'
import type { Element } from '@sealpost/stanza'

export interface Destination {
  /** Whether it would take anything now. */
  readonly present: boolean
  /** Takes a stanza for an address of its domain. Throws StanzaError when it cannot now. */
  take(stanza: Element): void
}

export class Destinations {
  readonly #byDomain = new Map<string, Destination>()

  /** Domains that answer now. */
  get present(): readonly string[] {
    return [...this.#byDomain].filter(([, { present }]) => present).map(([domain]) => domain)
  }

  find(domain: string): Destination | undefined {
    return this.#byDomain.get(domain)
  }

  add(domain: string, destination: Destination): void {
    assert(!this.#byDomain.has(domain), 'one speaks for a domain')
    this.#byDomain.set(domain, destination)
  }
}
