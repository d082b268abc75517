/** DNS as the relay uses it. Injected, so that tests answer for the world. */

/**
 * What a name has. `none`: it is certain that there is nothing: either no such name (`exists` false, RFC 8020) or nothing of the type. `failed`: nobody knows now
 * (SERVFAIL, timeout).
 */
export type DnsAnswer<T> =
  | { readonly result: 'found'; readonly records: readonly T[]; readonly secure: boolean }
  | { readonly result: 'none'; readonly exists: boolean; readonly secure: boolean }
  | { readonly result: 'failed' }

export interface MxRecord {
  readonly preference: number
  /** Empty: the domain takes no mail (RFC 7505). */
  readonly exchange: string
}

export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Buffer
}

/**
 * `secure` of an answer: validated by DNSSEC (the AD bit of a resolver that the operator trusts). Names are A-labels, in any case; those of answers are in lower
 * case. Aliases are followed. Answers are cached by their TTL within bounds; a question takes five seconds at most and never throws.
 */
export interface Resolver {
  mx(domain: string): Promise<DnsAnswer<MxRecord>>
  /** A and AAAA together. */
  addresses(host: string): Promise<DnsAnswer<string>>
  ipv4(host: string): Promise<DnsAnswer<string>>
  ipv6(host: string): Promise<DnsAnswer<string>>
  /** Strings of each record joined. */
  txt(name: string): Promise<DnsAnswer<string>>
  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>>
  /** Host names of an IP address. */
  ptr(address: string): Promise<DnsAnswer<string>>
  /** What the name itself is an alias of. */
  cname(name: string): Promise<DnsAnswer<string>>
}
