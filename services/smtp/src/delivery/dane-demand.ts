/** RFC 7672: what the DANE records of a mail server ask of a connection. The server's name is vouched for by DNSSEC, from the domain on. */
import type { TlsPolicy } from '@sealpost/mail'
import type { Resolver } from '../dns/resolver.ts'
import type { Reply } from '../queue/mail-record.ts'
import { ownReply } from './session-error.ts'
import { type TlsDemand, usableRecords } from './tls-demand.ts'
import type { TlsFault } from './tls-failure.ts'
import { danePolicy } from './tls-policy.ts'

/** What a connection has to be, and by which policy. */
export interface Demand {
  readonly tls: TlsDemand
  /** By which the domain says so; undefined: nobody is told of the session. */
  readonly policy: TlsPolicy | undefined
  /** The domain tries its policy out (RFC 8461 §5): a certificate that would break it is told, and nothing done. */
  readonly testing?: boolean
  /** What is known to be wrong without a connection; told, and nothing done. */
  readonly known?: TlsFault
}

export interface Refusal {
  readonly reply: Reply
  readonly policy?: TlsPolicy
  readonly fault?: TlsFault
}

/** Aliases of aliases. */
const ALIASES_MAX = 12

/** RFC 7672 §2.2.2: of an alias that is vouched for, the records of the name at its end come first. Undefined: there are none. */
export async function daneDemand(
  resolver: Pick<Resolver, 'cname' | 'tlsa'>,
  host: string,
  port: number,
): Promise<Demand | Refusal | undefined> {
  let end = host
  let alias = await resolver.cname(host)
  for (let aliases = 0; alias.result === 'found' && alias.secure && aliases < ALIASES_MAX; aliases++) {
    end = alias.records[0] ?? end
    alias = await resolver.cname(end)
  }
  if (alias.result === 'failed') return notLookedUp(host)
  const records = (name: string, names: readonly string[]): Promise<Demand | Refusal | undefined> =>
    recordsDemand(resolver, { name, names, port })
  const ofEnd = end !== host && alias.result === 'none' ? await records(end, [end, host]) : undefined
  return ofEnd ?? (await records(host, [host]))
}

/** `names`: one of which a certificate must have that an authority vouches for. */
async function recordsDemand(
  resolver: Pick<Resolver, 'tlsa'>,
  { name, names, port }: { readonly name: string; readonly names: readonly string[]; readonly port: number },
): Promise<Demand | Refusal | undefined> {
  const answer = await resolver.tlsa(`_${String(port)}._tcp.${name}`)
  // RFC 7672 §2.1.2: whoever suppresses the answer must not get the mail.
  if (answer.result === 'failed') return notLookedUp(name)
  if (answer.result !== 'found' || !answer.secure) return undefined
  const records = usableRecords(answer.records)
  const policy = danePolicy(name, answer.records)
  return records.length > 0
    ? { tls: { kind: 'dane', records, names }, policy }
    : { tls: { kind: 'encrypted' }, policy, known: { type: 'tlsa-invalid' } }
}

function notLookedUp(host: string): Refusal {
  return {
    reply: ownReply(451, '4.7.5', 'The DANE records of the server cannot be looked up'),
    policy: danePolicy(host, []),
    fault: { type: 'dnssec-invalid' },
  }
}
