/**
 * An uploaded file as it lies on disk: chunks, each AES-256-GCM under the file's own key with its number as nonce (NIST SP 800-38D §8: a nonce never repeats under one
 * key), so that any part of a file is read without the rest. What was uploaded is ciphertext of clients already; this layer is there to be destroyed with its key.
 */
import { type CipherGCM, createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'

export const KEY_BYTES = 32
/** Large enough that what each chunk costs besides its bytes does not show. */
export const CHUNK_BYTES = 256 * 1024
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + 16
const TAG_BYTES = SEALED_CHUNK_BYTES - CHUNK_BYTES
const NONCE_BYTES = 12
const ALGORITHM = 'aes-256-gcm'

/** Seals a file as it comes. What Node has of the key is kept for a chunk at most, and wiped when that ends. */
export class FileSealer implements Disposable {
  readonly #key: Buffer
  /** Of the chunk that is not full yet. */
  #cipher: CipherGCM | undefined
  #filled = 0
  #count = 0

  constructor(key: Buffer) {
    this.#key = key
  }

  seal(piece: Buffer): Buffer[] {
    const sealed: Buffer[] = []
    for (let from = 0; from < piece.length;) {
      const part = piece.subarray(from, from + CHUNK_BYTES - this.#filled)
      from += part.length
      this.#cipher ??= createCipheriv(ALGORITHM, createSecretKey(this.#key), nonce(this.#count))
      sealed.push(this.#cipher.update(part))
      this.#filled += part.length
      if (this.#filled === CHUNK_BYTES) sealed.push(...this.end())
    }
    return sealed
  }

  /** What stands behind the last chunk. */
  end(): Buffer[] {
    if (this.#cipher === undefined) return []
    this.#cipher.final()
    const tag = this.#cipher.getAuthTag()
    this.#cipher = undefined
    this.#filled = 0
    this.#count += 1
    return [tag]
  }

  [Symbol.dispose](): void {
    this.end()
  }
}

/** Throws when it is not what was sealed as this chunk. */
export function openChunk(key: Buffer, index: number, sealed: Buffer): Buffer {
  const end = Math.max(sealed.length - TAG_BYTES, 0)
  const secret = createSecretKey(key)
  const decipher = createDecipheriv(ALGORITHM, secret, nonce(index), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(end))
  const opened = decipher.update(sealed.subarray(0, end))
  decipher.final()
  return opened
}

/**
 * Frees what a cipher has made or a socket has brought, now rather than by a collection: V8 counts memory outside of its heap toward when it collects all of the heap, which
 * would be after every few megabytes of a file. Nobody may look at it any more. A part of something larger, which may be of use to others, is left to the collection.
 */
export function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** Of the sealed chunk of a file of `bytes`: where it begins on disk, and how long it is. */
export function placeOf(
  index: number,
  bytes: number,
): { readonly position: number; readonly length: number } {
  const length = Math.min(CHUNK_BYTES, bytes - index * CHUNK_BYTES) + TAG_BYTES
  return { position: index * SEALED_CHUNK_BYTES, length }
}

function nonce(index: number): Buffer {
  const bytes = Buffer.alloc(NONCE_BYTES)
  bytes.writeUInt32BE(index, NONCE_BYTES - 4)
  return bytes
}
