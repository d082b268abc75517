import type { Random } from '@sealpost/runtime'

const POOL_BYTES = 4800

/** Hands out random bytes a few dozen at a time from a block that is drawn at once, and wipes what it has handed out. */
export class RandomPool {
  readonly #random: Random
  #block: Buffer = Buffer.alloc(0)
  #used = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Fills `length` bytes of `target` (at most one block). */
  fill(target: Uint8Array, offset: number, length: number): void {
    if (this.#used + length > this.#block.length) {
      this.#block.fill(0)
      this.#block = this.#random.bytes(POOL_BYTES)
      this.#used = 0
    }
    const source = this.#block.subarray(this.#used, this.#used + length)
    target.set(source, offset)
    source.fill(0)
    this.#used += length
  }

  wipe(): void {
    this.#block.fill(0)
    this.#used = this.#block.length
  }
}
