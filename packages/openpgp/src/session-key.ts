/**
 * RFC 9580 §5.1, §5.3: the packets that carry a session key, checked field by field as far as their algorithm is known. What the fields hold cannot be
 * told from random bytes without the key, so nothing more is looked at.
 */

/** A field of fixed size, a multiprecision integer, or octets counted by one octet before them. */
type Field = number | 'mpi' | 'counted'

/** Algorithm-specific fields by Public Key Algorithm ID: RFC 9580 §5.1.3 to §5.1.7, draft-ietf-openpgp-pqc §4.3.1. */
const PUBLIC_KEY_FIELDS: ReadonlyMap<number, readonly Field[]> = new Map<number, Field[]>([
  [1, ['mpi']], // RSA
  [2, ['mpi']], // RSA, encrypt only
  [16, ['mpi', 'mpi']], // Elgamal
  [18, ['mpi', 'counted']], // ECDH
  [25, [32, 'counted']], // X25519
  [26, [56, 'counted']], // X448
  [35, [32, 1088, 'counted']], // ML-KEM-768 with X25519
  [36, [56, 1568, 'counted']], // ML-KEM-1024 with X448
])
/** Reserved, or able to sign only: RFC 9580 §9.1. */
const NOT_FOR_ENCRYPTION: ReadonlySet<number> = new Set([0, 3, 17, 19, 20, 21, 22, 23, 24, 27, 28])
/** Least size of what an algorithm that we do not know may add: any session key is longer. */
const UNKNOWN_FIELDS_BYTES_MIN = 16

const CIPHERS: ReadonlySet<number> = new Set([1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13]) // RFC 9580 §9.3
const NONCE_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 16], // EAX
  [2, 15], // OCB
  [3, 12], // GCM
]) // RFC 9580 §9.6
const S2K_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 2], // simple
  [1, 10], // salted
  [3, 11], // iterated and salted
  [4, 20], // Argon2
]) // RFC 9580 §3.7.1
const TAG_BYTES = 16
const SESSION_KEY_BYTES = { min: 16, max: 32 }

/** Whether an ID names a symmetric algorithm that may encrypt. RFC 9580 §9.3 */
export function isCipher(id: number | undefined): boolean {
  return id !== undefined && CIPHERS.has(id)
}

/** Bytes of nonce of an AEAD mode, undefined for an unknown one. RFC 9580 §9.6 */
export function nonceBytes(aead: number | undefined): number | undefined {
  return NONCE_BYTES.get(aead ?? 0)
}

/** Where a field ends, or undefined when it begins with a length that makes no sense. May lie beyond the end of the body. */
function skipField(body: Buffer, offset: number, field: Field): number | undefined {
  if (typeof field === 'number') return offset + field
  if (field === 'counted') {
    const count = body[offset]
    return count === undefined || count === 0 ? undefined : offset + 1 + count
  }
  if (offset + 2 > body.length) return undefined
  const bits = body.readUInt16BE(offset) // RFC 9580 §3.2
  return bits === 0 ? undefined : offset + 2 + Math.ceil(bits / 8)
}

/** Whether the fields of an algorithm fill the body from `offset` exactly. */
function fieldsFit(body: Buffer, offset: number, algorithm: number): boolean {
  if (NOT_FOR_ENCRYPTION.has(algorithm)) return false
  const fields = PUBLIC_KEY_FIELDS.get(algorithm)
  if (!fields) return body.length - offset >= UNKNOWN_FIELDS_BYTES_MIN
  let end: number | undefined = offset
  for (const field of fields) {
    if (end !== undefined) end = skipField(body, end, field)
  }
  return end === body.length
}

/** The version of a Public Key Encrypted Session Key packet, 3 or 6; undefined when its body is malformed. RFC 9580 §5.1 */
export function publicKeySessionKeyVersion(body: Buffer): 3 | 6 | undefined {
  if (body[0] === 3) {
    const algorithm = body[9] // after the key ID, RFC 9580 §5.1.1
    return algorithm !== undefined && fieldsFit(body, 10, algorithm) ? 3 : undefined
  }
  if (body[0] !== 6) return undefined
  const recipient = body[1] // RFC 9580 §5.1.2: a key version and its fingerprint, or nothing for an anonymous recipient
  const known = recipient === 0 || (recipient === 21 && body[2] === 4) || (recipient === 33 && body[2] === 6)
  if (recipient === undefined || !known) return undefined
  const algorithm = body[2 + recipient]
  return algorithm !== undefined && fieldsFit(body, 3 + recipient, algorithm) ? 6 : undefined
}

function isSessionKeySize(bytes: number): boolean {
  return bytes >= SESSION_KEY_BYTES.min && bytes <= SESSION_KEY_BYTES.max
}

/** Version 5 of GnuPG, and version 6, are alike from the S2K specifier on. RFC 9580 §5.3.2 */
function sealedKeyFits(body: Buffer, s2kOffset: number, aead: number | undefined): boolean {
  const s2k = S2K_BYTES.get(body[s2kOffset] ?? -1)
  const nonce = nonceBytes(aead)
  if (s2k === undefined || nonce === undefined) return false
  return isSessionKeySize(body.length - s2kOffset - s2k - nonce - TAG_BYTES)
}

/** The version of a Symmetric Key Encrypted Session Key packet, 4 to 6; undefined when its body is malformed. RFC 9580 §5.3 */
export function symmetricKeySessionKeyVersion(body: Buffer): 4 | 5 | 6 | undefined {
  const version = body[0]
  if (version === 4 && isCipher(body[1])) {
    const s2k = S2K_BYTES.get(body[2] ?? -1)
    const rest = s2k === undefined ? -1 : body.length - 2 - s2k
    return rest === 0 || isSessionKeySize(rest - 1) ? 4 : undefined // with or without a key of its own, RFC 9580 §5.3.1
  }
  if (version === 5 && isCipher(body[1])) return sealedKeyFits(body, 3, body[2]) ? 5 : undefined
  if (version !== 6 || !isCipher(body[2])) return undefined
  const s2kBytes = body[4] ?? 0
  const counted = 3 + s2kBytes + (nonceBytes(body[3]) ?? 0)
  const consistent = body[1] === counted && s2kBytes === S2K_BYTES.get(body[5] ?? -1)
  return consistent && sealedKeyFits(body, 5, body[3]) ? 6 : undefined
}
