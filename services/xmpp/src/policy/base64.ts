/**
 * Base64 as protocols send it (RFC 4648 §4): padded, in one run or in lines. A space inside a line is refused: words
 * would pass for Base64.
 */

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const LINE_BREAK = /[\t ]*\r?\n[\t ]*/g

/** Decoded length in bytes, or undefined when the text is not Base64. */
export function base64Length(text: string): number | undefined {
  if (BASE64.test(text)) return lengthOf(text)
  const compact = text.trim().replace(LINE_BREAK, '')
  return BASE64.test(compact) ? lengthOf(compact) : undefined
}

function lengthOf(compact: string): number | undefined {
  if (compact.length % 4 !== 0) return undefined
  const padding = compact.endsWith('==') ? 2 : compact.endsWith('=') ? 1 : 0
  return (compact.length / 4) * 3 - padding
}
