/**
 * What the attacker knows of how things are kept, since it is no secret (docs/sealed-queue.md): written down here a second time and on purpose, so that a mistake
 * in the code that seals is not made again by the one that judges it.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

/** Bytes of a sealed blob, by class. */
export const CLASS_BYTES = [256, 1_024, 4_096, 16_384, 65_536, 278_528] as const
/** Postgres keeps a value beside its row when the row would be longer than this; classes from here on are. */
export const OUTSIDE_FROM_CLASS = 2
/** Of the pieces that Postgres cuts such a value into. */
export const PIECE_BYTES = 1_996
/** The rows of both tables begin alike: id 16 | handle 16 | sequence 8, little-endian. */
export const ROW_HEAD_BYTES = 40

export const KEY_BYTES = 32
const TAG_BYTES = 16
const LENGTH_BYTES = 4
const VERSION = 1
const NO_NONCE = Buffer.alloc(12)

export interface SealedRow {
  readonly id: Buffer
  readonly handle: Buffer
  readonly seq: bigint
}

/** The plaintext, where this is the key of that blob. */
export function openBlob(key: Buffer, row: SealedRow, blob: Buffer): Buffer | undefined {
  const place = Buffer.alloc(9)
  place.writeBigUInt64BE(row.seq)
  place[8] = VERSION
  const padded = openGcm(key, NO_NONCE, blob, Buffer.concat([row.id, row.handle, place]))
  if (padded === undefined || padded.length < LENGTH_BYTES) return undefined
  return padded.subarray(LENGTH_BYTES, LENGTH_BYTES + padded.readUInt32BE(0))
}

/** The first bytes of what a key encrypts its only blob with: AES of the counter block that follows the one of the tag (NIST SP 800-38D §7.1). */
export function firstBlock(key: Buffer): Buffer {
  return createCipheriv('aes-256-ecb', key, null).update(COUNTER_BLOCK)
}

const COUNTER_BLOCK = Buffer.from('00000000000000000000000000000002', 'hex')

/** Parts of a mail, under the key that its blob holds: the first byte of a nonce names the part, the last four count. */
export const MAIL_PARTS = { envelope: 1, header: 2, body: 3 } as const

export function openMailPart(key: Buffer, part: keyof typeof MAIL_PARTS, sealed: Buffer): Buffer | undefined {
  const nonce = Buffer.alloc(12)
  nonce[0] = MAIL_PARTS[part]
  return openGcm(key, nonce, sealed)
}

/** Of an uploaded file. */
export function openFirstChunk(key: Buffer, sealed: Buffer): Buffer | undefined {
  return openGcm(key, NO_NONCE, sealed)
}

function openGcm(key: Buffer, nonce: Buffer, sealed: Buffer, additional?: Buffer): Buffer | undefined {
  const end = sealed.length - TAG_BYTES
  if (end < 0) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  if (additional !== undefined) decipher.setAAD(additional)
  decipher.setAuthTag(sealed.subarray(end))
  const opened = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
    return opened
  } catch {
    return undefined
  }
}
