/**
 * age v1 (C2SP): a file encrypted to the X25519 keys of several people while it is read, in bounded memory; what was cut short or changed is refused. Apart from
 * other recipient types, armor and passphrases are left out. The program `age` opens what we write.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, type KeyObject } from 'node:crypto'
import { damaged, FILE_KEY_BYTES, headerEnd, openHeader, writeHeader } from './header.ts'

const NONCE_BYTES = 16
const CHUNK_BYTES = 64 * 1024
const TAG_BYTES = 16
const CIPHER = 'chacha20-poly1305'

export async function* encryptAge(
  plain: AsyncIterable<Buffer>,
  recipients: readonly KeyObject[],
): AsyncIterable<Buffer> {
  const fileKey = randomBytes(FILE_KEY_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  yield writeHeader(fileKey, recipients)
  yield nonce
  const key = payloadKey(fileKey, nonce)
  for await (const { bytes, index, last } of inChunks(plain, CHUNK_BYTES)) {
    const cipher = createCipheriv(CIPHER, key, chunkNonce(index, last), { authTagLength: TAG_BYTES })
    yield Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
  }
}

/** Throws BackupError. What was given out before it throws is authentic, but not all. */
export async function* decryptAge(
  encrypted: AsyncIterable<Buffer>,
  identity: KeyObject,
): AsyncIterable<Buffer> {
  const source: AsyncIterator<Buffer, unknown> = encrypted[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  const more = async (): Promise<void> => {
    const next = await source.next()
    if (next.done === true) throw damaged()
    head = Buffer.concat([head, next.value])
  }
  let end: number | undefined
  while ((end = headerEnd(head)) === undefined) await more()
  while (head.length < end + NONCE_BYTES) await more()
  const key = payloadKey(openHeader(head.subarray(0, end), identity), head.subarray(end, end + NONCE_BYTES))
  const first = head.subarray(end + NONCE_BYTES)
  for await (const { bytes, index, last } of inChunks(rest(first, source), CHUNK_BYTES + TAG_BYTES)) {
    const plain = openChunk(bytes, key, chunkNonce(index, last))
    if (plain.length === 0 && index > 0) throw damaged() // an empty chunk is for an empty file
    yield plain
  }
}

async function* rest(first: Buffer, source: AsyncIterator<Buffer, unknown>): AsyncIterable<Buffer> {
  yield first
  yield* { [Symbol.asyncIterator]: () => source }
}

function openChunk(bytes: Buffer, key: Buffer, nonce: Buffer): Buffer {
  if (bytes.length < TAG_BYTES) throw damaged()
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()])
  } catch {
    throw damaged()
  }
}

function payloadKey(fileKey: Buffer, nonce: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))
}

function chunkNonce(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(index, 5, 6)
  nonce[11] = last ? 1 : 0
  return nonce
}

interface Chunk {
  readonly bytes: Buffer
  readonly index: number
  readonly last: boolean
}

/** Of exactly `size` bytes, and a last one that may be shorter; an empty file is one empty chunk. */
async function* inChunks(pieces: AsyncIterable<Buffer>, size: number): AsyncIterable<Chunk> {
  let held: Buffer[] = []
  let [bytes, index] = [0, 0]
  for await (const piece of pieces) {
    held.push(piece)
    bytes += piece.length
    if (bytes <= size) continue
    let whole = Buffer.concat(held)
    for (; whole.length > size; whole = whole.subarray(size))
      yield { bytes: whole.subarray(0, size), index: index++, last: false }
    held = [whole]
    bytes = whole.length
  }
  yield { bytes: Buffer.concat(held), index, last: true }
}
