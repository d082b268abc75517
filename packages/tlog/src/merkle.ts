/** RFC 9162 §2.1: the hashes of a Merkle tree, and what proves inclusion and consistency. The same as RFC 6962 §2.1 with SHA-256. */
import { createHash } from 'node:crypto'

export const HASH_BYTES = 32
/** Hashes of one proof: C2SP tlog-witness says 63. */
export const PROOF_HASHES_MAX = 63

const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

/** RFC 9162 §2.1.1: of no entries. */
export const EMPTY_ROOT: Buffer = createHash('sha256').digest()

export function hashLeaf(entry: Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(entry).digest()
}

export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

export interface InclusionClaim {
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** RFC 9162 §2.1.3.2: whether the proof shows that `leaf`, a hash, is at `index` of the tree of `size` and `root`. */
export function verifyInclusion({ leaf, index, size, root, proof }: InclusionClaim): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false
  let [position, last] = [index, size - 1]
  let hash: Buffer = Buffer.from(leaf)
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(position) || position === last) {
      hash = hashNode(sibling, hash)
      while (!isOdd(position) && position !== 0) [position, last] = [half(position), half(last)]
    } else hash = hashNode(hash, sibling)
    ;[position, last] = [half(position), half(last)]
  }
  return last === 0 && hash.equals(root)
}

export interface ConsistencyClaim {
  readonly oldSize: number
  readonly oldRoot: Uint8Array
  readonly size: number
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** RFC 9162 §2.1.4.2: whether the proof shows that the larger tree begins with the smaller. The empty tree begins every tree. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, oldRoot, size, root, proof } = claim
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) return false
  if (oldSize === 0) return proof.length === 0 && EMPTY_ROOT.equals(oldRoot)
  if (oldSize === size) return proof.length === 0 && Buffer.from(oldRoot).equals(root)
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof
  const [first, ...rest] = path
  if (first === undefined || proof.length === 0) return false
  let [position, last] = [oldSize - 1, size - 1]
  while (isOdd(position)) [position, last] = [half(position), half(last)]
  let oldHash: Buffer = Buffer.from(first)
  let hash: Buffer = Buffer.from(first)
  for (const sibling of rest) {
    if (last === 0) return false
    if (isOdd(position) || position === last) {
      oldHash = hashNode(sibling, oldHash)
      hash = hashNode(sibling, hash)
      while (!isOdd(position) && position !== 0) [position, last] = [half(position), half(last)]
    } else hash = hashNode(hash, sibling)
    ;[position, last] = [half(position), half(last)]
  }
  return last === 0 && oldHash.equals(oldRoot) && hash.equals(root)
}

// Bit operators would cut numbers off at 32 bits.
const isOdd = (value: number): boolean => value % 2 === 1
const half = (value: number): number => Math.floor(value / 2)
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function isPowerOfTwo(value: number): boolean {
  let power = 1
  while (power < value) power *= 2
  return power === value
}
