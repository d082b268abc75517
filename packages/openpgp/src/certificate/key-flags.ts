/** RFC 9580 §5.2.3.29: what a key may be used for. */
import { canSign, fieldsOf, PublicKeyAlgorithm } from './algorithm.ts'
import { hashedSubpacket } from './signature.ts'
import type { Signature } from './signature.ts'
import { SubpacketType } from './subpacket.ts'

export interface KeyFlags {
  readonly certify: boolean
  readonly sign: boolean
  /** Of messages or of storage. */
  readonly encrypt: boolean
  readonly authenticate: boolean
}

/** What a signature allows the key that it is about; undefined when it does not say. */
export function readFlags(signature: Signature): KeyFlags | undefined {
  const octets = hashedSubpacket(signature, SubpacketType.keyFlags)
  if (octets === undefined) return undefined
  const first = octets[0] ?? 0
  return {
    certify: (first & 0x01) !== 0,
    sign: (first & 0x02) !== 0,
    encrypt: (first & 0x0c) !== 0,
    authenticate: (first & 0x20) !== 0,
  }
}

const SIGNS_AND_ENCRYPTS: ReadonlySet<number> = new Set([
  PublicKeyAlgorithm.rsa,
  PublicKeyAlgorithm.rsaEncryptOnly,
])

/** What a key does whose signatures do not say: all that its algorithm can, but subkeys certify nothing and sign only when they are cross-signed. */
export function defaultFlags(algorithm: number, role: 'primary' | 'subkey', crossSigned: boolean): KeyFlags {
  const signs = canSign(algorithm) && (role === 'primary' || crossSigned)
  const known = fieldsOf(algorithm) !== undefined
  return {
    certify: role === 'primary',
    sign: signs,
    encrypt: known && (!canSign(algorithm) || SIGNS_AND_ENCRYPTS.has(algorithm)),
    authenticate: false,
  }
}

/** `cse`: certify, sign, encrypt, authenticate. */
export function flagLetters({ certify, sign, encrypt, authenticate }: KeyFlags): string {
  return `${certify ? 'c' : ''}${sign ? 's' : ''}${encrypt ? 'e' : ''}${authenticate ? 'a' : ''}`
}
