/** RFC 9580 §10.3: the grammar of an Encrypted Message, in its strict form. */
import { PacketType, readPacket } from './packet.ts'
import type { Packet } from './packet.ts'
import {
  isCipher,
  nonceBytes,
  publicKeySessionKeyVersion,
  symmetricKeySessionKeyVersion,
} from './session-key.ts'

const TAG_BYTES = 16
const CHUNK_SIZE_OCTET_MAX = 16 // RFC 9580 §5.13.2

/** Least body of version 1: version, random prefix of the smallest block and two octets more, one octet, MDC packet. RFC 9580 §5.13.1 */
const VERSION_1_BYTES_MIN = 1 + 8 + 2 + 1 + 22
/** Least body of version 2: four octets, salt, one octet in one chunk, its tag and the last one. RFC 9580 §5.13.2 */
const VERSION_2_BYTES_MIN = 4 + 32 + 1 + 2 * TAG_BYTES

/** Versions of session key packets that may lead to a kind of encrypted data. RFC 9580 §10.3.2.1, draft-koch-librepgp §5.3 */
interface Companions {
  readonly publicKey: number
  readonly symmetricKey: readonly number[]
}
const VERSION_1: Companions = { publicKey: 3, symmetricKey: [4] }
const VERSION_2: Companions = { publicKey: 6, symmetricKey: [6] }
const GNUPG_AEAD: Companions = { publicKey: 3, symmetricKey: [4, 5] }

/** Marker packets say nothing, always the same way, and may stand anywhere. RFC 9580 §5.8, §10.3 */
function isMarker({ type, head }: PacketOutline): boolean {
  return type === PacketType.marker && head.length === 3 && head.toString('latin1') === 'PGP'
}

/** What session keys the encrypted data may have before it; undefined when the packet is no such data, or malformed. */
function companionsOf({ type, head, bodyBytes }: PacketOutline): Companions | undefined {
  const [version, second, third, fourth = 0xff] = head
  if (type === PacketType.symmetricallyEncryptedIntegrityProtectedData) {
    if (version === 1) return bodyBytes >= VERSION_1_BYTES_MIN ? VERSION_1 : undefined
    if (version !== 2 || !isCipher(second) || nonceBytes(third) === undefined) return undefined
    return fourth <= CHUNK_SIZE_OCTET_MAX && bodyBytes >= VERSION_2_BYTES_MIN ? VERSION_2 : undefined
  }
  const nonce = nonceBytes(third)
  if (type !== PacketType.aeadEncryptedData || version !== 1 || !isCipher(second)) return undefined
  if (nonce === undefined || fourth > CHUNK_SIZE_OCTET_MAX) return undefined
  return bodyBytes > 4 + nonce + 2 * TAG_BYTES ? GNUPG_AEAD : undefined
}

/** What the grammar needs to know of a packet. */
export type PacketOutline = Pick<Packet, 'type' | 'head' | 'bodyBytes'>

/** The grammar, packet by packet: for a message that is there as a whole, and for one that comes in pieces. */
export class EncryptedMessageGrammar {
  readonly #publicKeyVersions = new Set<number>()
  readonly #symmetricKeyVersions = new Set<number>()
  #companions: Companions | undefined

  /** False when the packet cannot stand here: then the message is none, whatever follows. */
  take(packet: PacketOutline): boolean {
    if (isMarker(packet)) return true
    if (this.#companions !== undefined) return false
    if (packet.type === PacketType.publicKeyEncryptedSessionKey) {
      this.#publicKeyVersions.add(publicKeySessionKeyVersion(packet.head) ?? 0)
    } else if (packet.type === PacketType.symmetricKeyEncryptedSessionKey) {
      this.#symmetricKeyVersions.add(symmetricKeySessionKeyVersion(packet.head) ?? 0)
    } else {
      this.#companions = companionsOf(packet)
      return this.#companions !== undefined
    }
    return true
  }

  /** Whether what was taken is an encrypted message from its beginning to its end. */
  isWhole(): boolean {
    if (this.#companions === undefined) return false
    if (this.#publicKeyVersions.size + this.#symmetricKeyVersions.size === 0) return false
    const { publicKey, symmetricKey } = this.#companions
    return (
      this.#publicKeyVersions.isSubsetOf(new Set([publicKey])) &&
      this.#symmetricKeyVersions.isSubsetOf(new Set(symmetricKey))
    )
  }
}

/**
 * Whether a binary is an encrypted OpenPGP message and nothing besides: one or more session key packets, then one packet of encrypted and integrity
 * protected data that reaches to the end, with lengths that match exactly and versions that belong together.
 *
 * Refused on purpose, although other readers may skip or accept it: data without integrity protection (packet type 9), messages without a session
 * key packet, padding and unknown packets outside the encryption (they could carry text in the clear), and anything after the data but markers.
 * Signed, compressed and literal data are not encrypted messages. Never throws; linear in the size of the input; allocates nothing that grows with it.
 */
export function isEncryptedMessage(binary: Buffer): boolean {
  const grammar = new EncryptedMessageGrammar()
  for (let offset = 0; offset < binary.length;) {
    const packet = readPacket(binary, offset)
    if (packet === undefined || !grammar.take(packet)) return false
    offset = packet.end
  }
  return grammar.isWhole()
}
