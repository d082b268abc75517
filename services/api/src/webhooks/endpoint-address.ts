/**
 * Where a webhook may lead: to https on a public address, or to networks that the operator names. A name is looked up for each attempt and the connection goes to the
 * very address that was judged, so that no answer of DNS leads inside between the two.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isSpecialAddress, parseNetworks, type Networks } from '@sealpost/config'

/** RFC 6890, RFC 6052, RFC 3056: not on the Internet, or ways to other addresses. */
const INDIRECT = parseNetworks([
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
])

export interface EndpointAddressOptions {
  /** Of the operator: addresses that are not public, and allowed. */
  readonly privateNetworks: Networks
  /** All addresses of a name; the system's resolver unless given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

export interface EndpointAddresses {
  /** Whether the text is an address to which webhooks may be sent, as far as it tells without asking DNS. */
  accepts(url: string): boolean
  /** The address to connect to; undefined: it has none, or one of them is not allowed. Throws what the resolver throws. */
  addressOf(url: URL): Promise<string | undefined>
}

export function endpointAddresses(options: EndpointAddressOptions): EndpointAddresses {
  const { privateNetworks, resolve = resolveBySystem } = options
  const isAllowed = (address: string): boolean =>
    privateNetworks.include(address) || !(isSpecialAddress(address) || INDIRECT?.include(address) === true)
  return {
    accepts(text) {
      const url = URL.parse(text)
      if (url === null || url.protocol !== 'https:' || url.hash !== '') return false
      if (url.username !== '' || url.password !== '') return false
      const host = hostOf(url)
      return isIP(host) === 0 || isAllowed(host)
    },
    async addressOf(url) {
      const host = hostOf(url)
      const addresses = isIP(host) === 0 ? await resolve(host) : [host]
      return addresses.every(isAllowed) ? addresses[0] : undefined
    },
  }
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

async function resolveBySystem(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}
