/**
 * Which of the blobs a key opens, without trying each: with a nonce that is always zero the first block of the key stream is the key's alone, and a plaintext
 * begins with its length, of which the upper bytes are known. So a key is looked up by what its blob must begin with.
 */
import { type CarvedRow } from './carve.ts'
import { CLASS_BYTES, KEY_BYTES, firstBlock, openBlob } from './formats.ts'

/** Bytes by which blobs are looked up. */
const PREFIX_BYTES = 2

export interface Candidate {
  readonly row: CarvedRow
  readonly blob: Buffer
}

export interface Opened extends Candidate {
  readonly plaintext: Buffer
}

export class KeySearch {
  readonly #byPrefix = new Map<number, Candidate[]>()

  constructor(candidates: Iterable<Candidate>) {
    for (const candidate of candidates)
      for (const length of upperBytes(candidate.row.sizeClass)) {
        const prefix = candidate.blob.readUInt16BE() ^ length
        const list = this.#byPrefix.get(prefix)
        if (list) list.push(candidate)
        else this.#byPrefix.set(prefix, [candidate])
      }
  }

  /** What each window of 32 bytes opens when it is taken for a key; the same blob once. */
  *openWith(bytes: Buffer): Iterable<Opened> {
    const found = new Set<Candidate>()
    for (let at = 0; at + KEY_BYTES <= bytes.length; at++) {
      const key = bytes.subarray(at, at + KEY_BYTES)
      if (isEmpty(key)) continue
      const block = firstBlock(key)
      for (const candidate of this.#byPrefix.get(block.readUInt16BE()) ?? []) {
        if (found.has(candidate)) continue
        const plaintext = openBlob(key, candidate.row, candidate.blob)
        if (plaintext === undefined) continue
        found.add(candidate)
        yield { ...candidate, plaintext }
      }
    }
  }
}

/** What the first two bytes of a length may be in this class. */
function upperBytes(sizeClass: number): number[] {
  const most = (CLASS_BYTES[sizeClass] ?? 0) >>> (8 * (4 - PREFIX_BYTES))
  return Array.from({ length: most + 1 }, (_, upper) => upper)
}

/** No key has eight zeros in a row at its begin and at its end; most of a keyring is zeros. */
function isEmpty(key: Buffer): boolean {
  return key.readBigUInt64LE(0) === 0n && key.readBigUInt64LE(KEY_BYTES - 8) === 0n
}
