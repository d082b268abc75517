/** RFC 9580 §5.2.3.7: subpackets of a signature. */

export interface Subpacket {
  readonly type: number
  readonly critical: boolean
  readonly body: Buffer
}

/** RFC 9580 §5.2.3.7 */
export const SubpacketType = {
  signatureCreation: 2,
  signatureExpiration: 3,
  exportable: 4,
  keyExpiration: 9,
  issuerKeyId: 16,
  notation: 20,
  primaryUserId: 25,
  keyFlags: 27,
  revocationReason: 29,
  embeddedSignature: 32,
  issuerFingerprint: 33,
} as const

/** Those whose meaning cannot surprise us. Notations are known by name only, and we know no name. RFC 9580 §5.2.3.24 */
const KNOWN: ReadonlySet<number> = new Set([
  2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 16, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 39,
])

/** Of one area. People's signatures have a dozen. */
const SUBPACKETS_MAX = 128

/** Undefined when the lengths do not add up, and for more than anybody needs. */
export function readSubpackets(area: Buffer): Subpacket[] | undefined {
  const subpackets: Subpacket[] = []
  let offset = 0
  while (offset < area.length) {
    const first = area[offset] ?? 0
    let length = first
    let start = offset + 1
    if (first === 255) {
      if (offset + 5 > area.length) return undefined
      length = area.readUInt32BE(offset + 1)
      start = offset + 5
    } else if (first >= 192) {
      length = ((first - 192) << 8) + (area[offset + 1] ?? 0) + 192
      start = offset + 2
    }
    const end = start + length
    const type = area[start]
    if (length === 0 || type === undefined || end > area.length || subpackets.length === SUBPACKETS_MAX)
      return undefined
    subpackets.push({ type: type & 0x7f, critical: type >= 0x80, body: area.subarray(start + 1, end) })
    offset = end
  }
  return subpackets
}

/** RFC 9580 §5.2.3.7: a critical subpacket that we do not understand makes the signature void, for us. */
export function hasUnknownCritical(subpackets: readonly Subpacket[]): boolean {
  return subpackets.some(({ critical, type }) => critical && !KNOWN.has(type))
}

/** A subpacket as it is written. */
export function frameSubpacket({ type, critical, body }: Subpacket): Buffer {
  const length = body.length + 1
  const tag = critical ? type | 0x80 : type
  if (length < 192) return Buffer.concat([Buffer.from([length, tag]), body])
  if (length < 16_320)
    return Buffer.concat([Buffer.from([((length - 192) >> 8) + 192, (length - 192) & 0xff, tag]), body])
  const header = Buffer.from([0xff, 0, 0, 0, 0, tag])
  header.writeUInt32BE(length, 1)
  return Buffer.concat([header, body])
}
