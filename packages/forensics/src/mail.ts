/** What the key of a mail opens: the columns behind it in its row, and files of the spool. */
import { openMailPart } from './formats.ts'

/** Of a chunk of a body, with its tag. */
export const CHUNK_BYTES = 64 * 1024 + 16

/** Envelope, header and body, as far as they are in the row; a value that is kept outside is passed over. */
export function openColumns(key: Buffer, rest: Buffer): Buffer[] {
  const opened: Buffer[] = []
  let at = 0
  for (const part of ['envelope', 'header', 'body'] as const) {
    const column = readColumn(rest, at)
    if (column === undefined) return opened
    at = column.end
    const plaintext = column.value && openMailPart(key, part, column.value.subarray(0, CHUNK_BYTES))
    if (plaintext !== undefined) opened.push(plaintext)
  }
  return opened
}

/** The first chunk of a file; undefined when it is another mail's. */
export function openSpooled(key: Buffer, file: Buffer): Buffer | undefined {
  return openMailPart(key, 'body', file.subarray(0, CHUNK_BYTES))
}

interface Column {
  readonly value: Buffer | undefined
  readonly end: number
}

/**
 * A value of variable length (varatt.h of Postgres): up to 126 bytes behind one byte, longer ones behind four at an even place, or a mark of 18 bytes for one
 * that is kept outside. `rest` begins at such a place.
 */
function readColumn(rest: Buffer, from: number): Column | undefined {
  const first = rest[from]
  if (first === undefined) return undefined
  if (first === 1) return { value: undefined, end: from + 18 }
  if (first % 2 === 1)
    return { value: rest.subarray(from + 1, from + (first >>> 1)), end: from + (first >>> 1) }
  const start = Math.ceil(from / 4) * 4
  if (start + 4 > rest.length) return undefined
  const end = start + (rest.readUInt32LE(start) >>> 2)
  return end > rest.length ? undefined : { value: rest.subarray(start + 4, end), end }
}
