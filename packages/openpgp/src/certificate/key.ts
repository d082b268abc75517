/**
 * RFC 9580 §5.5.2, §5.5.4: public key packets of version 4 and 6, their fingerprints and key ids.
 * Version 3 rests on MD5, version 5 is not of the IETF: neither is read.
 */
import { createHash } from 'node:crypto'
import type { PacketBytes } from '../packet-sequence.ts'
import { algorithmName, curveOf, fieldsOf, PublicKeyAlgorithm } from './algorithm.ts'
import type { Curve } from './algorithm.ts'
import { bitLength, splitFields } from './fields.ts'

export interface Key {
  readonly packet: PacketBytes
  readonly version: 4 | 6
  /** Seconds since 1970. */
  readonly created: number
  readonly algorithm: number
  /** Fields of the algorithm; undefined for one that we do not know. */
  readonly material: readonly Buffer[] | undefined
  readonly fingerprint: Buffer
  readonly keyId: Buffer
}

/** What precedes a key wherever it is hashed. RFC 9580 §5.2.4, §5.5.4 */
export function keyHashPrefix(version: 4 | 6, length: number): Buffer {
  if (version === 4) return Buffer.from([0x99, length >> 8, length & 0xff])
  const prefix = Buffer.from([0x9b, 0, 0, 0, 0])
  prefix.writeUInt32BE(length, 1)
  return prefix
}

/** Undefined for a key of another version, or one whose fields do not fill it exactly: bytes behind them could hold anything. */
export function readKey(packet: PacketBytes): Key | undefined {
  const { body } = packet
  const version = body[0]
  if ((version !== 4 && version !== 6) || body.length > 0xffff) return undefined
  const start = version === 4 ? 6 : 10
  if (body.length <= start) return undefined
  if (version === 6 && body.readUInt32BE(6) !== body.length - start) return undefined
  const algorithm = body.readUInt8(5)
  const fields = fieldsOf(algorithm)
  const material = fields && splitFields(body, start, fields)
  if (fields !== undefined && material === undefined) return undefined
  const fingerprint = fingerprintOf(version, body)
  return {
    packet,
    version,
    created: body.readUInt32BE(1),
    algorithm,
    material,
    fingerprint,
    keyId: version === 4 ? fingerprint.subarray(-8) : fingerprint.subarray(0, 8),
  }
}

function fingerprintOf(version: 4 | 6, body: Buffer): Buffer {
  return createHash(version === 4 ? 'sha1' : 'sha256')
    .update(keyHashPrefix(version, body.length))
    .update(body)
    .digest()
}

/** The curve of a key that names one. */
export function keyCurve({ algorithm, material }: Key): Curve | undefined {
  const named =
    algorithm === PublicKeyAlgorithm.ecdh ||
    algorithm === PublicKeyAlgorithm.ecdsa ||
    algorithm === PublicKeyAlgorithm.eddsaLegacy
  return named ? curveOf(material?.[0] ?? Buffer.alloc(0)) : undefined
}

/** Size in bits, as key listings tell it; undefined where the algorithm alone decides it or nobody knows. */
export function keyBits(key: Key): number | undefined {
  const curve = keyCurve(key)
  if (curve) return curve.bits
  const { algorithm, material } = key
  if (algorithm === PublicKeyAlgorithm.x25519 || algorithm === PublicKeyAlgorithm.ed25519) return 256
  if (algorithm === PublicKeyAlgorithm.x448 || algorithm === PublicKeyAlgorithm.ed448) return 448
  return algorithm <= PublicKeyAlgorithm.dsa && material?.[0] ? bitLength(material[0]) : undefined
}

/** `rsa`, or `ecdsa/nistp256` where a curve belongs to it. */
export function keyAlgorithmName(key: Key): string {
  const curve = keyCurve(key)
  return curve ? `${algorithmName(key.algorithm)}/${curve.name}` : algorithmName(key.algorithm)
}
