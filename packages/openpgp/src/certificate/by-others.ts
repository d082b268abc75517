/** RFC 9580 §10.1: signatures in a certificate that claim to be by other keys. They are dropped from whatever is kept; a certificate that was flooded with them is small without. */
import { CertificatePacket, readPackets } from '../packet-sequence.ts'
import type { PacketBytes } from '../packet-sequence.ts'
import { readKey } from './key.ts'
import { mayBeBy, readSignature } from './signature.ts'

/** Tells packets that are such signatures. `primary`: packet of the primary key; if it cannot be read, nothing is told. */
export function byOthersThan(primary: Buffer): (packet: Buffer) => boolean {
  const packetOfKey = onlyPacket(primary)
  const key = packetOfKey && readKey(packetOfKey)
  return (bytes) => {
    const packet = onlyPacket(bytes)
    if (key === undefined || packet?.type !== CertificatePacket.signature) return false
    const signature = readSignature(packet)
    return signature !== undefined && !mayBeBy(signature, key)
  }
}

function onlyPacket(bytes: Buffer): PacketBytes | undefined {
  try {
    return readPackets(bytes, 1)[0]
  } catch {
    return undefined
  }
}
