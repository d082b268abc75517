/** C2SP tlog-tiles: where the hashes and the entries of a log lie, and in what form. */
import { HASH_BYTES } from './merkle.ts'
import { decodeDecimal } from './base64.ts'
import { malformed } from './tlog-error.ts'

/** Levels of the tree that a tile spans. */
export const TILE_HEIGHT = 8
/** Hashes or entries of a full tile. */
export const TILE_WIDTH = 256
const LEVEL_MAX = 63
const ENTRY_BYTES_MAX = 65_535
/** Of `x001/x234/067`: more than 2^53 has. */
const PATH_CHARS_MAX = 64

export interface Tile {
  /** `entries`: the bundle of entries beside the tile of level 0 with this index. */
  readonly level: number | 'entries'
  readonly index: number
  /** 1 to 255 of a partial tile, 256 of a full one. */
  readonly width: number
}

/** The path below the prefix of the log: `tile/0/x001/234.p/5`. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${String(level)}/${path}${width === TILE_WIDTH ? '' : `.p/${String(width)}`}`
}

/** Undefined when it is not the one path of a tile. */
export function parseTilePath(path: string): Tile | undefined {
  if (path.length > PATH_CHARS_MAX) return undefined
  const match = /^tile\/(\d{1,2}|entries)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (match === null) return undefined
  const [, levelText = '', indexText = '', widthText] = match
  const level = levelText === 'entries' ? 'entries' : decodeDecimal(levelText)
  const index = decodeDecimal(indexText.replaceAll(/[x/]/g, '').replace(/^0+(?=\d)/, ''))
  const width = widthText === undefined ? TILE_WIDTH : decodeDecimal(widthText)
  if (level === undefined || index === undefined || width === undefined) return undefined
  const tile: Tile = { level, index, width }
  // Written anew it must be the same: no zeroes too many in front.
  return width >= 1 && (level === 'entries' || level <= LEVEL_MAX) && tilePath(tile) === path
    ? tile
    : undefined
}

/** How wide the tile is in a tree of `size`; 0 when it has none. */
export function tileWidth({ level, index }: Pick<Tile, 'level' | 'index'>, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level))
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** Throws TLOG_MALFORMED unless it is exactly `width` hashes. */
export function readHashes(bytes: Uint8Array, width: number): Buffer[] {
  if (bytes.length !== width * HASH_BYTES) throw malformed('tile')
  return Array.from({ length: width }, (_, at) =>
    Buffer.from(bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)),
  )
}

export function writeBundle(entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.length > ENTRY_BYTES_MAX) throw malformed('entry')
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

/** Throws TLOG_MALFORMED unless it is exactly `width` entries. */
export function readBundle(bytes: Uint8Array, width: number): Buffer[] {
  const bundle = Buffer.from(bytes)
  const entries: Buffer[] = []
  let at = 0
  while (entries.length < width) {
    if (at + 2 > bundle.length) throw malformed('bundle of entries')
    const end = at + 2 + bundle.readUInt16BE(at)
    if (end > bundle.length) throw malformed('bundle of entries')
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  if (at !== bundle.length) throw malformed('bundle of entries')
  return entries
}
