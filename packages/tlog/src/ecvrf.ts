/**
 * RFC 9381 ECVRF-EDWARDS25519-SHA512-TAI: a hash that only the owner of a key can make, and everybody can verify. Try-and-increment takes a time that depends on
 * the input, so it is for inputs that whoever measures knows anyway, as here; in turn it is the simplest that there is.
 */
import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { unproven } from './tlog-error.ts'

const Point = ed25519.Point
type Point = InstanceType<typeof Point>
const ORDER = Point.Fn.ORDER

const SUITE = 3
const [ENCODE, CHALLENGE, HASH, END] = [1, 2, 3, 0]
const POINT_BYTES = 32
const CHALLENGE_BYTES = 16
const SCALAR_BYTES = 32
export const VRF_PROOF_BYTES = POINT_BYTES + CHALLENGE_BYTES + SCALAR_BYTES
export const VRF_KEY_BYTES = 32

export class VrfSecretKey {
  readonly publicKey: Buffer
  readonly #scalar: bigint
  readonly #nonceSeed: Buffer

  /** @param seed 32 bytes, the secret key of RFC 8032 */
  constructor(seed: Uint8Array) {
    const hashed = createHash('sha512').update(seed).digest()
    const clamped = Buffer.from(hashed.subarray(0, SCALAR_BYTES))
    clamped[0] = (clamped[0] ?? 0) & 248
    clamped[31] = ((clamped[31] ?? 0) & 127) | 64
    this.#scalar = littleEndian(clamped) % ORDER
    this.#nonceSeed = hashed.subarray(SCALAR_BYTES)
    this.publicKey = encode(Point.BASE.multiply(this.#scalar))
  }

  /** RFC 9381 §5.1, §5.2: the output alone, 64 bytes; a third of the work of a proof. */
  output(input: Uint8Array): Buffer {
    return outputOf(encodeToCurve(this.publicKey, input).multiply(this.#scalar))
  }

  /** RFC 9381 §5.1: 80 bytes. The same for the same input, always. */
  prove(input: Uint8Array): Buffer {
    const point = encodeToCurve(this.publicKey, input)
    const gamma = point.multiply(this.#scalar)
    const nonce = this.#nonce(point)
    const challenge = challengeOf([
      this.publicKey,
      encode(point),
      encode(gamma),
      encode(Point.BASE.multiply(nonce)),
      encode(point.multiply(nonce)),
    ])
    const s = (nonce + littleEndian(challenge) * this.#scalar) % ORDER
    return Buffer.concat([encode(gamma), challenge, toLittleEndian(s)])
  }

  /** RFC 9381 §5.4.2.2, RFC 8032 §5.1.6. */
  #nonce(point: Point): bigint {
    return littleEndian(createHash('sha512').update(this.#nonceSeed).update(encode(point)).digest()) % ORDER
  }
}

/** RFC 9381 §5.2: the output that a proof is of. Nothing is verified. Throws TLOG_PROOF when it is no proof. */
export function vrfOutput(proof: Uint8Array): Buffer {
  const gamma = proof.length === VRF_PROOF_BYTES ? decode(proof.subarray(0, POINT_BYTES)) : undefined
  if (gamma === undefined) throw unproven('the VRF output is of this address')
  return outputOf(gamma)
}

/** RFC 9381 §5.3, with the key validated: the output that belongs to the input under this key. Throws TLOG_PROOF. */
export function verifyVrf(publicKey: Uint8Array, input: Uint8Array, proof: Uint8Array): Buffer {
  if (proof.length !== VRF_PROOF_BYTES) throw unproven('the VRF output is of this address')
  const key = decode(publicKey)
  const gamma = decode(proof.subarray(0, POINT_BYTES))
  const challenge = proof.subarray(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES)
  const s = littleEndian(proof.subarray(POINT_BYTES + CHALLENGE_BYTES))
  if (key === undefined || key.clearCofactor().is0() || gamma === undefined || s >= ORDER)
    throw unproven('the VRF output is of this address')
  const point = encodeToCurve(publicKey, input)
  const c = littleEndian(challenge)
  const u = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(c))
  const v = point.multiplyUnsafe(s).subtract(gamma.multiplyUnsafe(c))
  const parts = [Buffer.from(publicKey), encode(point), encode(gamma), encode(u), encode(v)]
  if (!challengeOf(parts).equals(challenge)) throw unproven('the VRF output is of this address')
  return outputOf(gamma)
}

/** RFC 9381 §5.4.1.1; the salt is the public key. */
function encodeToCurve(publicKey: Uint8Array, input: Uint8Array): Point {
  for (let counter = 0; counter < 256; counter += 1) {
    const hash = digest([[SUITE, ENCODE], publicKey, input, [counter, END]])
    const point = decode(hash.subarray(0, POINT_BYTES))?.clearCofactor()
    if (point !== undefined && !point.is0()) return point
  }
  // One input in 2^256 comes here.
  throw unproven('the VRF output is of this address')
}

/** RFC 9381 §5.4.3. */
function challengeOf(points: readonly Uint8Array[]): Buffer {
  return digest([[SUITE, CHALLENGE], ...points, [END]]).subarray(0, CHALLENGE_BYTES)
}

/** RFC 9381 §5.2. */
function outputOf(gamma: Point): Buffer {
  return digest([[SUITE, HASH], encode(gamma.clearCofactor()), [END]])
}

function digest(parts: readonly (Uint8Array | number[])[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(Buffer.from(part))
  return hash.digest()
}

const encode = (point: Point): Buffer => Buffer.from(point.toBytes())

/** RFC 8032 §5.1.3, strictly. */
function decode(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== POINT_BYTES) return undefined
  try {
    return Point.fromBytes(new Uint8Array(bytes))
  } catch {
    return undefined
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
}

function toLittleEndian(value: bigint): Buffer {
  return Buffer.from(Buffer.from(value.toString(16).padStart(2 * SCALAR_BYTES, '0'), 'hex').toReversed())
}
