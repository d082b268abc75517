/** Whether our own addresses are listed by the blocklists that the operator uses: then others refuse our mail, and nobody else would tell. */
import type { Clock } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import type { SmtpEvents } from '../events.ts'
import type { OperatorNotices } from './operator-notices.ts'
import { lookUp } from '../stages/blocklist.ts'
import { isSpecialAddress } from '@sealpost/config'

const CHECK_MS = 6 * 60 * 60_000
/** Addresses of one domain that are looked at. */
const ADDRESSES_MAX = 20

export interface OwnListingsOptions {
  readonly resolver: Resolver
  readonly zones: readonly string[]
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly notices: Pick<OperatorNotices, 'tell'>
  readonly events: Pick<SmtpEvents, 'ownAddressesListed'>
}

/** Every six hours, the first time after six hours, until disposed. Each listing is told once for as long as it stands. */
export function watchOwnListings(options: OwnListingsOptions): Disposable {
  let known: readonly string[] = []
  return options.clock.every(CHECK_MS, async () => {
    known = await checkOwnListings(options, known)
  })
}

/** The listings, `ADDRESS at ZONE`; those that are not among `known` are told. A list that does not answer changes nothing. */
export async function checkOwnListings(
  { resolver, zones, domains, notices, events }: OwnListingsOptions,
  known: readonly string[] = [],
): Promise<string[]> {
  const addresses = [...(await ownAddresses(resolver, domains))]
  const asked = zones.flatMap((zone) =>
    addresses.map(async (address) => {
      const listing = `${address} at ${zone}`
      const outcome = await lookUp(address, zone, resolver)
      return outcome === 'listed' || (outcome === 'failed' && known.includes(listing)) ? [listing] : []
    }),
  )
  const listings = (await Promise.all(asked)).flat()
  events.ownAddressesListed(listings.length)
  const added = listings.filter((listing) => !known.includes(listing))
  if (added.length > 0)
    notices.tell('Our address is on a blocklist', [
      'Others refuse mail of this server for as long as it is listed:',
      '',
      ...added.map((listing) => `    ${listing}`),
      '',
      'Find out why (ctl account mail-reviews, ctl mail desk list), mend it, and',
      'ask the list to take the address off.',
    ])
  return listings
}

/** Those of the mail servers that our domains name, or of the domains themselves (RFC 5321 §5.1): the world sees us there. */
async function ownAddresses(resolver: Resolver, domains: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>()
  for (const domain of domains) {
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
