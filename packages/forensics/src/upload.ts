/** What the record of an uploaded file opens: the file, in chunks under the key in the record, the number of a chunk being its nonce. */
import { openFirstChunk } from './formats.ts'

const VERSION = 1
const RECORD_BYTES = 149
const KEY_AT = 33
/** Of a chunk, with its tag. */
export const CHUNK_BYTES = 256 * 1024 + 16

/** The first chunks of those files that are this record's. */
export function openUploads(record: Buffer, files: readonly Buffer[]): Buffer[] {
  if (record.length !== RECORD_BYTES || record[0] !== VERSION) return []
  const key = record.subarray(KEY_AT, KEY_AT + 32)
  return files.flatMap((file) => openFirstChunk(key, file.subarray(0, CHUNK_BYTES)) ?? [])
}
