/** A binary heap of slot numbers by due second, in typed arrays, with removal from the middle. */
export class DueHeap {
  readonly #dueOf: (slot: number) => number
  /** Slot numbers in heap order. */
  #heap = new Int32Array(1024)
  /** Position in the heap by slot number, -1 when absent. */
  #position = new Int32Array(1024).fill(-1)
  #size = 0

  /** `dueOf` must not change for a slot while it is in the heap. */
  constructor(dueOf: (slot: number) => number) {
    this.#dueOf = dueOf
  }

  get size(): number {
    return this.#size
  }

  add(slot: number): void {
    if (this.#size === this.#heap.length) this.#heap = grown(this.#heap, this.#size + 1, 0)
    if (slot >= this.#position.length) this.#position = grown(this.#position, slot + 1, -1)
    this.#place(slot, this.#size)
    this.#size += 1
    this.#up(this.#size - 1)
  }

  remove(slot: number): void {
    const hole = this.#position[slot] ?? -1
    if (hole === -1) return
    this.#position[slot] = -1
    this.#size -= 1
    if (hole === this.#size) return
    this.#place(this.#at(this.#size), hole)
    this.#up(hole)
    this.#down(hole)
  }

  /** Up to `limit` slots due at or before `second`, in no order. They stay in the heap. */
  until(second: number, limit: number): number[] {
    const found: number[] = []
    const open = [0]
    for (let index = open.pop(); index !== undefined && found.length < limit; index = open.pop()) {
      if (index >= this.#size || this.#dueOf(this.#at(index)) > second) continue
      found.push(this.#at(index))
      open.push(index * 2 + 2, index * 2 + 1)
    }
    return found
  }

  #at(index: number): number {
    return this.#heap[index] ?? -1
  }

  #place(slot: number, index: number): void {
    this.#heap[index] = slot
    this.#position[slot] = index
  }

  #up(start: number): void {
    const slot = this.#at(start)
    const due = this.#dueOf(slot)
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#dueOf(this.#at(parent)) <= due) break
      this.#place(this.#at(parent), index)
      index = parent
    }
    this.#place(slot, index)
  }

  #down(start: number): void {
    const slot = this.#at(start)
    const due = this.#dueOf(slot)
    let index = start
    for (;;) {
      let child = index * 2 + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#dueOf(this.#at(child + 1)) < this.#dueOf(this.#at(child)))
        child += 1
      if (this.#dueOf(this.#at(child)) >= due) break
      this.#place(this.#at(child), index)
      index = child
    }
    this.#place(slot, index)
  }
}

/** A copy of `array` with at least `length` entries, twice as many as before, the new ones holding `value`. */
export function grown(
  array: Int32Array<ArrayBuffer>,
  length: number,
  value: number,
): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, array.length * 2)).fill(value, array.length)
  larger.set(array)
  return larger
}
