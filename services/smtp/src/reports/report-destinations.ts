/** Where a domain wants reports now: RFC 8460 §3, RFC 9989 §4.7, and whether those elsewhere agree (RFC 9990 §4). */
import type { ReportKind } from '@sealpost/ports'
import treeWalk from 'mailauth/lib/dmarc/get-dmarc-record.js'
import { type ReportUri, parseDmarcTags, parseDmarcUris, parseTlsReporting } from '@sealpost/mail'
import type { Resolver } from '../dns/resolver.ts'
import { mailauthResolver } from '../stages/authentication/mailauth-resolver.ts'

/** `unverified`: how many destinations elsewhere do not agree. */
export type Destinations =
  | { readonly result: 'found'; readonly uris: readonly ReportUri[]; readonly unverified: number }
  | { readonly result: 'failed' }

const NAME_CHARS_MAX = 253
const FAILED = { result: 'failed' } as const
const NONE = { result: 'found', uris: [], unverified: 0 } as const

/** `failed`: DNS does not answer now. */
export async function reportDestinations(
  kind: ReportKind,
  domain: string,
  resolver: Resolver,
): Promise<Destinations> {
  const answer = await resolver.txt(`${kind === 'tls' ? '_smtp._tls' : '_dmarc'}.${domain}`)
  if (answer.result !== 'found') return answer.result === 'failed' ? FAILED : NONE
  if (kind === 'tls') return { ...NONE, uris: parseTlsReporting(answer.records) }
  const [tags, ...others] = answer.records.flatMap((record) => parseDmarcTags(record) ?? [])
  if (tags === undefined || others.length > 0) return NONE
  return await verified(domain, parseDmarcUris(tags.get('rua') ?? ''), resolver)
}

async function verified(
  domain: string,
  uris: readonly ReportUri[],
  resolver: Resolver,
): Promise<Destinations> {
  const found: ReportUri[] = []
  for (const uri of uris) {
    const answer = await verify(domain, uri, resolver)
    if (answer === 'failed') return FAILED
    if (answer !== undefined) found.push(answer)
  }
  return { result: 'found', uris: found, unverified: uris.length - found.length }
}

/** Where the report goes instead, if the other side says so; undefined: it does not agree. */
async function verify(
  domain: string,
  uri: ReportUri,
  resolver: Resolver,
): Promise<ReportUri | 'failed' | undefined> {
  const host = hostOf(uri)
  try {
    const lookup = treeWalk.createRecordLookup(mailauthResolver(resolver))
    const [own, other] = [
      await treeWalk.getOrgDomain(domain, lookup),
      await treeWalk.getOrgDomain(host, lookup),
    ]
    if (own === other) return uri
  } catch {
    return 'failed'
  }
  const name = `${domain}._report._dmarc.${host}`
  if (name.length > NAME_CHARS_MAX) return undefined
  const answer = await resolver.txt(name)
  if (answer.result !== 'found') return answer.result === 'failed' ? 'failed' : undefined
  const [agreed, ...more] = answer.records.flatMap((record) => parseDmarcTags(record) ?? [])
  const rua = [agreed, ...more].map((tags) => tags?.get('rua')).find((text) => text !== undefined)
  if (agreed === undefined || rua === undefined) return agreed && uri
  // RFC 9990 §4: to the same host, or nowhere.
  const [instead] = parseDmarcUris(rua)
  return instead !== undefined && hostOf(instead) === host ? instead : undefined
}

function hostOf(uri: ReportUri): string {
  return uri.kind === 'mailto' ? uri.address.domain : uri.host
}
