/**
 * The first page of a keyring file: whose it is, and who may write it. Two copies, written in turn, so that a torn write leaves
 * the other.
 *
 *   magic 8 | version 4 | 0 × 4 | database instance id 16 | keyring id 16 | epoch 8 | 0 × 4 | CRC 4
 */
import { crc32 } from 'node:zlib'
import { readUuid, writeUuid } from './uuid.ts'

export const HEADER_BYTES = 4096
const COPY_BYTES = 64
const COPY_DISTANCE = HEADER_BYTES / 2
const MAGIC = Buffer.from('SEALKEYS')
const VERSION = 1

export interface Header {
  /** The database whose rows these keys open. */
  readonly instanceId: string
  readonly keyringId: string
  /** Rises with each opening; whoever finds a higher one than its own has lost the keyring. */
  readonly epoch: number
}

/** Where the copy for this epoch stands in the page, and its bytes. */
export function encodeHeader(header: Header): { position: number; bytes: Buffer } {
  const bytes = Buffer.alloc(COPY_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt32BE(VERSION, 8)
  writeUuid(header.instanceId, bytes, 16)
  writeUuid(header.keyringId, bytes, 32)
  bytes.writeBigUInt64BE(BigInt(header.epoch), 48)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 60)), 60)
  return { position: (header.epoch % 2) * COPY_DISTANCE, bytes }
}

/** The valid copy with the highest epoch; undefined when neither is valid. */
export function decodeHeader(page: Buffer): Header | undefined {
  const first = decodeCopy(page.subarray(0, COPY_BYTES))
  const second = decodeCopy(page.subarray(COPY_DISTANCE, COPY_DISTANCE + COPY_BYTES))
  if (first === undefined || second === undefined) return first ?? second
  return first.epoch > second.epoch ? first : second
}

function decodeCopy(bytes: Buffer): Header | undefined {
  if (bytes.length < COPY_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined
  if (bytes.readUInt32BE(60) !== crc32(bytes.subarray(0, 60))) return undefined
  if (bytes.readUInt32BE(8) !== VERSION) return undefined
  const epoch = Number(bytes.readBigUInt64BE(48))
  return { instanceId: readUuid(bytes, 16), keyringId: readUuid(bytes, 32), epoch }
}
