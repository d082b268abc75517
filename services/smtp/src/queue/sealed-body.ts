/** A body as it is kept: chunks of 64 KiB, each sealed by its number; in memory, in a row, or in a file of the spool. */
import { type ContentKey, TAG_BYTES } from './content-key.ts'
import type { Spool } from './spool.ts'

export const CHUNK_BYTES = 64 * 1024
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES

/** Where the sealed chunks lie, one after the other. */
export type BodyPlace =
  | { readonly inline: Buffer; readonly spool?: undefined }
  | { readonly spool: string; readonly inline?: undefined }

/** The plaintext, chunk by chunk. Throws when it is not whole. `length`: of the plaintext. */
export async function* openBody(
  key: ContentKey,
  place: BodyPlace,
  length: number,
  spool: Spool,
): AsyncGenerator<Buffer> {
  let count = 0
  let opened = 0
  for await (const sealed of place.spool === undefined
    ? pieces(place.inline)
    : spool.read(place.spool, SEALED_BYTES)) {
    const chunk = key.open('body', sealed, count++)
    opened += chunk.length
    yield chunk
  }
  if (opened !== length) throw new Error('The kept body is not whole')
}

function* pieces(inline: Buffer): Generator<Buffer> {
  for (let start = 0; start < inline.length; start += SEALED_BYTES)
    yield inline.subarray(start, start + SEALED_BYTES)
}
