/** RFC 9162 §2.1.3.1, §2.1.4.1: roots and proofs, made from the tiles of a tree. */
import { EMPTY_ROOT, hashNode } from './merkle.ts'
import { readHashes, TILE_HEIGHT, TILE_WIDTH, tileWidth } from './tile.ts'
import type { Tile } from './tile.ts'
import { malformed } from './tlog-error.ts'

/** The hashes of a tile as they are served; asked for once for each tile. */
export type ReadTile = (tile: Tile & { readonly level: number }) => Promise<Uint8Array>

/** Entries from `from` to before `to`. In proofs the range is a full subtree, or ends with the tree. */
interface Range {
  readonly from: number
  readonly to: number
}

export class TiledTree {
  readonly size: number
  readonly #read: ReadTile
  readonly #tiles = new Map<string, Promise<Buffer[]>>()

  /** @param size of the tree; the tiles are those that a tree of this size has */
  constructor(size: number, read: ReadTile) {
    this.size = size
    this.#read = read
  }

  root(): Promise<Buffer> {
    return this.size === 0 ? Promise.resolve(EMPTY_ROOT) : this.#hash({ from: 0, to: this.size })
  }

  /** That the entry at `index` is in this tree; `index` below its size. */
  async inclusionProof(index: number): Promise<Buffer[]> {
    if (index < 0 || index >= this.size) throw malformed('index of the tree')
    const ranges: Range[] = []
    let [from, to] = [0, this.size]
    while (to - from > 1) {
      const middle = from + largestPowerBelow(to - from)
      ranges.push(index < middle ? { from: middle, to } : { from, to: middle })
      if (index < middle) to = middle
      else from = middle
    }
    return this.#hashAll(ranges)
  }

  /** That this tree begins with the tree of `oldSize`, from 1. */
  async consistencyProof(oldSize: number): Promise<Buffer[]> {
    if (oldSize < 1 || oldSize > this.size) throw malformed('size of an older tree')
    const ranges: Range[] = []
    let [from, to] = [0, this.size]
    while (to !== oldSize) {
      const middle = from + largestPowerBelow(to - from)
      ranges.push(oldSize <= middle ? { from: middle, to } : { from, to: middle })
      if (oldSize <= middle) to = middle
      else from = middle
    }
    if (from !== 0) ranges.push({ from, to })
    return this.#hashAll(ranges)
  }

  /** Proofs go from the leaf to the root. */
  #hashAll(ranges: Range[]): Promise<Buffer[]> {
    return Promise.all(ranges.toReversed().map((range) => this.#hash(range)))
  }

  async #hash({ from, to }: Range): Promise<Buffer> {
    const parts: Promise<Buffer>[] = []
    for (let at = from; at < to;) {
      const leaves = largestPowerBelow(to - at + 1)
      parts.push(this.#subtree(at, leaves))
      at += leaves
    }
    const hashes = await Promise.all(parts)
    return hashes.reduceRight((right, left) => hashNode(left, right))
  }

  /** Of `leaves` entries, a power of two, the first of them at a multiple of it. */
  async #subtree(from: number, leaves: number): Promise<Buffer> {
    let level = 0
    while (TILE_WIDTH ** (level + 1) <= leaves) level += 1
    const first = from / TILE_WIDTH ** level
    const count = leaves / TILE_WIDTH ** level
    const index = Math.floor(first / TILE_WIDTH)
    const hashes = await this.#tile(level, index)
    return foldHashes(hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + count))
  }

  #tile(level: number, index: number): Promise<Buffer[]> {
    const key = `${String(level)}/${String(index)}`
    const known = this.#tiles.get(key)
    if (known !== undefined) return known
    const width = tileWidth({ level, index }, this.size)
    const read = this.#read({ level, index, width }).then((bytes) => readHashes(bytes, width))
    this.#tiles.set(key, read)
    return read
  }
}

/** The hash over as many as a power of two up to 256. */
export function foldHashes(hashes: readonly Buffer[]): Buffer {
  let row = hashes
  for (let height = 0; row.length > 1 && height < TILE_HEIGHT; height += 1)
    row = Array.from({ length: row.length / 2 }, (_, at) => pair(row, at))
  const [hash] = row
  if (hash === undefined || row.length > 1) throw malformed('tile')
  return hash
}

function pair(row: readonly Buffer[], at: number): Buffer {
  const [left, right] = [row[2 * at], row[2 * at + 1]]
  if (left === undefined || right === undefined) throw malformed('tile')
  return hashNode(left, right)
}

/** The largest power of two that is less than `value`, from 2. */
function largestPowerBelow(value: number): number {
  let power = 1
  while (power * 2 < value) power *= 2
  return power
}
