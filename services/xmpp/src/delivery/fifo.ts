/** A queue with constant-time push and shift, used on the hot path. */

/** Places of an empty queue that are kept for what comes next. */
const KEPT_MAX = 64
/** Places at the head that are given back when they are half of all. */
const COMPACTED_MIN = 1024

export class Fifo<T> {
  /** Taken from `#head`, added at `#tail`; the array is kept while it is empty, unless it has grown. */
  #items: (T | undefined)[] = []
  #head = 0
  #tail = 0

  get length(): number {
    return this.#tail - this.#head
  }

  push(item: T): void {
    this.#items[this.#tail++] = item
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#tail) {
      if (this.#items.length > KEPT_MAX) this.#items = []
      this.#head = 0
      this.#tail = 0
    } else if (this.#head >= COMPACTED_MIN && this.#head * 2 >= this.#tail) {
      this.#items = this.#items.slice(this.#head, this.#tail)
      this.#tail -= this.#head
      this.#head = 0
    }
    return item
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = this.#head; index < this.#tail; index++) {
      const item = this.#items[index]
      if (item !== undefined) yield item
    }
  }
}
