/** RFC 5321 §4.1.2, RFC 6531 §3.3: an address as the envelope has it. */
import { domainToASCII, domainToUnicode } from 'node:url'

export interface EmailAddress {
  /** As it was written, quotes taken off. Its case is the receiver's business. */
  readonly local: string
  /** A-labels in lower case, or an address literal with its brackets. */
  readonly domain: string
}

/** RFC 5321 §4.5.3.1: octets. */
const LOCAL_BYTES_MAX = 64
const DOMAIN_BYTES_MAX = 255

const ATOM = String.raw`[\w!#$%&'*+\-/=?^{|}~\u0060\u0080-\u{10FFFF}]+`
const DOT_STRING = new RegExp(`^${ATOM}(?:\\.${ATOM})*$`, 'u')
const QUOTED_STRING = /^"((?:[ !#-[\]-~\u0080-\u{10FFFF}]|\\[ -~])*)"$/u
const LITERAL = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[\dA-Fa-f:.]{2,45})\]$/
const LABELS = /^(?:[\da-z_](?:[\da-z_-]{0,61}[\da-z])?)(?:\.[\da-z_](?:[\da-z_-]{0,61}[\da-z])?)*$/
/** `domainToASCII` would read over what else may stand in a URL. */
const LETTERS = /^[\w.\-\u0080-\u{10FFFF}]+$/u

/** `local@domain` without angle brackets; undefined when it is none. */
export function parseAddress(text: string): EmailAddress | undefined {
  const at = text.lastIndexOf('@')
  if (at < 1) return undefined
  const local = parseLocal(text.slice(0, at))
  const domain = parseDomain(text.slice(at + 1))
  return local === undefined || domain === undefined ? undefined : { local, domain }
}

/** The address as it is written in an envelope: quoted where it has to be. The domain stays in A-labels unless `unicode`. */
export function formatAddress({ local, domain }: EmailAddress, { unicode = false } = {}): string {
  const written = DOT_STRING.test(local) ? local : `"${local.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  return `${written}@${unicode ? domainToUnicode(domain) : domain}`
}

function parseLocal(text: string): string | undefined {
  if (Buffer.byteLength(text) > LOCAL_BYTES_MAX) return undefined
  if (DOT_STRING.test(text)) return text
  return QUOTED_STRING.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1')
}

function parseDomain(text: string): string | undefined {
  if (LITERAL.test(text)) return text
  if (text.startsWith('[') || Buffer.byteLength(text) > DOMAIN_BYTES_MAX) return undefined
  if (!LETTERS.test(text)) return undefined
  const domain = domainToASCII(text)
  return LABELS.test(domain) && domain.length <= DOMAIN_BYTES_MAX ? domain : undefined
}
