/**
 * RFC 9580 §5.13, §6.2: an encrypted and armored message made while its plaintext is read, in bounded memory. Its length is known before, and it is the same
 * each time it is made from the same material, so that it can be sent again without being kept.
 */
import { createCipheriv, createHash, hkdfSync, type CipherGCM, type CipherOCB } from 'node:crypto'
import { PacketType } from './packet.ts'

/** A session key with the packets that carry it to its recipient. */
export interface SessionKey {
  readonly cipher: 'aes128' | 'aes192' | 'aes256'
  /** Undefined: version 1 of encrypted data, by CFB and a hash; otherwise version 2. */
  readonly aead: 'ocb' | 'gcm' | undefined
  readonly key: Uint8Array
  /** Public Key Encrypted Session Key packets. */
  readonly packets: Uint8Array
  /** Of the certificate, hexadecimal in upper case. */
  readonly fingerprint: string
}

export interface EncryptOptions {
  readonly session: SessionKey
  /** 32 random octets, for this message only. */
  readonly salt: Buffer
  /** Exactly as many as will come. */
  readonly plainBytes: number
}

const CIPHERS = {
  aes128: { id: 7, name: 'aes-128', keyBytes: 16 },
  aes192: { id: 8, name: 'aes-192', keyBytes: 24 },
  aes256: { id: 9, name: 'aes-256', keyBytes: 32 },
} as const // RFC 9580 §9.3
const MODES = { ocb: { id: 2, nonceBytes: 15 }, gcm: { id: 3, nonceBytes: 12 } } as const // RFC 9580 §9.6

const BLOCK_BYTES = 16
const TAG_BYTES = 16
const SALT_BYTES = 32
/** RFC 9580 §5.13.2: the octet c stands for chunks of 2 ** (c + 6) octets. */
const CHUNK_OCTET = 10
const CHUNK_BYTES = 2 ** (CHUNK_OCTET + 6)
/** Modification Detection Code, RFC 9580 §5.13.1: its header is hashed too. */
const MDC_HEADER = Buffer.from([0xd3, 0x14])
const MDC_BYTES = 22
const LITERAL_HEAD = Buffer.from([0x62, 0, 0, 0, 0, 0]) // RFC 9580 §5.9: binary, no name, no date
const LENGTH_MAX = 0xffff_ffff

const LINE_OCTETS = 48
const HEAD = '-----BEGIN PGP MESSAGE-----\r\n\r\n'
const TAIL = '-----END PGP MESSAGE-----\r\n'
/** Armored at a time. */
const PIECE_OCTETS = 1024 * LINE_OCTETS

/** The bytes of the whole armored message. */
export function encryptedBytes({ session, plainBytes }: EncryptOptions): number {
  const literal = literalBytes(plainBytes)
  const octets = session.packets.length + 6 + dataBytes(session, literal)
  return HEAD.length + Math.ceil(octets / 3) * 4 + Math.ceil(octets / LINE_OCTETS) * 2 + TAIL.length
}

/** The armored message in pieces of 66 KB at most. Throws RangeError when the plaintext has another length than was said. */
export async function* encryptArmored(
  options: EncryptOptions,
  plain: AsyncIterable<Buffer>,
): AsyncIterable<Buffer> {
  yield Buffer.from(HEAD)
  let held: Buffer[] = []
  let bytes = 0
  for await (const octets of encryptBinary(options, plain)) {
    held.push(octets)
    bytes += octets.length
    if (bytes < PIECE_OCTETS) continue
    const whole = Buffer.concat(held)
    const end = whole.length - (whole.length % LINE_OCTETS)
    yield armorLines(whole.subarray(0, end))
    held = [whole.subarray(end)]
    bytes = whole.length - end
  }
  yield armorLines(Buffer.concat(held))
  yield Buffer.from(TAIL)
}

function armorLines(octets: Buffer): Buffer {
  return Buffer.from(octets.toString('base64').replaceAll(/.{1,64}/g, '$&\r\n'), 'latin1')
}

async function* encryptBinary(options: EncryptOptions, plain: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const { session, plainBytes } = options
  const data = dataBytes(session, literalBytes(plainBytes))
  if (data > LENGTH_MAX) throw new RangeError('Too long for one packet')
  const { symmetricallyEncryptedIntegrityProtectedData: type } = PacketType
  yield Buffer.from(session.packets)
  yield packetHeader(type, data)
  const literal = literalPacket(plainBytes, plain)
  yield* session.aead === undefined
    ? encryptVersion1(options, literal)
    : encryptVersion2(options, session.aead, literal)
}

