/** The right edge of a tree: all that is needed to append to it and to know its root. At most 53 hashes, however large the tree. */
import { TILE_HEIGHT } from './tile.ts'
import { EMPTY_ROOT, HASH_BYTES, hashNode } from './merkle.ts'
import { malformed } from './tlog-error.ts'

/** A hash that belongs into a tile above the lowest: that of a full tile of `level - 1`. */
export interface TileHash {
  /** Of the tile, from 1. */
  readonly level: number
  /** Among the hashes of the level. */
  readonly index: number
  readonly hash: Buffer
}

export class Frontier {
  #size: number
  /** Of full subtrees, the largest first: one for each bit of the size. */
  readonly #hashes: Buffer[]

  private constructor(size: number, hashes: Buffer[]) {
    this.#size = size
    this.#hashes = hashes
  }

  static empty(): Frontier {
    return new Frontier(0, [])
  }

  /** What `toBytes` gave for a tree of `size`. Throws TLOG_MALFORMED when it is not as many hashes as such a tree has. */
  static from(size: number, bytes: Uint8Array): Frontier {
    if (!Number.isSafeInteger(size) || size < 0) throw malformed('tree')
    const count = size.toString(2).replaceAll('0', '').length
    if (bytes.length !== count * HASH_BYTES) throw malformed('tree')
    const hashes = Array.from({ length: count }, (_, index) =>
      Buffer.from(bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)),
    )
    return new Frontier(size, hashes)
  }

  get size(): number {
    return this.#size
  }

  /** Appends the hash of a leaf. Returns the hashes of tiles that it filled. */
  append(leaf: Uint8Array): TileHash[] {
    const filled: TileHash[] = []
    let hash: Buffer = Buffer.from(leaf)
    let [level, position] = [0, this.#size]
    while (position % 2 === 1) {
      const left = this.#hashes.pop()
      if (left === undefined) throw malformed('tree')
      hash = hashNode(left, hash)
      position = Math.floor(position / 2)
      level += 1
      if (level % TILE_HEIGHT === 0) filled.push({ level: level / TILE_HEIGHT, index: position, hash })
    }
    this.#hashes.push(hash)
    this.#size += 1
    return filled
  }

  root(): Buffer {
    return (
      this.#hashes.reduceRight<Buffer | undefined>(
        (right, left) => (right === undefined ? left : hashNode(left, right)),
        undefined,
      ) ?? EMPTY_ROOT
    )
  }

  toBytes(): Buffer {
    return Buffer.concat(this.#hashes)
  }
}
