/** DNS as an operator looks into it: no cache, and records as a zone file writes them (RFC 1035 §5.1), names in lower case without the last dot. */
import { Resolver } from 'node:dns/promises'
import { errorCode } from '@sealpost/errors'

export const RECORD_TYPES = ['A', 'AAAA', 'MX', 'TXT', 'SRV', 'CAA', 'PTR'] as const
export type RecordType = (typeof RECORD_TYPES)[number]

/** Of PTR, `name` is the IP address. Empty: it is certain that there are none. Undefined: nobody knows now. Never rejects. */
export type LookUp = (name: string, type: RecordType) => Promise<readonly string[] | undefined>

const TIMEOUT_MS = 2_000
const TRIES = 2
const RECORDS_MAX = 50
const CERTAINLY_NONE = new Set(['ENOTFOUND', 'ENODATA'])

/** `servers`: recursive resolvers, `ADDRESS` or `ADDRESS:PORT`; those of the system when there are none. */
export function createLookUp(servers: readonly string[]): LookUp {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers)
  return async (name, type) => {
    try {
      return (await ASK[type](resolver, name)).slice(0, RECORDS_MAX)
    } catch (error) {
      return CERTAINLY_NONE.has(errorCode(error)) ? [] : undefined
    }
  }
}

type Ask = (resolver: Resolver, name: string) => Promise<string[]>

const ASK: Readonly<Record<RecordType, Ask>> = {
  A: (resolver, name) => resolver.resolve4(name),
  AAAA: (resolver, name) => resolver.resolve6(name),
  MX: async (resolver, name) =>
    (await resolver.resolveMx(name)).map(({ priority, exchange }) => `${String(priority)} ${bare(exchange)}`),
  TXT: async (resolver, name) => (await resolver.resolveTxt(name)).map((strings) => strings.join('')),
  SRV: async (resolver, name) =>
    (await resolver.resolveSrv(name)).map(
      ({ priority, weight, port, name: target }) =>
        `${String(priority)} ${String(weight)} ${String(port)} ${bare(target)}`,
    ),
  CAA: async (resolver, name) =>
    (await resolver.resolveCaa(name)).map(({ critical, ...tagged }) => {
      const [tag = '', value = ''] = Object.entries(tagged)[0] ?? []
      return `${String(critical)} ${tag} "${value}"`
    }),
  PTR: async (resolver, name) => (await resolver.reverse(name)).map(bare),
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
