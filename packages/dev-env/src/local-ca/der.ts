/** ITU-T X.690: the few ASN.1 values of a certificate, written in DER. */

/** One value: tag, length, content. */
export function tlv(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const hex = length.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

export const sequence = (...items: Buffer[]): Buffer => tlv(0x30, ...items)
export const set = (...items: Buffer[]): Buffer => tlv(0x31, ...items)
export const octets = (content: Buffer): Buffer => tlv(0x04, content)
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))
export const TRUE = tlv(0x01, Buffer.from([0xff]))

/** [number] EXPLICIT. */
export const explicit = (number: number, content: Buffer): Buffer => tlv(0xa0 | number, content)

/** A non-negative integer, big-endian. */
export function integer(bytes: Buffer): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const trimmed = bytes.subarray(start)
  const sign = (trimmed[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []
  return tlv(0x02, ...sign, trimmed)
}

/** Whole octets. */
export const bitString = (content: Buffer): Buffer => tlv(0x03, Buffer.from([0]), content)

/** Named bits, the first of them number 0; as short as DER wants it. At most eight. */
export function namedBits(...bits: readonly number[]): Buffer {
  const value = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0)
  return tlv(0x03, Buffer.from([7 - Math.max(...bits), value]))
}

/** Dotted notation. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return tlv(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80)
  return bytes
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
export function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return Number(text.slice(0, 4)) < 2050
    ? tlv(0x17, Buffer.from(text.slice(2)))
    : tlv(0x18, Buffer.from(text))
}
