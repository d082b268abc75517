/** RFC 9580 §5.11: the mail address in a user id. Conservative: what two readers could take for different addresses has none. */

/** RFC 5321 §4.5.3.1 */
const ADDRESS_BYTES_MAX = 254
const LOCAL_PART_BYTES_MAX = 64

/** No white space, no control characters, no brackets, quotes or separators. */
const ADDRESS = /^([^\p{C}\p{Z}@<>()",;:\\[\]]+)@([^\p{C}\p{Z}@<>()",;:\\[\]]+)$/u

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined when it is not UTF-8. */
export function userIdText(body: Buffer): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}

/** The form in which addresses are compared: lower case throughout, since no provider of note tells case apart. Undefined when it is no address. */
export function normalizeAddress(text: string): string | undefined {
  const address = text.normalize('NFC').toLowerCase()
  const localPart = ADDRESS.exec(address)?.[1]
  if (localPart === undefined || Buffer.byteLength(address) > ADDRESS_BYTES_MAX) return undefined
  return Buffer.byteLength(localPart) > LOCAL_PART_BYTES_MAX ? undefined : address
}

/** Of `Name <address>`, `<address>` and the bare address. */
export function addressOf(text: string): string | undefined {
  const open = text.indexOf('<')
  if (open < 0) return normalizeAddress(text.trim())
  const inner = text.slice(open + 1).trimEnd()
  return inner.endsWith('>') ? normalizeAddress(inner.slice(0, -1)) : undefined
}
