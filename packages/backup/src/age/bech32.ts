/** BIP 173: Bech32, which age writes its keys in, without the limit of ninety characters. */

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const CHECKSUM_WORDS = 6

/** In lower case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const words = regroup(bytes, 8, 5, true) ?? []
  const sum = polymod([...expand(prefix), ...words, ...Array.from({ length: CHECKSUM_WORDS }, () => 0)]) ^ 1
  const checksum = Array.from({ length: CHECKSUM_WORDS }, (_, index) => (sum >>> (5 * (5 - index))) & 31)
  return `${prefix}1${[...words, ...checksum].map((word) => ALPHABET[word]).join('')}`
}

/** The bytes of a text with this prefix, in either case; undefined when it is none. */
export function decodeBech32(prefix: string, text: string): Buffer | undefined {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return undefined
  if (!lower.startsWith(`${prefix}1`)) return undefined
  const words = Array.from(lower.slice(prefix.length + 1), (char) => ALPHABET.indexOf(char))
  if (words.length < CHECKSUM_WORDS || words.includes(-1)) return undefined
  if (polymod([...expand(prefix), ...words]) !== 1) return undefined
  const bytes = regroup(words.slice(0, -CHECKSUM_WORDS), 5, 8, false)
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

function expand(prefix: string): number[] {
  const codes = Array.from(prefix, (char) => char.charCodeAt(0))
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)]
}

function polymod(words: readonly number[]): number {
  let sum = 1
  for (const word of words) {
    const top = sum >>> 25
    sum = ((sum & 0x1ff_ffff) << 5) ^ word
    for (const [bit, value] of GENERATOR.entries()) if (((top >>> bit) & 1) === 1) sum ^= value
  }
  return sum >>> 0
}

/** Groups of `from` bits into groups of `to` bits; undefined when what is left over is not padding. */
function regroup(groups: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
  const out: number[] = []
  let [held, bits] = [0, 0]
  for (const group of groups) {
    held = ((held << from) | group) & 0xfff
    bits += from
    for (; bits >= to; bits -= to) out.push((held >>> (bits - to)) & ((1 << to) - 1))
  }
  const rest = (held << (to - bits)) & ((1 << to) - 1)
  if (pad) return bits > 0 ? [...out, rest] : out
  return bits < from && rest === 0 ? out : undefined
}
