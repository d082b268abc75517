/** Keys of OpenPGP as node:crypto takes them: SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7). */
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { PublicKeyAlgorithm } from './algorithm.ts'
import { bitLength, padLeft } from './fields.ts'
import { keyCurve } from './key.ts'
import type { Key } from './key.ts'

/** Keys beyond these cost more to use than any signature is worth, or are no protection. */
const RSA_BITS = { min: 1024, max: 16_384 }
const RSA_EXPONENT_BITS_MAX = 64
const DSA_BITS = { min: 1024, max: 3072 }
const DSA_SUBGROUP_BITS = { min: 160, max: 256 }

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const { length } = body
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body])
  const octets = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...octets]), body])
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const bits = (value: Buffer): Buffer => der(0x03, Buffer.from([0]), value)

function integer(value: Buffer): Buffer {
  const first = Math.max(
    value.findIndex((byte) => byte !== 0),
    0,
  )
  const digits = value.subarray(first)
  return der(0x02, ...((digits[0] ?? 0) >= 0x80 ? [Buffer.from([0]), digits] : [digits]))
}

function toKeyObject(algorithm: Buffer, key: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: sequence(algorithm, bits(key)), format: 'der', type: 'spki' })
  } catch {
    return undefined // Not a key: a point that is not on its curve, for instance.
  }
}

/** Algorithm identifiers whose key is the bare octets of a field: RFC 8410 §3, RFC 9881, RFC 9909. */
const ED25519 = sequence(oid('2b6570'))
const ED448 = sequence(oid('2b6571'))
const ML_DSA_65 = sequence(oid('608648016503040312'))
const ML_DSA_87 = sequence(oid('608648016503040313'))
const SLH_DSA_SHAKE_128S = sequence(oid('60864801650304031a'))
const SLH_DSA_SHAKE_128F = sequence(oid('60864801650304031b'))
const SLH_DSA_SHAKE_256S = sequence(oid('60864801650304031e'))

/** For each field of the key, its algorithm identifier. */
const RAW: ReadonlyMap<number, readonly Buffer[]> = new Map([
  [PublicKeyAlgorithm.ed25519, [ED25519]],
  [PublicKeyAlgorithm.ed448, [ED448]],
  [PublicKeyAlgorithm.mlDsa65Ed25519, [ED25519, ML_DSA_65]],
  [PublicKeyAlgorithm.mlDsa87Ed448, [ED448, ML_DSA_87]],
  [PublicKeyAlgorithm.slhDsaShake128s, [SLH_DSA_SHAKE_128S]],
  [PublicKeyAlgorithm.slhDsaShake128f, [SLH_DSA_SHAKE_128F]],
  [PublicKeyAlgorithm.slhDsaShake256s, [SLH_DSA_SHAKE_256S]],
])

const EC_PUBLIC_KEY = oid('2a8648ce3d0201')
const RSA_ENCRYPTION = sequence(oid('2a864886f70d010101'), Buffer.from([0x05, 0]))
const DSA = '2a8648ce380401'

/** One for each part of a composite algorithm; undefined for keys that this Node cannot verify with, or that we do not trust to. */
export function publicKeysOf(key: Key): readonly KeyObject[] | undefined {
  const { algorithm, material } = key
  if (material === undefined) return undefined
  const raw = RAW.get(algorithm)
  const keys = raw
    ? raw.map((identifier, index) => toKeyObject(identifier, material[index] ?? Buffer.alloc(0)))
    : [singleKey(key, material)]
  return keys.every((each) => each !== undefined) ? keys : undefined
}

function singleKey(key: Key, material: readonly Buffer[]): KeyObject | undefined {
  const { algorithm } = key
  if (algorithm === PublicKeyAlgorithm.rsa || algorithm === PublicKeyAlgorithm.rsaSignOnly)
    return rsaKey(material)
  if (algorithm === PublicKeyAlgorithm.dsa) return dsaKey(material)
  if (algorithm === PublicKeyAlgorithm.ecdsa) return ecdsaKey(material)
  return algorithm === PublicKeyAlgorithm.eddsaLegacy ? eddsaKey(key, material) : undefined
}

function within(value: Buffer, { min, max }: { min: number; max: number }): boolean {
  const size = bitLength(value)
  return size >= min && size <= max
}

function rsaKey([modulus, exponent]: readonly Buffer[]): KeyObject | undefined {
  if (!modulus || !exponent || !within(modulus, RSA_BITS)) return undefined
  if (bitLength(exponent) > RSA_EXPONENT_BITS_MAX) return undefined
  return toKeyObject(RSA_ENCRYPTION, sequence(integer(modulus), integer(exponent)))
}

function dsaKey([p, q, g, y]: readonly Buffer[]): KeyObject | undefined {
  if (!p || !q || !g || !y || !within(p, DSA_BITS) || !within(q, DSA_SUBGROUP_BITS)) return undefined
  return toKeyObject(sequence(oid(DSA), sequence(integer(p), integer(q), integer(g))), integer(y))
}

function ecdsaKey([curve, point]: readonly Buffer[]): KeyObject | undefined {
  if (!curve || point?.[0] !== 4) return undefined // RFC 9580 §11.2.1: uncompressed only
  return toKeyObject(sequence(EC_PUBLIC_KEY, der(0x06, curve)), point)
}

/** RFC 9580 §11.2.2: the native point behind an octet 0x40, which Ed448 does without in GnuPG. */
function eddsaKey(key: Key, [, point]: readonly Buffer[]): KeyObject | undefined {
  const curve = keyCurve(key)?.name
  const bytes = curve === 'ed25519' ? 32 : curve === 'ed448' ? 57 : 0
  if (!point || bytes === 0) return undefined
  const native = point.length === bytes + 1 && point[0] === 0x40 ? point.subarray(1) : padLeft(point, bytes)
  return native && toKeyObject(curve === 'ed25519' ? ED25519 : ED448, native)
}
