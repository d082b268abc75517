/** Whether our own addresses are listed by the blocklists that the operator uses: then others refuse our mail, and nobody else would tell. */
import { domainToASCII } from 'node:url'
import type { Clock } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import type { SmtpEvents } from '../events.ts'
import { lookUp } from '../stages/blocklist.ts'
import { isSpecialAddress } from '../stages/special-addresses.ts'

const CHECK_MS = 6 * 60 * 60_000
/** Addresses of one domain that are looked at. */
const ADDRESSES_MAX = 20

export interface OwnListingsOptions {
  readonly resolver: Resolver
  readonly zones: readonly string[]
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'ownAddressesListed'>
}

/** Every six hours, the first time after six hours, until disposed. */
export function watchOwnListings(options: OwnListingsOptions): Disposable {
  return options.clock.every(CHECK_MS, () => checkOwnListings(options))
}

export async function checkOwnListings(options: OwnListingsOptions): Promise<void> {
  const { resolver, zones, domains, events } = options
  const addresses = [...(await ownAddresses(resolver, domains))]
  const lookups = zones.flatMap((zone) => addresses.map((address) => lookUp(address, zone, resolver)))
  const outcomes = await Promise.all(lookups)
  events.ownAddressesListed(outcomes.filter((outcome) => outcome === 'listed').length)
}

/** Those of the mail servers that our domains name, or of the domains themselves (RFC 5321 §5.1): the world sees us there. */
async function ownAddresses(resolver: Resolver, domains: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>()
  for (const domain of domains.map((name) => domainToASCII(name))) {
    const mx = await resolver.mx(domain)
    const hosts = mx.result === 'found' ? mx.records.map(({ exchange }) => exchange) : [domain]
    for (const host of hosts.slice(0, ADDRESSES_MAX)) {
      const answer = await resolver.addresses(host)
      const addresses = answer.result === 'found' ? answer.records : []
      for (const address of addresses.slice(0, ADDRESSES_MAX))
        if (!isSpecialAddress(address)) found.add(address)
    }
  }
  return found
}
