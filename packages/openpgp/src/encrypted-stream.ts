/**
 * RFC 9580 §4.2, §10.3: telling by structure that a message is encrypted while it comes in, in bounded memory: the bodies of session keys are looked at,
 * encrypted data is counted. What `isEncryptedMessage` says of the whole, this says of its pieces, but that it refuses session keys above 8 KiB.
 */
import { EncryptedMessageGrammar } from './encrypted-message.ts'
import { FIRST_PARTIAL_BYTES_MIN, PacketType } from './packet.ts'

/** Of one session key packet. The largest known, ML-KEM-1024 with X448, has less than 2 KiB; RSA of 16,384 bits as much. */
const SESSION_KEY_BYTES_MAX = 8 * 1024
/** Version, algorithms and chunk size: what of encrypted data is in the clear. */
const DATA_HEAD_BYTES = 4

const SMALL_TYPES: ReadonlySet<number> = new Set([
  PacketType.publicKeyEncryptedSessionKey,
  PacketType.symmetricKeyEncryptedSessionKey,
  PacketType.marker,
])
const DATA_TYPES: ReadonlySet<number> = new Set([
  PacketType.symmetricallyEncryptedIntegrityProtectedData,
  PacketType.aeadEncryptedData,
])

interface Length {
  readonly bytes: number
  readonly partial: boolean
}

/** Of the octets of a length so far; undefined: more are needed. RFC 9580 §4.2.1 */
function readLength(octets: Buffer): Length | undefined {
  const [first = 0, second] = octets
  if (octets.length === 0) return undefined
  if (first < 192) return { bytes: first, partial: false }
  if (first < 224)
    return second === undefined ? undefined : { bytes: ((first - 192) << 8) + second + 192, partial: false }
  if (first < 255) return { bytes: 2 ** (first & 0x1f), partial: true }
  return octets.length < 5 ? undefined : { bytes: octets.readUInt32BE(1), partial: false }
}

/** The same in the Legacy format; an indeterminate length reaches to the end. RFC 9580 §4.2.2 */
function readLegacyLength(octets: Buffer, lengthType: number): Length | undefined {
  if (lengthType === 3) return { bytes: Infinity, partial: false }
  const count = 2 ** lengthType
  return octets.length < count ? undefined : { bytes: octets.readUIntBE(0, count), partial: false }
}

interface OpenPacket {
  readonly type: number
  readonly legacyLengthType: number | undefined
  /** What the grammar will look at, as far as it has come. */
  readonly head: Buffer[]
  headBytesMissing: number
  bodyBytes: number
  parts: number
}

export class EncryptedMessageReader {
  readonly #grammar = new EncryptedMessageGrammar()
  #refused = false
  #packet: OpenPacket | undefined
  /** Octets of the length that is being read; undefined while a body is. */
  #lengthOctets: number[] | undefined
  #bytesLeft = 0
  #partial = false

  /** Of the binary message, in pieces of any size. Keeps no reference to them. False: it is no encrypted message, whatever comes. */
  write(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length && !this.#refused;) at = this.#step(chunk, at)
    return !this.#refused
  }

  /** Whether it was an encrypted message from the first byte to the last. */
  end(): boolean {
    if (this.#packet !== undefined && this.#bytesLeft === Infinity) this.#finishPacket()
    return !this.#refused && this.#packet === undefined && this.#grammar.isWhole()
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#packet === undefined) return this.#begin(chunk[at] ?? 0, at)
    if (this.#lengthOctets === undefined) return this.#readBody(chunk, at)
    this.#lengthOctets.push(chunk[at] ?? 0)
    this.#readLength(this.#packet)
    return at + 1
  }

  #begin(header: number, at: number): number {
    const legacy = (header & 0x40) === 0
    const type = legacy ? (header >> 2) & 0x0f : header & 0x3f
    const isData = DATA_TYPES.has(type)
    if (header < 0x80 || (!isData && !SMALL_TYPES.has(type))) return this.#refuse(at)
    this.#packet = {
      type,
      legacyLengthType: legacy ? header & 0x03 : undefined,
      head: [],
      headBytesMissing: isData ? DATA_HEAD_BYTES : SESSION_KEY_BYTES_MAX,
      bodyBytes: 0,
      parts: 0,
    }
    this.#lengthOctets = []
    if (legacy && (header & 0x03) === 3) this.#readLength(this.#packet)
    return at + 1
  }

  #readLength(packet: OpenPacket): void {
    const octets = Buffer.from(this.#lengthOctets ?? [])
    const { type, legacyLengthType } = packet
    const length =
      legacyLengthType === undefined ? readLength(octets) : readLegacyLength(octets, legacyLengthType)
    if (length === undefined) return
    const isData = DATA_TYPES.has(type)
    const tooSmall = length.partial && packet.parts === 0 && length.bytes < FIRST_PARTIAL_BYTES_MIN
    const tooLarge = !isData && (length.partial || length.bytes > SESSION_KEY_BYTES_MAX)
    if (tooSmall || tooLarge) return void this.#refuse(0)
    packet.parts += 1
    this.#lengthOctets = undefined
    this.#bytesLeft = length.bytes
    this.#partial = length.partial
    if (length.bytes === 0) this.#finishPacket()
  }

  #readBody(chunk: Buffer, at: number): number {
    const packet = this.#packet
    if (packet === undefined) return at
    const bytes = Math.min(this.#bytesLeft, chunk.length - at)
    const shown = Math.min(bytes, packet.headBytesMissing)
    if (shown > 0) packet.head.push(Buffer.from(chunk.subarray(at, at + shown)))
    packet.headBytesMissing -= shown
    packet.bodyBytes += bytes
    this.#bytesLeft -= bytes
    if (this.#bytesLeft === 0) {
      if (this.#partial) this.#lengthOctets = []
      else this.#finishPacket()
    }
    return at + bytes
  }

  #finishPacket(): void {
    const packet = this.#packet
    this.#packet = undefined
    if (packet === undefined) return
    const { type, bodyBytes } = packet
    if (!this.#grammar.take({ type, head: Buffer.concat(packet.head), bodyBytes })) this.#refuse(0)
  }

  #refuse(at: number): number {
    this.#refused = true
    return at
  }
}
