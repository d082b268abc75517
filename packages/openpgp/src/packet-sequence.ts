/**
 * RFC 9580 §4.2, §10.1: a sequence of packets, each with its bytes exactly as they came, so that packets, versions and algorithms that we do not know
 * are written back unchanged. Nothing is decompressed and nothing is copied.
 */
import { reject } from './openpgp-error.ts'
import { readPacket } from './packet.ts'

export interface PacketBytes {
  readonly type: number
  /** Header and body. */
  readonly bytes: Buffer
  readonly body: Buffer
}

/** Packet Type IDs that a certificate is made of, or that must never be in one. RFC 9580 §5 */
export const CertificatePacket = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  marker: 10,
  trust: 12,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
  padding: 21,
} as const

const SECRET: ReadonlySet<number> = new Set([CertificatePacket.secretKey, CertificatePacket.secretSubkey])

/** The type that a header octet tells, 0 if it is none. RFC 9580 §4.2 */
function typeOf(header: number): number {
  if (header < 0x80) return 0
  return (header & 0x40) === 0 ? (header >> 2) & 0x0f : header & 0x3f
}

/**
 * Packets from the first byte to the last. Throws OpenPgpError when the framing is damaged, when there are too many, and for secret keys: also for one that
 * is cut short, since what is there of it has been seen by us.
 */
export function readPackets(binary: Buffer, packetsMax: number): PacketBytes[] {
  const packets: PacketBytes[] = []
  let offset = 0
  while (offset < binary.length) {
    if (SECRET.has(typeOf(binary[offset] ?? 0))) throw reject.secretKey()
    const packet = readPacket(binary, offset)
    if (packet === undefined) throw reject.malformed()
    if (packets.length === packetsMax) throw reject.tooManyPackets()
    const bytes = binary.subarray(offset, packet.end)
    packets.push({ type: packet.type, bytes, body: packet.head })
    offset = packet.end
  }
  return packets
}

/** A packet of ours, with an OpenPGP format header. RFC 9580 §4.2.1 */
export function framePacket(type: number, body: Buffer): PacketBytes {
  const { length } = body
  let header: Buffer
  if (length < 192) header = Buffer.from([0xc0 | type, length])
  else if (length < 8384)
    header = Buffer.from([0xc0 | type, ((length - 192) >> 8) + 192, (length - 192) & 0xff])
  else {
    header = Buffer.from([0xc0 | type, 0xff, 0, 0, 0, 0])
    header.writeUInt32BE(length, 2)
  }
  const bytes = Buffer.concat([header, body])
  return { type, bytes, body: bytes.subarray(header.length) }
}
