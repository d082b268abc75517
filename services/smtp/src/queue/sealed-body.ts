/** A body as it is kept: chunks of 64 KiB, each sealed by its number; in memory, in a row, or in a file of the spool. */
import { type ContentKey, TAG_BYTES } from './content-key.ts'
import type { Spool } from './spool.ts'

export const CHUNK_BYTES = 64 * 1024
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES

/** Small pieces are joined now and then, so that a client cannot make us keep many. */
const PIECES_MAX = 64

/** Where the sealed chunks lie, one after the other. */
export type BodyPlace =
  | { readonly inline: Buffer; readonly spool?: undefined; readonly copy?: undefined }
  /** `copy`: they are in memory, too. */
  | { readonly spool: string; readonly copy?: SealedChunks | undefined; readonly inline?: undefined }

/** Sealed chunks in memory, each in the pieces in which it was sealed. */
export class SealedChunks {
  #chunks: Buffer[][] = []
  #open: Buffer[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get pieces(): Buffer[] {
    return [...this.#chunks.flat(), ...this.#open]
  }

  add(piece: Buffer): void {
    this.#open.push(piece)
    this.#bytes += piece.length
    if (this.#open.length > PIECES_MAX) this.#open = [Buffer.concat(this.#open)]
  }

  endChunk(tag: Buffer): void {
    this.add(tag)
    this.#chunks.push(this.#open)
    this.#open = []
  }

  clear(): void {
    this.#chunks = []
    this.#open = []
    this.#bytes = 0
  }

  /** The plaintext, if the first of them is the first of the body and all are whole. */
  *read(key: ContentKey): Generator<Buffer> {
    for (const [count, pieces] of this.#chunks.entries()) yield* key.openPieces('body', pieces, count)
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
  for await (const piece of place.copy?.read(key) ?? readChunks(key, place, spool)) {
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
