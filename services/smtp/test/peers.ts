/** What the delivery of tests stands on: a world whose DNS is a table, and no signatures. */
import type { DnsAnswer, MxRecord, Resolver, TlsaRecord } from '../src/dns/resolver.ts'
import type { Signer } from '../src/signing/signer.ts'

export interface World {
  readonly mx?: Readonly<Record<string, readonly MxRecord[]>>
  readonly addresses?: Readonly<Record<string, readonly string[]>>
  readonly txt?: Readonly<Record<string, readonly string[]>>
  readonly cname?: Readonly<Record<string, readonly string[]>>
  readonly tlsa?: Readonly<Record<string, readonly TlsaRecord[]>>
  /** Names whose answers DNSSEC vouches for, and names that nobody answers for. */
  readonly secure?: readonly string[]
  readonly failing?: readonly string[]
}

/** The table is read at each question, so that a test may change it. */
export function resolverOf(world: () => World): Resolver {
  const answer = <T>(
    table: Readonly<Record<string, readonly T[]>> | undefined,
    name: string,
  ): Promise<DnsAnswer<T>> => {
    const { secure = [], failing = [] } = world()
    if (failing.includes(name)) return Promise.resolve({ result: 'failed' })
    const records = table?.[name]
    const isSecure = secure.includes(name)
    return Promise.resolve(
      records === undefined
        ? { result: 'none', exists: false, secure: isSecure }
        : { result: 'found', records, secure: isSecure },
    )
  }
  return {
    mx: (domain) => answer(world().mx, domain),
    addresses: (host) => answer(world().addresses, host),
    ipv4: (host) => answer(world().addresses, host),
    ipv6: () => Promise.resolve({ result: 'none', exists: false, secure: false }),
    txt: (name) => answer(world().txt, name),
    tlsa: (name) => answer(world().tlsa, name),
    ptr: () => Promise.resolve({ result: 'none', exists: false, secure: false }),
    cname: (name) => answer(world().cname, name),
  }
}

export const noDns = resolverOf(() => ({}))
export const unsigned: Signer = { sign: () => Promise.resolve(Buffer.alloc(0)) }
