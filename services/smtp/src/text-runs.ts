/** Of a piece of a mail: where NUL, LF and CR may stand. All else is passed over four bytes at a time, which is nearly everything. */

const CR = 13
/** In each byte of a word. */
const BEYOND_CR = 0x0e0e0e0e
const HIGH_BITS = 0x80808080

export class TextRuns {
  readonly #chunk: Buffer
  readonly #length: number
  readonly #words: Int32Array
  readonly #offset: number

  constructor(chunk: Buffer) {
    const { buffer, byteOffset } = chunk
    this.#chunk = chunk
    this.#length = chunk.length
    this.#offset = byteOffset
    this.#words = new Int32Array(buffer, 0, buffer.byteLength >> 2)
  }

  /** The next place whose byte is not beyond CR; the end of the piece when there is none. */
  endOf(from: number): number {
    let at = from
    for (; at < this.#length && ((this.#offset + at) & 3) !== 0; at++)
      if ((this.#chunk[at] ?? 0) <= CR) return at
    const last = (this.#offset + this.#length) >> 2
    let word = (this.#offset + at) >> 2
    // Some byte is below 14 exactly if subtracting 14 from each borrows from a high bit that was not set.
    for (; word < last; word++) {
      const bytes = this.#words[word] ?? 0
      if (((bytes - BEYOND_CR) & ~bytes & HIGH_BITS) !== 0) break
    }
    at = Math.max(at, (word << 2) - this.#offset)
    while (at < this.#length && (this.#chunk[at] ?? 0) > CR) at++
    return at
  }
}
