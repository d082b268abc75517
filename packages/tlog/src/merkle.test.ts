import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  entriesOf,
  MemoryLog,
  naiveConsistency,
  naiveInclusion,
  naiveRoot,
  vectorLines,
} from './_fixtures.ts'
import {
  EMPTY_ROOT,
  Frontier,
  hashLeaf,
  TiledTree,
  TlogError,
  verifyConsistency,
  verifyInclusion,
} from './index.ts'

describe('RFC 9162 §2.1', () => {
  test('§2.1.1: the roots of the reference tree', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    const frontier = Frontier.empty()
    expect(frontier.root()).toEqual(EMPTY_ROOT)
    const rows = vectorLines('tree.txt').filter((line) => line.includes('\t'))
    expect(rows).toHaveLength(8)
    for (const row of rows) {
      const [entry = '', root] = row.split('\t')
      frontier.append(hashLeaf(Buffer.from(entry, 'hex')))
      expect(frontier.root().toString('hex')).toBe(root)
    }
  })

  test('§2.1.3, §2.1.4: every proof of every tree up to 40 is that of the text, and verifies; nothing else does', async () => {
    const log = new MemoryLog()
    const roots = [EMPTY_ROOT]
    for (const entry of entriesOf(40)) {
      log.add(entry)
      const size = log.entries.length
      const root = log.frontier.root()
      roots.push(root)
      expect(root).toEqual(naiveRoot(log.entries))
      const tree = new TiledTree(size, log.read)
      expect(await tree.root()).toEqual(root)
      for (let index = 0; index < size; index += 1) {
        const proof = await tree.inclusionProof(index)
        expect(proof).toEqual(naiveInclusion(index, log.entries))
        const claim = { leaf: hashLeaf(log.entries[index] ?? Buffer.alloc(0)), index, size, root, proof }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(size === 1)
        expect(verifyInclusion({ ...claim, proof: [...proof, root] })).toBe(false)
      }
      for (let oldSize = 1; oldSize <= size; oldSize += 1) {
        const proof = await tree.consistencyProof(oldSize)
        expect(proof).toEqual(naiveConsistency(oldSize, log.entries))
        const claim = { oldSize, oldRoot: roots[oldSize] ?? EMPTY_ROOT, size, root, proof }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, oldRoot: roots[oldSize - 1] ?? EMPTY_ROOT })).toBe(false)
        expect(verifyConsistency({ ...claim, root: EMPTY_ROOT })).toBe(false)
        expect(verifyConsistency({ ...claim, proof: [...proof, root] })).toBe(false)
      }
    }
  })

  test('random trees over several levels of tiles, against the words of the text', async () => {
    const log = new MemoryLog()
    const roots = new Map<number, Buffer>()
    const sizes = [255, 256, 257, 511, 512, 600, 1_000, 3_000]
    for (const entry of entriesOf(3_000)) {
      log.add(entry)
      if (sizes.includes(log.entries.length)) roots.set(log.entries.length, log.frontier.root())
    }
    for (const size of sizes) expect(roots.get(size)).toEqual(naiveRoot(log.entries.slice(0, size)))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...sizes), fc.nat(2_999), fc.nat(2_998), async (size, a, b) => {
        const [index, oldSize] = [a % size, 1 + (b % size)]
        const entries = log.entries.slice(0, size)
        const tree = new TiledTree(size, log.read)
        expect(await tree.inclusionProof(index)).toEqual(naiveInclusion(index, entries))
        expect(await tree.consistencyProof(oldSize)).toEqual(naiveConsistency(oldSize, entries))
      }),
      { numRuns: 25 },
    )
  })

  test('a tile that was altered proves nothing', async () => {
    const log = new MemoryLog()
    for (const entry of entriesOf(1_000)) log.add(entry)
    const root = log.frontier.root()
    for (const altered of [0, 1]) {
      const tree = new TiledTree(1_000, async (tile) => {
        const bytes = await log.read(tile)
        if (tile.level === altered) bytes[0] = (bytes[0] ?? 0) ^ 1
        return bytes
      })
      expect(await tree.root()).not.toEqual(root)
      const proof = await tree.inclusionProof(300)
      const leaf = hashLeaf(log.entries[300] ?? Buffer.alloc(0))
      expect(verifyInclusion({ leaf, index: 300, size: 1_000, root, proof })).toBe(false)
    }
    const short = new TiledTree(1_000, async (tile) => (await log.read(tile)).subarray(32))
    await expect(short.root()).rejects.toThrow(TlogError)
  })

  test('proofs that somebody made up prove nothing, and end', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const size = fc.oneof(fc.nat(300), fc.maxSafeInteger())
    fc.assert(
      fc.property(size, size, hash, hash, fc.array(hash, { maxLength: 64 }), (a, b, leaf, root, proof) => {
        expect(verifyInclusion({ leaf, index: a, size: b, root, proof })).toBe(false)
        expect(verifyConsistency({ oldSize: a, oldRoot: leaf, size: b, root, proof })).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('Frontier', () => {
  test('is taken up again from its bytes', () => {
    let frontier = Frontier.empty()
    const entries = entriesOf(600)
    for (const [index, entry] of entries.entries()) {
      frontier = Frontier.from(index, frontier.toBytes())
      frontier.append(hashLeaf(entry))
    }
    expect(frontier.size).toBe(600)
    expect(frontier.root()).toEqual(naiveRoot(entries))
  })

  test.each([
    [1, 0],
    [3, 32],
    [4, 64],
    [-1, 0],
    [0.5, 0],
    [2 ** 53, 32],
  ])('of a tree of %d is not %d bytes', (size, bytes) => {
    expect(() => Frontier.from(size, Buffer.alloc(bytes))).toThrow(TlogError)
  })
})
