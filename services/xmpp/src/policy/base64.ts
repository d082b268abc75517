/** Base64 as protocols send it (RFC 4648 §4): with line breaks allowed, otherwise strict. */

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const BASE64_SPACED = /^[A-Za-z0-9+/\s]*={0,2}\s*$/

/** Decoded length in bytes, or undefined when the text is not base64. */
export function base64Length(text: string): number | undefined {
  let compact = text
  if (!BASE64.test(text)) {
    if (!BASE64_SPACED.test(text)) return undefined
    compact = text.replace(/\s+/g, '')
  }
  if (compact.length % 4 !== 0) return undefined
  const padding = compact.endsWith('==') ? 2 : compact.endsWith('=') ? 1 : 0
  return (compact.length / 4) * 3 - padding
}

/** The bytes, or undefined when the text is not base64. */
export function decodeBase64(text: string): Buffer | undefined {
  return base64Length(text) === undefined ? undefined : Buffer.from(text, 'base64')
}
