const EMPTY = -1

/**
 * Finds a message's slot by its row id: a hash table with open addressing over slot numbers, 8 bytes an entry at most half full.
 * The ids are random, so their own first bytes are the hash.
 */
export class IdIndex {
  /** The first 4 bytes of the id in a slot. */
  readonly #hashOf: (slot: number) => number
  readonly #holds: (slot: number, bytes: Buffer, offset: number) => boolean
  #table = new Int32Array(2048).fill(EMPTY)
  #size = 0

  constructor(
    hashOf: (slot: number) => number,
    holds: (slot: number, bytes: Buffer, offset: number) => boolean,
  ) {
    this.#hashOf = hashOf
    this.#holds = holds
  }

  get size(): number {
    return this.#size
  }

  /** The slot of the id that begins at `offset`. */
  find(bytes: Buffer, offset: number): number | undefined {
    const mask = this.#table.length - 1
    for (let index = bytes.readUInt32BE(offset) & mask; ; index = (index + 1) & mask) {
      const slot = this.#at(index)
      if (slot === EMPTY) return undefined
      if (this.#holds(slot, bytes, offset)) return slot
    }
  }

  /** Makes room for so many more at once. */
  reserve(more: number): void {
    let length = this.#table.length
    while ((this.#size + more) * 2 > length) length *= 2
    if (length > this.#table.length) this.#grow(length)
  }

  add(slot: number): void {
    this.reserve(1)
    this.#insert(slot)
    this.#size += 1
  }

  /** Removes a slot that is in the table; its id must still be readable. */
  remove(slot: number): void {
    const mask = this.#table.length - 1
    let hole = this.#hashOf(slot) & mask
    while (this.#at(hole) !== slot) hole = (hole + 1) & mask
    // Closes the gap by moving back each later entry of the run that may stand here.
    for (let index = (hole + 1) & mask; this.#at(index) !== EMPTY; index = (index + 1) & mask) {
      const home = this.#hashOf(this.#at(index)) & mask
      if (((index - home) & mask) < ((index - hole) & mask)) continue
      this.#table[hole] = this.#at(index)
      hole = index
    }
    this.#table[hole] = EMPTY
    this.#size -= 1
  }

  #at(index: number): number {
    return this.#table[index] ?? EMPTY
  }

  #insert(slot: number): void {
    const mask = this.#table.length - 1
    let index = this.#hashOf(slot) & mask
    while (this.#at(index) !== EMPTY) index = (index + 1) & mask
    this.#table[index] = slot
  }

  #grow(length: number): void {
    const old = this.#table
    this.#table = new Int32Array(length).fill(EMPTY)
    for (const slot of old) if (slot !== EMPTY) this.#insert(slot)
  }
}
