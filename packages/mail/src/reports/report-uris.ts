/** Where a domain wants reports: `rua` of DMARC (RFC 9989 §4.7, §4.8) and of TLS reporting (RFC 8460 §3). */
import { type EmailAddress, parseAddress } from '../email-address.ts'

export type ReportUri =
  | {
      readonly kind: 'mailto'
      readonly uri: string
      readonly address: EmailAddress
      /** Of the whole mail; undefined: nothing is said (RFC 7489 §6.2, given up by RFC 9989, heeded all the same). */
      readonly bytesMax: number | undefined
    }
  | { readonly kind: 'https'; readonly uri: string; readonly host: string; readonly path: string }

/** RFC 9990 §3.5: up to the receiver's limits. */
const URIS_MAX = 5
const URI_CHARS_MAX = 500
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** TXT records of `_smtp._tls`; none where the domain wants no reports. */
export function parseTlsReporting(records: readonly string[]): ReportUri[] {
  const [record, ...others] = records.filter((text) => /^v=TLSRPTv1\s*;/.test(text))
  if (record === undefined || others.length > 0) return []
  const rua = record
    .split(';')
    .map((field) => field.trim())
    .find((field) => field.startsWith('rua='))
  return parseUris(rua?.slice(4) ?? '', ['mailto', 'https'])
}

/** Tags of one TXT record, names in lower case; undefined: it is no DMARC record, or names a tag twice. */
export function parseDmarcTags(record: string): ReadonlyMap<string, string> | undefined {
  if (!/^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/i.test(record) || !/DMARC1/.test(record)) return undefined
  const tags = new Map<string, string>()
  for (const field of record.split(';')) {
    const equals = field.indexOf('=')
    if (equals === -1) continue
    const name = field.slice(0, equals).trim().toLowerCase()
    if (tags.has(name)) return undefined
    tags.set(name, field.slice(equals + 1).trim())
  }
  return tags
}

/** The value of `rua` of a DMARC record: addresses, since no other scheme is defined. */
export function parseDmarcUris(rua: string): ReportUri[] {
  return parseUris(rua, ['mailto'])
}

/** RFC 9990 §3.5: those that are malformed are ignored. */
function parseUris(list: string, schemes: readonly ReportUri['kind'][]): ReportUri[] {
  return list
    .split(',')
    .flatMap((item) => parseUri(item.trim()) ?? [])
    .filter(({ kind }) => schemes.includes(kind))
    .slice(0, URIS_MAX)
}

function parseUri(text: string): ReportUri | undefined {
  if (text.length > URI_CHARS_MAX) return undefined
  const [, uri = '', size, unit = ''] = /^([^!\s]+)(?:!(\d{1,10})([kmgt]?))?$/i.exec(text) ?? []
  if (/^mailto:/i.test(uri)) {
    const address = parseMailto(uri)
    const bytesMax = size === undefined ? undefined : Number(size) * (UNITS[unit.toLowerCase()] ?? 1)
    return address && { kind: 'mailto', uri, address, bytesMax }
  }
  if (!/^https:\/\//i.test(uri) || !URL.canParse(uri)) return undefined
  const { hostname: host, port, username, password, pathname, search } = new URL(uri)
  // Another port, or a password, is nothing that a stranger's record may make us use.
  if (port !== '' || username !== '' || password !== '') return undefined
  return { kind: 'https', uri, host, path: pathname + search }
}

/** RFC 6068: the address; what else it says, such as a subject, is the reports' own business. */
function parseMailto(uri: string): EmailAddress | undefined {
  const [to = ''] = uri.slice('mailto:'.length).split('?')
  try {
    return parseAddress(decodeURIComponent(to))
  } catch {
    return undefined
  }
}
