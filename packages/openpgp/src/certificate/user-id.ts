/** RFC 9580 §5.11: the mail address in a user id. Conservative: what two readers could take for different addresses has none. */
import { domainToASCII, domainToUnicode } from 'node:url'

/** RFC 5321 §4.5.3.1 */
const ADDRESS_BYTES_MAX = 254
const LOCAL_PART_BYTES_MAX = 64

/** No white space, no control characters, no brackets, quotes or separators. */
const ADDRESS = /^([^\p{C}\p{Z}@<>()",;:\\[\]]+)@([^\p{C}\p{Z}@<>()",;:\\[\]]+)$/u

const ASCII_DOMAIN = /^[a-z0-9._-]+$/
/** `domainToASCII` would read over what else may stand in a URL. */
const DOMAIN = /^(?:[a-z0-9._-]|[^\0-\x7f])+$/

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined when it is not UTF-8. */
export function userIdText(body: Buffer): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}

/**
 * The form in which addresses are compared: lower case throughout, since no provider of note tells case apart, and the domain in U-labels (RFC 5890 §2.3.2.1), since
 * A-labels lead to the same mailbox. Undefined when it is no address.
 */
export function normalizeAddress(text: string): string | undefined {
  const [, localPart, written = ''] = ADDRESS.exec(text.normalize('NFC').toLowerCase()) ?? []
  const domain = normalizeDomain(written)
  if (localPart === undefined || domain === undefined) return undefined
  const address = `${localPart}@${domain}`
  if (Buffer.byteLength(localPart) > LOCAL_PART_BYTES_MAX) return undefined
  return Buffer.byteLength(address) > ADDRESS_BYTES_MAX ? undefined : address
}

function normalizeDomain(domain: string): string | undefined {
  if (ASCII_DOMAIN.test(domain) && !domain.includes('xn--')) return domain
  const ascii = DOMAIN.test(domain) ? domainToASCII(domain) : ''
  return ascii === '' ? undefined : domainToUnicode(ascii)
}

/** Of `Name <address>`, `<address>` and the bare address. */
export function addressOf(text: string): string | undefined {
  const open = text.indexOf('<')
  if (open < 0) return normalizeAddress(text.trim())
  const inner = text.slice(open + 1).trimEnd()
  return inner.endsWith('>') ? normalizeAddress(inner.slice(0, -1)) : undefined
}
