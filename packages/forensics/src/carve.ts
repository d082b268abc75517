/**
 * Finds sealed rows in bytes of any origin: heap pages, whether a row lives or was deleted, pages and rows in the log, copies of all these. Nothing of how Postgres
 * lays out a page is needed, only that the columns of a row stand behind each other, and the pieces of a long value behind their names.
 */
import { CLASS_BYTES, OUTSIDE_FROM_CLASS, PIECE_BYTES, ROW_HEAD_BYTES, type SealedRow } from './formats.ts'

/** A row of a device's queue, or of a mail. */
export interface CarvedRow extends SealedRow {
  readonly sizeClass: number
  /** Undefined: kept beside the row, under this name. */
  readonly blob: Buffer | undefined
  readonly outside: number | undefined
  /** Of what may be a mail, what stands behind the blob: its other columns. */
  readonly rest: Buffer
}

/** Columns of a mail that are looked at behind its key. */
const REST_BYTES = 4_096
/** Copies of a row that differ: a part may be missing from one, as in a log of changes, and stand in another. */
const COPIES_MAX = 16
/** The longest row that can lie across two stretches of bytes. */
export const ROW_BYTES_MAX = 8_192

export class Carver {
  readonly rows = new Map<string, CarvedRow[]>()
  /** By name of the value, then by number. */
  readonly #pieces = new Map<number, Map<number, Buffer>>()
  readonly #wanted: ReadonlySet<string> | undefined

  /** `wanted`: ids in hex of the rows that are looked for; all, unless told. */
  constructor(wanted?: ReadonlySet<string>) {
    this.#wanted = wanted
  }

  /** Takes copies of what it finds. */
  search(bytes: Buffer): void {
    for (const sizeClass of CLASS_BYTES.keys())
      if (sizeClass < OUTSIDE_FROM_CLASS) this.#searchInside(bytes, sizeClass)
      else if (this.#wanted === undefined) this.#searchOutside(bytes, sizeClass)
    if (this.#wanted === undefined) this.#searchPieces(bytes)
  }

  /** The blob of a row, put together where it is in pieces; undefined when some were not found. */
  blobOf({ blob, outside, sizeClass }: CarvedRow): Buffer | undefined {
    if (blob !== undefined || outside === undefined) return blob
    const pieces = this.#pieces.get(outside)
    const count = Math.ceil((CLASS_BYTES[sizeClass] ?? 0) / PIECE_BYTES)
    const found = Array.from({ length: count }, (_, index) => pieces?.get(index))
    return found.includes(undefined) ? undefined : Buffer.concat(found as Buffer[])
  }

  /** A queued message: … | size class 2 | 0 0 | length 4 | blob. The key of a mail: … | length 4 | blob of the smallest class | envelope | header | body. */
  #searchInside(bytes: Buffer, sizeClass: number): void {
    const size = CLASS_BYTES[sizeClass] ?? 0
    for (const at of places(bytes, lengthWord(size))) {
      if (at + 4 + size > bytes.length) continue
      const isQueued = at >= 4 && bytes.readUInt32LE(at - 4) === sizeClass
      if (isQueued) this.#keep(bytes, at - 4, at + 4, sizeClass, 0)
      if (sizeClass === 0) this.#keep(bytes, at, at + 4, sizeClass, REST_BYTES)
    }
  }

  #keep(bytes: Buffer, headEnd: number, from: number, sizeClass: number, restBytes: number): void {
    const head = headBefore(bytes, headEnd)
    if (head === undefined || this.#wanted?.has(head.id.toString('hex')) === false) return
    const end = from + (CLASS_BYTES[sizeClass] ?? 0)
    const rest = Buffer.from(bytes.subarray(end, end + restBytes))
    const blob = Buffer.from(bytes.subarray(from, end))
    this.#add({ ...head, sizeClass, blob, outside: undefined, rest })
  }

  /** … | size class 2 | 1, 18 | raw size 4 | size 4 | name of the value 4 | table 4: the mark of a value that is kept outside. */
  #searchOutside(bytes: Buffer, sizeClass: number): void {
    const size = CLASS_BYTES[sizeClass] ?? 0
    const mark = Buffer.from([1, 18, 0, 0, 0, 0, 0, 0, 0, 0])
    mark.writeUInt32LE(size + 4, 2)
    mark.writeUInt32LE(size, 6)
    for (const at of places(bytes, mark)) {
      const head = headBefore(bytes, at - 2)
      if (head === undefined || at + 14 > bytes.length) continue
      const outside = bytes.readUInt32LE(at + mark.length)
      this.#add({ ...head, sizeClass, blob: undefined, outside, rest: Buffer.alloc(0) })
    }
  }

  /** name of the value 4 | number 4 | length 4 | bytes. The last piece of each class has a length and a number of its own. */
  #searchPieces(bytes: Buffer): void {
    for (const at of places(bytes, lengthWord(PIECE_BYTES))) this.#keepPiece(bytes, at - 8, PIECE_BYTES)
    for (const size of CLASS_BYTES.slice(OUTSIDE_FROM_CLASS))
      for (const at of places(bytes, lengthWord(size % PIECE_BYTES)))
        if (at >= 8 && bytes.readUInt32LE(at - 4) === Math.floor(size / PIECE_BYTES))
          this.#keepPiece(bytes, at - 8, size % PIECE_BYTES)
  }

  #keepPiece(bytes: Buffer, at: number, length: number): void {
    if (at < 0 || at + 12 + length > bytes.length) return
    const [name, number] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    if (name === 0 || number * PIECE_BYTES > (CLASS_BYTES.at(-1) ?? 0)) return
    const pieces = this.#pieces.get(name) ?? new Map<number, Buffer>()
    this.#pieces.set(name, pieces.set(number, Buffer.from(bytes.subarray(at + 12, at + 12 + length))))
  }

  #add(row: CarvedRow): void {
    const name = `${row.id.toString('hex')} ${String(row.seq)} ${String(row.sizeClass)}`
    const copies = this.rows.get(name)
    if (copies === undefined) this.rows.set(name, [row])
    else if (copies.length < COPIES_MAX && !copies.some((copy) => isSame(copy, row))) copies.push(row)
  }
}

function isSame(one: CarvedRow, other: CarvedRow): boolean {
  const isBlob = one.blob === other.blob || (one.blob && other.blob?.equals(one.blob)) === true
  return isBlob && one.outside === other.outside && one.rest.equals(other.rest)
}

/** Postgres says a length with itself included, in the upper thirty of four bytes. */
function lengthWord(bytes: number): Buffer {
  const word = Buffer.alloc(4)
  word.writeUInt32LE((bytes + 4) << 2)
  return word
}

/** Id, handle and sequence number, which end where something else begins. */
function headBefore(bytes: Buffer, end: number): SealedRow | undefined {
  const start = end - ROW_HEAD_BYTES
  if (start < 0) return undefined
  const seq = bytes.readBigUInt64LE(end - 8)
  if (seq === 0n || seq > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return {
    id: Buffer.from(bytes.subarray(start, start + 16)),
    handle: Buffer.from(bytes.subarray(start + 16, start + 32)),
    seq,
  }
}

function* places(bytes: Buffer, pattern: Buffer): Iterable<number> {
  for (let at = bytes.indexOf(pattern); at !== -1; at = bytes.indexOf(pattern, at + 1)) yield at
}
