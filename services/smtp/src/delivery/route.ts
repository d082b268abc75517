/** RFC 5321 §5.1: the servers that take mail for a domain, the preferred first. RFC 7505: a domain that takes none. */
import { BlockList, isIP } from 'node:net'
import type { Random } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import type { Outcome } from '../queue/carrier.ts'
import { ownReply } from './session-error.ts'

export interface MailHost {
  readonly name: string
  readonly addresses: readonly string[]
  /** DNSSEC vouches for the name, from the domain on, and for its addresses. */
  readonly secure: boolean
}

export type Route = { readonly hosts: readonly MailHost[] } | { readonly outcome: Outcome }

export interface RouteOptions {
  readonly resolver: Pick<Resolver, 'mx' | 'addresses'>
  readonly random: Random
  /** Names under which others find us: mail that would come back is not sent. */
  readonly ownNames: readonly string[]
  /** Addresses where no mail goes. */
  readonly forbidden: Pick<BlockList, 'check'>
}

const HOSTS_MAX = 5
const ADDRESSES_MAX = 4

const failed = (code: number, status: string, text: string): Route => ({
  outcome: { result: 'failed', reply: ownReply(code, status, text) },
})
const deferred = (status: string, text: string): Route => ({
  outcome: { result: 'deferred', reply: ownReply(451, status, text) },
})
const NO_DNS = deferred('4.4.3', 'The domain cannot be looked up now')
const NO_DOMAIN = failed(550, '5.1.2', 'The domain does not exist, or has no mail server')
const NO_MAIL = failed(556, '5.1.10', 'The domain takes no mail') // RFC 7505 §4.2
const LOOP = failed(550, '5.4.6', 'Mail for this domain would come back here')
const FORBIDDEN = failed(550, '5.4.4', 'The mail servers of the domain have no address where mail may go')

/** Loopback, private, link-local, shared, documentation, multicast: nobody out there is meant by these. */
export function privateAddresses(): BlockList {
  const list = new BlockList()
  const four = [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/3',
  ]
  const six = [
    '::/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001:db8::/32',
    'fc00::/7',
    'fe80::/10',
    'ff00::/8',
  ]
  for (const [type, networks] of [
    ['ipv4', four],
    ['ipv6', six],
  ] as const)
    for (const network of networks) {
      const [address = '', length] = network.split('/')
      list.addSubnet(address, Number(length), type)
    }
  return list
}

export async function findRoute(domain: string, options: RouteOptions): Promise<Route> {
  if (domain.startsWith('[')) return literalRoute(domain, options)
  const answer = await options.resolver.mx(domain)
  if (answer.result === 'failed') return NO_DNS
  if (answer.result === 'none') return hostsOf([domain], answer.secure, options, NO_DOMAIN) // The implicit MX.
  const records = answer.records.filter(({ exchange }) => exchange !== '')
  if (records.length === 0) return NO_MAIL
  const sorted = shuffled(records, options.random).toSorted((a, b) => a.preference - b.preference)
  const own = sorted.find(({ exchange }) => options.ownNames.includes(exchange.toLowerCase()))
  const names = sorted
    .filter(({ preference }) => own === undefined || preference < own.preference)
    .map(({ exchange }) => exchange.toLowerCase())
  if (names.length === 0) return LOOP
  return hostsOf([...new Set(names)], answer.secure, options, NO_DOMAIN)
}

/** RFC 5321 §4.1.3. */
function literalRoute(domain: string, { forbidden }: RouteOptions): Route {
  const address = domain.slice(1, -1).replace(/^IPv6:/i, '')
  if (isIP(address) === 0) return NO_DOMAIN
  if (isForbidden(address, forbidden)) return FORBIDDEN
  return { hosts: [{ name: address, addresses: [address], secure: false }] }
}

async function hostsOf(
  names: readonly string[],
  secure: boolean,
  { resolver, forbidden }: RouteOptions,
  none: Route,
): Promise<Route> {
  const hosts: MailHost[] = []
  let [isUnknown, isForbiddenSeen] = [false, false]
  for (const name of names) {
    if (hosts.length === HOSTS_MAX) break
    const answer = await resolver.addresses(name)
    if (answer.result === 'failed') isUnknown = true
    if (answer.result !== 'found') continue
    const addresses = answer.records.filter((address) => !isForbidden(address, forbidden))
    if (addresses.length < answer.records.length) isForbiddenSeen = true
    if (addresses.length > 0)
      hosts.push({
        name,
        addresses: alternating(addresses).slice(0, ADDRESSES_MAX),
        secure: secure && answer.secure,
      })
  }
  if (hosts.length > 0) return { hosts }
  if (isUnknown) return NO_DNS
  return isForbiddenSeen ? FORBIDDEN : none
}

/** IPv4-mapped addresses are what they map. */
function isForbidden(address: string, forbidden: RouteOptions['forbidden']): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  return forbidden.check(mapped, isIP(mapped) === 4 ? 'ipv4' : 'ipv6')
}

/** RFC 8305 in short: families take turns, so that a family without a way costs one attempt. */
function alternating(addresses: readonly string[]): string[] {
  const six = addresses.filter((address) => isIP(address) === 6)
  const four = addresses.filter((address) => isIP(address) === 4)
  return Array.from({ length: Math.max(six.length, four.length) }, (_, index) => [six[index], four[index]])
    .flat()
    .filter((address) => address !== undefined)
}

/** RFC 5321 §5.1: equal preferences in random order. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, order: random.bytes(4).readUInt32BE() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
