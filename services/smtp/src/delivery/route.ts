/** RFC 5321 §5.1: the servers that take mail for a domain, the preferred first. RFC 7505: a domain that takes none. */
import { isIP } from 'node:net'
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
  /** Where mail may go. */
  readonly allows: (address: string) => boolean
}

const HOSTS_MAX = 5
/** Names of servers that are looked up for them: an answer of DNS has room for thousands, each of which may take its time. */
const NAMES_MAX = 10
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
  return hostsOf([...new Set(names)].slice(0, NAMES_MAX), answer.secure, options, NO_DOMAIN)
}

/** RFC 5321 §4.1.3. */
function literalRoute(domain: string, { allows }: RouteOptions): Route {
  const address = domain.slice(1, -1).replace(/^IPv6:/i, '')
  if (isIP(address) === 0) return NO_DOMAIN
  if (!allows(address)) return FORBIDDEN
  return { hosts: [{ name: address, addresses: [address], secure: false }] }
}

async function hostsOf(
  names: readonly string[],
  secure: boolean,
  { resolver, allows }: RouteOptions,
  none: Route,
): Promise<Route> {
  const hosts: MailHost[] = []
  let [isUnknown, isForbiddenSeen] = [false, false]
  for (const name of names) {
    if (hosts.length === HOSTS_MAX) break
    const answer = await resolver.addresses(name)
    if (answer.result === 'failed') isUnknown = true
    if (answer.result !== 'found') continue
    const addresses = answer.records.filter(allows)
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
