/** Our resolver in the shape of `dns.promises.resolve`, as mailauth asks. */
import type { DnsAnswer, Resolver } from '../../dns/resolver.ts'

/** What node:dns throws, of which mailauth reads the code only. */
class LookupError extends Error {
  override readonly name = 'LookupError'
  readonly code: 'ENOTFOUND' | 'ENODATA' | 'ESERVFAIL'

  constructor(code: LookupError['code']) {
    super(`DNS answers ${code}`)
    this.code = code
  }
}

/** Throws LookupError. */
export type MailauthResolver = (name: string, type: string) => Promise<string[][] | string[]>

export function mailauthResolver(resolver: Resolver): MailauthResolver {
  return async (name, type) => {
    switch (type) {
      case 'A':
        return records(await resolver.ipv4(name))
      case 'AAAA':
        return records(await resolver.ipv6(name))
      case 'CNAME':
        return records(await resolver.cname(name))
      case 'MX': {
        const list = records(await resolver.mx(name))
        // The types of mailauth do not say that MX records are objects.
        return list.map(({ preference, exchange }) => ({
          priority: preference,
          exchange,
        })) as unknown as string[]
      }
      case 'PTR':
        return records(await resolver.ptr(addressOf(name)))
      case 'TXT':
        return records(await resolver.txt(name)).map((text) => [text])
      default:
        throw new LookupError('ENODATA')
    }
  }
}

function records<T>(answer: DnsAnswer<T>): T[] {
  if (answer.result === 'found') return [...answer.records]
  if (answer.result === 'failed') throw new LookupError('ESERVFAIL')
  throw new LookupError(answer.exists ? 'ENODATA' : 'ENOTFOUND')
}

/** The address in a name below in-addr.arpa or ip6.arpa, which mailauth has put together. */
function addressOf(name: string): string {
  const [, octets] = /^([\d.]+)\.in-addr\.arpa$/i.exec(name) ?? []
  if (octets !== undefined) return octets.split('.').toReversed().join('.')
  const nibbles = name
    .replace(/\.ip6\.arpa$/i, '')
    .split('.')
    .toReversed()
    .join('')
  return nibbles.match(/.{1,4}/g)?.join(':') ?? ''
}
