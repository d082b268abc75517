/** A body as it is kept: chunks of 64 KiB, each sealed by its number; in memory, in a row, or in a file of the spool. */
import { type ContentKey, type Sealing, TAG_BYTES } from './content-key.ts'
import type { Spool } from './spool.ts'

export const CHUNK_BYTES = 64 * 1024
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES

/** Small pieces are joined now and then, so that a client cannot make us keep many. */
const PIECES_MAX = 64

/** Where the sealed chunks lie, one after the other. */
export type BodyPlace =
  | { readonly inline: Buffer; readonly spool?: undefined }
  | { readonly spool: string; readonly inline?: undefined }

/** A body, or some of it, in memory as it came. */
export class PlainPieces {
  #joined: Buffer[] = []
  #open: Buffer[] = []
  #openBytes = 0
  bytes = 0

  get all(): readonly Buffer[] {
    return [...this.#joined, ...this.#open]
  }

  add(piece: Buffer): void {
    this.#open.push(piece)
    this.#openBytes += piece.length
    this.bytes += piece.length
    if (this.#openBytes >= CHUNK_BYTES) {
      this.#joined.push(...this.#open)
      this.#open = []
      this.#openBytes = 0
    } else if (this.#open.length > PIECES_MAX) this.#open = [Buffer.concat(this.#open)]
  }
}

/** Seals a body as it comes, chunk by chunk. */
export class BodySealer {
  readonly #key: ContentKey
  /** The chunk that is not full yet. */
  #sealing: Sealing | undefined
  #filled = 0
  #count = 0

  constructor(key: ContentKey) {
    this.#key = key
  }

  seal(pieces: readonly Buffer[]): Buffer[] {
    const sealed: Buffer[] = []
    for (const piece of pieces)
      for (let from = 0; from < piece.length;) {
        const part = piece.subarray(from, from + CHUNK_BYTES - this.#filled)
        from += part.length
        this.#sealing ??= this.#key.sealing('body', this.#count)
        sealed.push(this.#sealing.update(part))
        this.#filled += part.length
        if (this.#filled === CHUNK_BYTES) sealed.push(...this.end())
      }
    return sealed
  }

  /** What stands behind the last chunk. */
  end(): Buffer[] {
    if (this.#sealing === undefined) return []
    const tag = this.#sealing.end()
    this.#sealing = undefined
    this.#filled = 0
    this.#count += 1
    return [tag]
  }
}

/** What is in memory of a mail that is there; once its key is destroyed it is as unreadable as what was sealed. */
export async function* readPlain(key: ContentKey, pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    if (key.destroyed) throw new Error('The mail is gone')
    yield piece
  }
}

/** The plaintext, in pieces of a chunk at most. Throws when it is not whole. `length`: of the plaintext. */
export async function* openBody(
  key: ContentKey,
  place: BodyPlace,
  length: number,
  spool: Spool,
): AsyncGenerator<Buffer> {
  let opened = 0
  for await (const piece of readChunks(key, place, spool)) {
    opened += piece.length
    yield piece
  }
  if (opened !== length) throw new Error('The kept body is not whole')
}

async function* readChunks(key: ContentKey, place: BodyPlace, spool: Spool): AsyncGenerator<Buffer> {
  let count = 0
  for await (const sealed of place.spool === undefined
    ? chunksOf(place.inline)
    : spool.read(place.spool, SEALED_BYTES))
    yield key.open('body', sealed, count++)
}

function* chunksOf(inline: Buffer): Generator<Buffer> {
  for (let start = 0; start < inline.length; start += SEALED_BYTES)
    yield inline.subarray(start, start + SEALED_BYTES)
}
