/** RFC 9580 §6, as chat carries it: XEP-0027 §4 sends the armor without its header and tail lines, XEP-0373 §3.1 plain Base64. */

/** Longest text looked at, in UTF-16 units. Stanzas are bounded far below it. */
export const OPENPGP_TEXT_LENGTH_MAX = 16 * 1024 * 1024

const CRC24_INIT = 0xb704ce // RFC 9580 §6.1
const CRC24_POLY = 0x864cfb

const CRC24_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 16
  for (let bit = 0; bit < 8; bit += 1) {
    crc <<= 1
    if ((crc & 0x1000000) !== 0) crc ^= 0x1000000 | CRC24_POLY
  }
  return crc
})

/** RFC 9580 §6.1 */
export function crc24(data: Buffer): number {
  let crc = CRC24_INIT
  for (const byte of data) crc = ((crc << 8) & 0xffffff) ^ (CRC24_TABLE[(crc >> 16) ^ byte] ?? 0)
  return crc
}

/** Base64 of RFC 4648 §4 in lines of any length, padded, without stray bits. */
function decodeBase64(text: string): Buffer | undefined {
  const dense = text.replaceAll(/[\t\n\r ]+/g, '')
  if (dense.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(dense)) return undefined
  const binary = Buffer.from(dense, 'base64')
  const last = binary.subarray(binary.length - (binary.length % 3 || 3)) // of the last four characters
  return last.toString('base64') === dense.slice(-4) ? binary : undefined
}

/**
 * What the text of an `encrypted` or `openpgp` element holds: Base64, perhaps followed by a line with a checksum. Undefined when the text is anything
 * else; so also for armor with its header lines, in which a comment could carry text in the clear. Bounds: 16 Mi characters; linear time.
 *
 * RFC 9580 §6.1 forbids readers to refuse a wrong checksum, so it is only looked at with `checkCrc`. That a checksum is there is no fault.
 */
export function decodeArmorOrBase64(text: string, options?: { checkCrc?: boolean }): Buffer | undefined {
  if (text.length > OPENPGP_TEXT_LENGTH_MAX || /[^\t\n\r\x20-\x7e]/.test(text)) return undefined
  const trimmed = text.trim()
  const footer = /[\n\r][\t ]*=([A-Za-z0-9+/]{4})$/.exec(trimmed.slice(-64))
  const binary = decodeBase64(footer ? trimmed.slice(0, trimmed.length - footer[0].length) : trimmed)
  if (binary === undefined || !footer || options?.checkCrc !== true) return binary
  return Buffer.from(footer[1] ?? '', 'base64').readUIntBE(0, 3) === crc24(binary) ? binary : undefined
}
