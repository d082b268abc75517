/** RFC 9580 §9.1, §9.2, RFC 9980 §2: public key algorithms and curves, how their keys are laid out, and what they are called. */

export const PublicKeyAlgorithm = {
  rsa: 1,
  rsaEncryptOnly: 2,
  rsaSignOnly: 3,
  elgamal: 16,
  dsa: 17,
  ecdh: 18,
  ecdsa: 19,
  eddsaLegacy: 22,
  x25519: 25,
  x448: 26,
  ed25519: 27,
  ed448: 28,
  mlDsa65Ed25519: 30,
  mlDsa87Ed448: 31,
  slhDsaShake128s: 32,
  slhDsaShake128f: 33,
  slhDsaShake256s: 34,
  mlKem768X25519: 35,
  mlKem1024X448: 36,
} as const

/** A field of fixed size, a multiprecision integer (RFC 9580 §3.2), or octets counted by one octet before them (a curve, KDF parameters). */
export type Field = number | 'mpi' | 'counted'

interface Description {
  readonly name: string
  readonly fields: readonly Field[]
  readonly signs: boolean
}

const describe = (name: string, fields: readonly Field[], signs: boolean): Description => ({
  name,
  fields,
  signs,
})

const ALGORITHMS: ReadonlyMap<number, Description> = new Map([
  [1, describe('rsa', ['mpi', 'mpi'], true)],
  [2, describe('rsa', ['mpi', 'mpi'], false)],
  [3, describe('rsa', ['mpi', 'mpi'], true)],
  [16, describe('elgamal', ['mpi', 'mpi', 'mpi'], false)],
  [17, describe('dsa', ['mpi', 'mpi', 'mpi', 'mpi'], true)],
  [18, describe('ecdh', ['counted', 'mpi', 'counted'], false)],
  [19, describe('ecdsa', ['counted', 'mpi'], true)],
  [22, describe('eddsa', ['counted', 'mpi'], true)],
  [25, describe('x25519', [32], false)],
  [26, describe('x448', [56], false)],
  [27, describe('ed25519', [32], true)],
  [28, describe('ed448', [57], true)],
  [30, describe('ml-dsa-65+ed25519', [32, 1952], true)],
  [31, describe('ml-dsa-87+ed448', [57, 2592], true)],
  [32, describe('slh-dsa-shake-128s', [32], true)],
  [33, describe('slh-dsa-shake-128f', [32], true)],
  [34, describe('slh-dsa-shake-256s', [64], true)],
  [35, describe('ml-kem-768+x25519', [32, 1184], false)],
  [36, describe('ml-kem-1024+x448', [56, 1568], false)],
])

/** Fields of the key, undefined for an algorithm that we do not know. */
export function fieldsOf(algorithm: number): readonly Field[] | undefined {
  return ALGORITHMS.get(algorithm)?.fields
}

export function algorithmName(algorithm: number): string {
  return ALGORITHMS.get(algorithm)?.name ?? `unknown-${String(algorithm)}`
}

/** Whether signatures can be made with it at all; false for what we do not know. */
export function canSign(algorithm: number): boolean {
  return ALGORITHMS.get(algorithm)?.signs === true
}

/** RFC 9980 §6: signatures of 8 to 30 KiB. */
export function isHashBased(algorithm: number): boolean {
  return algorithm >= PublicKeyAlgorithm.slhDsaShake128s && algorithm <= PublicKeyAlgorithm.slhDsaShake256s
}

/** RFC 9580 §9.2, and secp256k1 as GnuPG has it. Keys: the OID in hexadecimal, as it stands in a key packet. */
export interface Curve {
  readonly name: string
  readonly bits: number
}

const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['2a8648ce3d030107', { name: 'nistp256', bits: 256 }],
  ['2b81040022', { name: 'nistp384', bits: 384 }],
  ['2b81040023', { name: 'nistp521', bits: 521 }],
  ['2b8104000a', { name: 'secp256k1', bits: 256 }],
  ['2b2403030208010107', { name: 'brainpoolP256r1', bits: 256 }],
  ['2b240303020801010b', { name: 'brainpoolP384r1', bits: 384 }],
  ['2b240303020801010d', { name: 'brainpoolP512r1', bits: 512 }],
  ['2b06010401da470f01', { name: 'ed25519', bits: 256 }],
  ['2b6571', { name: 'ed448', bits: 448 }],
  ['2b060104019755010501', { name: 'curve25519', bits: 256 }],
  ['2b656f', { name: 'curve448', bits: 448 }],
])

export function curveOf(oid: Buffer): Curve | undefined {
  return CURVES.get(oid.toString('hex'))
}

/** RFC 9580 §9.5: names as node:crypto has them. MD5 (1) is not among them: nothing that it signed is believed. */
const HASHES: ReadonlyMap<number, string> = new Map([
  [2, 'sha1'],
  [3, 'ripemd160'],
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
  [12, 'sha3-256'],
  [14, 'sha3-512'],
])

export function hashName(algorithm: number): string | undefined {
  return HASHES.get(algorithm)
}

/** RFC 9580 §9.5, Table 23: bytes of salt of a version 6 signature; undefined where there must be none such. */
const SALT_BYTES: ReadonlyMap<number, number> = new Map([
  [8, 16],
  [9, 24],
  [10, 32],
  [11, 16],
  [12, 16],
  [14, 32],
])

export function saltBytes(hash: number): number | undefined {
  return SALT_BYTES.get(hash)
}

/** Hashes in which collisions are within reach. RFC 9580 §9.5 */
export function isWeakHash(hash: number): boolean {
  return hash === 2 || hash === 3
}
