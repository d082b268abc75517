/** Trees, keys and vectors for the tests. */
import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { VrfSecretKey } from './ecvrf.ts'
import { Frontier } from './frontier.ts'
import { EMPTY_ROOT, hashLeaf, hashNode } from './merkle.ts'
import { noteKey, SIGNATURE_TYPE } from './signed-note.ts'
import type { NoteKey, SignatureType } from './signed-note.ts'
import { TILE_WIDTH } from './tile.ts'
import type { ReadTile } from './tiled-tree.ts'

export const vector = (name: string): Buffer =>
  readFileSync(new URL(`../../../test/vectors/tlog/${name}`, import.meta.url))

/** Lines without comments, as they stand. */
export const vectorLines = (name: string): string[] =>
  vector(name)
    .toString()
    .split('\n')
    .filter((line) => !line.startsWith('#'))

/** The root by the words of RFC 9162 §2.1.1, with no thought for cost. */
export function naiveRoot(entries: readonly Uint8Array[]): Buffer {
  const [first] = entries
  if (first === undefined) return EMPTY_ROOT
  if (entries.length === 1) return hashLeaf(first)
  let split = 1
  while (split * 2 < entries.length) split *= 2
  return hashNode(naiveRoot(entries.slice(0, split)), naiveRoot(entries.slice(split)))
}

/** RFC 9162 §2.1.3.1. */
export function naiveInclusion(index: number, entries: readonly Uint8Array[]): Buffer[] {
  if (entries.length <= 1) return []
  let split = 1
  while (split * 2 < entries.length) split *= 2
  const [left, right] = [entries.slice(0, split), entries.slice(split)]
  return index < split
    ? [...naiveInclusion(index, left), naiveRoot(right)]
    : [...naiveInclusion(index - split, right), naiveRoot(left)]
}

/** RFC 9162 §2.1.4.1. */
export function naiveConsistency(old: number, entries: readonly Uint8Array[], whole = true): Buffer[] {
  if (old === entries.length) return whole ? [] : [naiveRoot(entries)]
  let split = 1
  while (split * 2 < entries.length) split *= 2
  const [left, right] = [entries.slice(0, split), entries.slice(split)]
  return old <= split
    ? [...naiveConsistency(old, left, whole), naiveRoot(right)]
    : [...naiveConsistency(old - split, right, false), naiveRoot(left)]
}

/** A log in memory, kept as a server keeps it. */
export class MemoryLog {
  readonly entries: Buffer[] = []
  readonly frontier = Frontier.empty()
  readonly #levels: Buffer[][] = [[]]

  add(entry: Uint8Array): void {
    this.entries.push(Buffer.from(entry))
    const leaf = hashLeaf(entry)
    this.#levels[0]?.push(leaf)
    for (const { level, index, hash } of this.frontier.append(leaf)) {
      const row = (this.#levels[level] ??= [])
      if (row.length !== index) throw new Error('a tile was filled out of turn')
      row.push(hash)
    }
  }

  readonly read: ReadTile = async ({ level, index, width }) =>
    Buffer.concat((this.#levels[level] ?? []).slice(index * TILE_WIDTH, index * TILE_WIDTH + width))
}

export function entriesOf(count: number, salt = ''): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    createHash('sha512')
      .update(`${salt}${String(index)}`)
      .digest(),
  )
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface Signer {
  readonly key: NoteKey
  readonly secret: KeyObject
}

/** Keys from a number: the same each time. */
export function signer(name: string, seed: number, type: SignatureType = SIGNATURE_TYPE.ed25519): Signer {
  const bytes = Buffer.alloc(32, seed)
  const secret = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, bytes]),
    format: 'der',
    type: 'pkcs8',
  })
  // A VRF key of the same seed has the same public key: both are RFC 8032.
  return { key: noteKey(name, type, new VrfSecretKey(bytes).publicKey), secret }
}
