/**
 * One sealed message: AES-256-GCM under a key that is used once (NIST SP 800-38D §8: a nonce must not repeat under one key, so
 * a constant one is right here), padded to a size class so that the database learns only the class.
 *
 *   plaintext: length 4 | content | zeros
 *   blob:      ciphertext | tag 16, together exactly one size class
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { KeyringError } from './keyring-error.ts'
import { UUID_BYTES, writeUuid } from './uuid.ts'

/** Bytes of a blob, by class. The largest leaves room for the envelope around a stanza of 256 KiB. */
export const SIZE_CLASSES = [256, 1024, 4096, 16_384, 65_536, 278_528] as const

const TAG_BYTES = 16
const LENGTH_BYTES = 4
const LARGEST = SIZE_CLASSES[SIZE_CLASSES.length - 1] ?? 0

/** The longest plaintext that can be sealed, in bytes. */
export const PLAINTEXT_BYTES_MAX = LARGEST - TAG_BYTES - LENGTH_BYTES

const ALGORITHM = 'aes-256-gcm'
const NONCE = Buffer.alloc(12)
const VERSION = 1

/** Where a blob belongs: any other place fails to open. */
export interface Place {
  readonly id: string
  readonly handle: string
  readonly seq: number
}

/** The smallest class that holds `length` bytes; PLAINTEXT_TOO_LARGE when none does. */
export function sizeClassOf(length: number): number {
  const index = SIZE_CLASSES.findIndex((size) => length + LENGTH_BYTES + TAG_BYTES <= size)
  if (index === -1) throw new KeyringError('PLAINTEXT_TOO_LARGE')
  return index
}

export function classBytes(sizeClass: number): number {
  return SIZE_CLASSES[sizeClass] ?? 0
}

/** Seals one message after the other; its scratch memory is wiped after each. */
export class Sealer {
  readonly #scratch = Buffer.allocUnsafeSlow(LARGEST)
  readonly #place = Buffer.allocUnsafeSlow(UUID_BYTES * 2 + 9)

  seal(key: Uint8Array, place: Place, plaintext: Buffer): Buffer {
    const size = classBytes(sizeClassOf(plaintext.length))
    const padded = this.#scratch.subarray(0, size - TAG_BYTES)
    padded.writeUInt32BE(plaintext.length, 0)
    plaintext.copy(padded, LENGTH_BYTES)
    padded.fill(0, LENGTH_BYTES + plaintext.length)
    const cipher = createCipheriv(ALGORITHM, createSecretKey(key), NONCE)
    cipher.setAAD(this.#additionalData(place))
    const blob = Buffer.allocUnsafe(size)
    blob.set(cipher.update(padded), 0)
    cipher.final()
    blob.set(cipher.getAuthTag(), size - TAG_BYTES)
    padded.fill(0, 0, LENGTH_BYTES + plaintext.length)
    return blob
  }

  /** The content; BLOB_CORRUPT when the blob was changed or belongs elsewhere. */
  open(key: Uint8Array, place: Place, blob: Buffer): Buffer {
    const end = blob.length - TAG_BYTES
    if (end < LENGTH_BYTES) throw new KeyringError('BLOB_CORRUPT')
    const decipher = createDecipheriv(ALGORITHM, createSecretKey(key), NONCE)
    decipher.setAAD(this.#additionalData(place))
    decipher.setAuthTag(blob.subarray(end))
    const padded = decipher.update(blob.subarray(0, end))
    try {
      decipher.final()
    } catch (cause) {
      padded.fill(0)
      throw new KeyringError('BLOB_CORRUPT', { cause })
    }
    const length = padded.readUInt32BE(0)
    if (length > padded.length - LENGTH_BYTES) throw new KeyringError('BLOB_CORRUPT')
    return padded.subarray(LENGTH_BYTES, LENGTH_BYTES + length)
  }

  #additionalData(place: Place): Buffer {
    writeUuid(place.id, this.#place, 0)
    writeUuid(place.handle, this.#place, UUID_BYTES)
    this.#place.writeBigUInt64BE(BigInt(place.seq), UUID_BYTES * 2)
    this.#place[UUID_BYTES * 2 + 8] = VERSION
    return this.#place
  }
}