/** A length of five octets always: so it is known before. */
function packetHeader(type: number, bytes: number): Buffer {
  const header = Buffer.from([0xc0 | type, 0xff, 0, 0, 0, 0])
  header.writeUInt32BE(bytes, 2)
  return header
}

function literalBytes(plainBytes: number): number {
  return 6 + LITERAL_HEAD.length + plainBytes
}

function dataBytes({ aead }: SessionKey, literal: number): number {
  if (aead === undefined) return 1 + BLOCK_BYTES + 2 + literal + MDC_BYTES
  return 4 + SALT_BYTES + literal + (Math.ceil(literal / CHUNK_BYTES) + 1) * TAG_BYTES
}

async function* literalPacket(plainBytes: number, plain: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  yield packetHeader(PacketType.literalData, LITERAL_HEAD.length + plainBytes)
  yield LITERAL_HEAD
  let bytes = 0
  for await (const chunk of plain) {
    bytes += chunk.length
    if (bytes > plainBytes) break
    yield chunk
  }
  if (bytes !== plainBytes) throw new RangeError('The plaintext has another length than was said')
}

/** RFC 9580 §5.13.1 */
async function* encryptVersion1(
  { session: { cipher, key }, salt }: EncryptOptions,
  literal: AsyncIterable<Buffer>,
): AsyncIterable<Buffer> {
  const cfb = createCipheriv(`${CIPHERS[cipher].name}-cfb`, key, Buffer.alloc(BLOCK_BYTES))
  const hash = createHash('sha1')
  const prefix = Buffer.concat([salt.subarray(0, BLOCK_BYTES), salt.subarray(BLOCK_BYTES - 2, BLOCK_BYTES)])
  hash.update(prefix)
  yield Buffer.concat([Buffer.from([1]), cfb.update(prefix)])
  for await (const chunk of literal) {
    hash.update(chunk)
    yield cfb.update(chunk)
  }
  hash.update(MDC_HEADER)
  yield Buffer.concat([cfb.update(MDC_HEADER), cfb.update(hash.digest()), cfb.final()])
}

/** RFC 9580 §5.13.2 */
async function* encryptVersion2(
  { session: { cipher, key }, salt }: EncryptOptions,
  aead: 'ocb' | 'gcm',
  literal: AsyncIterable<Buffer>,
): AsyncIterable<Buffer> {
  const { id, name, keyBytes } = CIPHERS[cipher]
  const mode = MODES[aead]
  const { symmetricallyEncryptedIntegrityProtectedData: type } = PacketType
  const info = Buffer.from([0xc0 | type, 2, id, mode.id, CHUNK_OCTET])
  const derived = Buffer.from(hkdfSync('sha256', key, salt, info, keyBytes + mode.nonceBytes - 8))
  const messageKey = derived.subarray(0, keyBytes)
  const cipherOf = (index: number, associated: Buffer): CipherGCM | CipherOCB => {
    const nonce = Buffer.concat([derived.subarray(keyBytes), octets8(index)])
    const options = { authTagLength: TAG_BYTES }
    const made =
      aead === 'ocb'
        ? createCipheriv(`${name}-ocb`, messageKey, nonce, options)
        : createCipheriv(`${name}-gcm`, messageKey, nonce, options)
    return made.setAAD(associated)
  }
  yield Buffer.concat([info.subarray(1), salt])
  let total = 0
  let index = 0
  for await (const chunk of inChunks(literal)) {
    const made = cipherOf(index, info)
    yield Buffer.concat([made.update(chunk), made.final(), made.getAuthTag()])
    total += chunk.length
    index += 1
  }
  const last = cipherOf(index, Buffer.concat([info, octets8(total)]))
  yield Buffer.concat([last.final(), last.getAuthTag()])
}

function octets8(value: number): Buffer {
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(value))
  return octets
}

/** Cut anew into chunks of exactly CHUNK_BYTES, and a last one that may be shorter. */
async function* inChunks(pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let held = Buffer.alloc(0)
  for await (const piece of pieces) {
    held = Buffer.concat([held, piece])
    for (; held.length >= CHUNK_BYTES; held = held.subarray(CHUNK_BYTES)) yield held.subarray(0, CHUNK_BYTES)
  }
  if (held.length > 0) yield held
}
