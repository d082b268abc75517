/** RFC 6189 §5.1.6: z-base-32, in which the Web Key Directory writes hashes. Whole octets only. */

const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'
const BITS = 5

export function writeZBase32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let count = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff
    for (count += 8; count >= BITS; count -= BITS) text += ALPHABET[(pending >> (count - BITS)) & 31] ?? ''
  }
  return count === 0 ? text : text + (ALPHABET[(pending << (BITS - count)) & 31] ?? '')
}

/** Undefined when it is not of lower case, or no whole number of octets. */
export function readZBase32(text: string): Buffer | undefined {
  const bytes: number[] = []
  let pending = 0
  let count = 0
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return undefined
    pending = ((pending << BITS) | value) & 0xfff
    count += BITS
    if (count < 8) continue
    count -= 8
    bytes.push((pending >> count) & 0xff)
  }
  const rest = pending & ((1 << count) - 1)
  return count >= BITS || rest !== 0 ? undefined : Buffer.from(bytes)
}
