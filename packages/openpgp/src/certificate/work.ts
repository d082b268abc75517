/**
 * What verifying costs, counted rather than timed, so that the outcome for an upload is the same on every machine and at every hour. One unit is about a
 * microsecond of a core of 2020. Whoever sends a thousand forged signatures of the costliest kind uses up their own upload's work, and no more.
 */
import { hashName, PublicKeyAlgorithm } from './algorithm.ts'
import { bitLength } from './fields.ts'
import { keyCurve } from './key.ts'
import type { Key } from './key.ts'

export class Work {
  #left: number

  constructor(max: number) {
    this.#left = max
  }

  /** Whether there was enough left; once there was not, there is nothing left. */
  take(cost: number): boolean {
    this.#left = cost > this.#left ? 0 : this.#left - cost
    return this.#left > 0
  }
}

const HASH_BASE = 4
const HASH_BYTES_PER_UNIT = 400
const HASH_BYTES_PER_UNIT_SHA3 = 200

/** Of hashing so many bytes. */
export function hashCost(algorithm: number, bytes: number): number {
  const rate =
    hashName(algorithm)?.startsWith('sha3') === true ? HASH_BYTES_PER_UNIT_SHA3 : HASH_BYTES_PER_UNIT
  return HASH_BASE + bytes / rate
}

const BY_ALGORITHM: ReadonlyMap<number, number> = new Map([
  [PublicKeyAlgorithm.ed25519, 150],
  [PublicKeyAlgorithm.ed448, 600],
  [PublicKeyAlgorithm.mlDsa65Ed25519, 500],
  [PublicKeyAlgorithm.mlDsa87Ed448, 1000],
  [PublicKeyAlgorithm.slhDsaShake128s, 1500],
  [PublicKeyAlgorithm.slhDsaShake128f, 3000],
  [PublicKeyAlgorithm.slhDsaShake256s, 3000],
])
const BY_CURVE: ReadonlyMap<string, number> = new Map([
  ['nistp256', 150],
  ['nistp384', 1000],
  ['nistp521', 1000],
  ['secp256k1', 700],
  ['brainpoolP256r1', 700],
  ['brainpoolP384r1', 1500],
  ['brainpoolP512r1', 2500],
  ['ed25519', 150],
  ['ed448', 600],
])

/** Of one verification with this key. */
export function verifyCost(key: Key): number {
  const known = BY_ALGORITHM.get(key.algorithm) ?? BY_CURVE.get(keyCurve(key)?.name ?? '')
  if (known !== undefined) return known
  const bits = bitLength(key.material?.[0] ?? Buffer.alloc(0))
  return key.algorithm === PublicKeyAlgorithm.dsa ? 1500 : 40 + (bits / 1024) ** 2 * 8
}
