/** RFC 9580 §4.2: where each packet begins and ends. Reads lengths only; never copies, never throws. */

/** Packet Type IDs of RFC 9580 §5, and that of GnuPG's encrypted data packet (draft-koch-librepgp §5.16). */
export const PacketType = {
  publicKeyEncryptedSessionKey: 1,
  symmetricKeyEncryptedSessionKey: 3,
  compressedData: 8,
  symmetricallyEncryptedData: 9,
  marker: 10,
  literalData: 11,
  symmetricallyEncryptedIntegrityProtectedData: 18,
  aeadEncryptedData: 20,
} as const

/** One packet within its buffer. */
export interface Packet {
  /** Packet Type ID, 1 to 63. */
  readonly type: number
  /** The body up to its end or to the end of its first partial length: at least 512 bytes in that case. Shares memory with the input. */
  readonly head: Buffer
  /** Bytes of body in all, without the lengths between its parts. */
  readonly bodyBytes: number
  /** Whether the header tells the length at once; otherwise the body came in parts, or ran to the end of the input. */
  readonly definite: boolean
  /** Where the next packet begins. */
  readonly end: number
}

/** Only these may have a length that is not told at once. RFC 9580 §4.2.1.4, §4.2.2.1 */
const DATA_TYPES: ReadonlySet<number> = new Set([
  PacketType.compressedData,
  PacketType.symmetricallyEncryptedData,
  PacketType.literalData,
  PacketType.symmetricallyEncryptedIntegrityProtectedData,
  PacketType.aeadEncryptedData,
])
export const FIRST_PARTIAL_BYTES_MIN = 512 // RFC 9580 §4.2.1.4

interface Length {
  readonly bytes: number
  readonly partial: boolean
  /** Where what it measures begins. */
  readonly start: number
}

/** A length as OpenPGP format headers have it, at `offset`. RFC 9580 §4.2.1 */
function readLength(binary: Buffer, offset: number): Length | undefined {
  const first = binary[offset]
  if (first === undefined) return undefined
  if (first < 192) return { bytes: first, partial: false, start: offset + 1 }
  if (first < 224) {
    const second = binary[offset + 1]
    if (second === undefined) return undefined
    return { bytes: ((first - 192) << 8) + second + 192, partial: false, start: offset + 2 }
  }
  if (first < 255) return { bytes: 2 ** (first & 0x1f), partial: true, start: offset + 1 }
  if (offset + 5 > binary.length) return undefined
  return { bytes: binary.readUInt32BE(offset + 1), partial: false, start: offset + 5 }
}

/** The same in Legacy format headers; an indeterminate length reaches to the end of the input. RFC 9580 §4.2.2 */
function readLegacyLength(binary: Buffer, offset: number, lengthType: number): Length | undefined {
  if (lengthType === 3) return { bytes: binary.length - offset, partial: false, start: offset }
  const octets = 2 ** lengthType
  if (offset + octets > binary.length) return undefined
  return { bytes: binary.readUIntBE(offset, octets), partial: false, start: offset + octets }
}

/** Goes on from the first partial length of a body to its last, which is not partial. */
function readParts(binary: Buffer, type: number, first: Length): Packet | undefined {
  if (!DATA_TYPES.has(type) || first.bytes < FIRST_PARTIAL_BYTES_MIN) return undefined
  let bodyBytes = 0
  let part: Length | undefined = first
  while (part?.partial === true) {
    bodyBytes += part.bytes
    part = readLength(binary, part.start + part.bytes)
  }
  if (part === undefined || part.start + part.bytes > binary.length) return undefined
  return {
    type,
    head: binary.subarray(first.start, first.start + first.bytes),
    bodyBytes: bodyBytes + part.bytes,
    definite: false,
    end: part.start + part.bytes,
  }
}

/**
 * The packet that begins at `offset`, or undefined when there is none that is framed correctly and ends within the input.
 * Time is linear in the packet's size at worst, and constant unless it comes in parts.
 */
export function readPacket(binary: Buffer, offset: number): Packet | undefined {
  const header = binary[offset]
  if (header === undefined || header < 0x80) return undefined // RFC 9580 §4.2
  const legacy = (header & 0x40) === 0
  const type = legacy ? (header >> 2) & 0x0f : header & 0x3f
  const definite = !legacy || (header & 0x03) !== 3
  if (type === 0 || (!definite && !DATA_TYPES.has(type))) return undefined // RFC 9580 §5, §4.2.2.1
  const length = legacy ? readLegacyLength(binary, offset + 1, header & 0x03) : readLength(binary, offset + 1)
  if (length === undefined) return undefined
  if (length.partial) return readParts(binary, type, length)
  const end = length.start + length.bytes
  if (end > binary.length) return undefined
  return { type, head: binary.subarray(length.start, end), bodyBytes: length.bytes, definite, end }
}
