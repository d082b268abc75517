/** Names of XML (XML Names 1.0 §4), found in text of one character a byte (source.ts). */

const NCNAME =
  /^[A-Z_a-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2FF}\u{370}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}][-.0-9A-Z_a-z\u{B7}\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{203F}-\u{2040}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}]*$/u

const START = 1
const WITHIN = 2
const BEYOND_ASCII = 4

/** What a byte may be in a name. */
const classes = new Uint8Array(256).fill(BEYOND_ASCII, 0x80)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_')
  classes[char.charCodeAt(0)] = START | WITHIN
for (const char of '0123456789.-') classes[char.charCodeAt(0)] = WITHIN

/** Where the NCName that begins at `from` ends; -1 when there is none, or when it is not of ASCII alone. */
export function endOfAsciiName(text: string, from: number): number {
  if (((classes[text.charCodeAt(from)] ?? 0) & START) === 0) return -1
  let pos = from + 1
  while (((classes[text.charCodeAt(pos)] ?? 0) & WITHIN) !== 0) pos++
  return ((classes[text.charCodeAt(pos)] ?? 0) & BEYOND_ASCII) === 0 ? pos : -1
}

/** Where the run of bytes ends that could be an NCName in UTF-8. */
export function endOfNameBytes(text: string, from: number): number {
  let pos = from
  while (((classes[text.charCodeAt(pos)] ?? 0) & (WITHIN | BEYOND_ASCII)) !== 0) pos++
  return pos
}

export function isNcName(name: string): boolean {
  return NCNAME.test(name)
}
