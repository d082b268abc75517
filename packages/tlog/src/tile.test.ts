import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entriesOf } from './_fixtures.ts'
import {
  parseTilePath,
  readBundle,
  readHashes,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  TlogError,
  writeBundle,
} from './index.ts'

describe('C2SP tlog-tiles, Merkle Tree: paths', () => {
  test.each([
    [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 63, index: 0, width: 1 }, 'tile/63/000.p/1'],
    [{ level: 'entries', index: 1_000, width: 255 }, 'tile/entries/x001/000.p/255'],
  ] as const)('%o is %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path)
    expect(parseTilePath(path)).toEqual(tile)
  })

  test.each([
    'tile/64/000',
    'tile/00/000',
    'tile/0/00',
    'tile/0/0000',
    'tile/0/x000/001',
    'tile/0/001/001',
    'tile/0/x001',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/',
    'tile/data/000',
    'tile/0/000/',
    '/tile/0/000',
    `tile/0/${'x999/'.repeat(6)}999`,
  ])('%s is none', (path) => {
    expect(parseTilePath(path)).toBeUndefined()
  })

  test('what is read is what was written, and nothing else is read', () => {
    fc.assert(
      fc.property(
        fc.nat(63),
        fc.maxSafeInteger(),
        fc.integer({ min: 1, max: 256 }),
        (level, number, width) => {
          const tile = { level, index: Math.abs(number), width }
          expect(parseTilePath(tilePath(tile))).toEqual(tile)
        },
      ),
    )
    const piece = fc.constantFrom('tile', '/', '0', '000', 'x001', '.p', '12', 'entries', '256', 'x')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 9 }).map((all) => all.join('')),
        ),
        (path) => {
          const tile = parseTilePath(path)
          if (tile !== undefined) expect(tilePath(tile)).toBe(path)
        },
      ),
      { numRuns: 3_000 },
    )
  })

  test('Partial Tiles: the example of 70,000 entries, and that of 256', () => {
    const widths = (level: number, size: number): number[] => {
      const all: number[] = []
      for (let index = 0; tileWidth({ level, index }, size) > 0; index += 1)
        all.push(tileWidth({ level, index }, size))
      return all
    }
    expect(widths(0, 70_000)).toEqual([...Array.from({ length: 273 }, () => TILE_WIDTH), 112])
    expect(widths(1, 70_000)).toEqual([TILE_WIDTH, 17])
    expect(widths(2, 70_000)).toEqual([1])
    expect(widths(3, 70_000)).toEqual([])
    expect([widths(0, 256), widths(1, 256)]).toEqual([[256], [1]])
    expect(tileWidth({ level: 'entries', index: 273 }, 70_000)).toBe(112)
  })
})

describe('C2SP tlog-tiles: contents', () => {
  test('Log entries: bundles are what was put in, and their length tells', () => {
    const entries = entriesOf(5)
    const bundle = writeBundle(entries)
    expect(readBundle(bundle, 5)).toEqual(entries)
    for (const width of [4, 6]) expect(() => readBundle(bundle, width)).toThrow(TlogError)
    expect(() => readBundle(bundle.subarray(1), 5)).toThrow(TlogError)
    expect(() => writeBundle([Buffer.alloc(65_536)])).toThrow(TlogError)
    expect(readBundle(writeBundle([Buffer.alloc(0)]), 1)).toEqual([Buffer.alloc(0)])
  })

  test('whatever the bytes, they are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(8), (bytes, width) => {
        for (const read of [readBundle, readHashes])
          try {
            expect(read(bytes, width)).toHaveLength(width)
          } catch (error) {
            expect(error).toBeInstanceOf(TlogError)
          }
      }),
      { numRuns: 2_000 },
    )
  })
})
