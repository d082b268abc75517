/** RFC 9580 §5.2: signature packets of versions 3, 4 and 6. What stands in the unhashed area proves nothing and is kept only where it must be. */
import { framePacket, CertificatePacket } from '../packet-sequence.ts'
import type { PacketBytes } from '../packet-sequence.ts'
import { frameSubpacket, hasUnknownCritical, readSubpackets, SubpacketType } from './subpacket.ts'
import type { Subpacket } from './subpacket.ts'
import { canonicalMaterial } from './signature-material.ts'

/** RFC 9580 §5.2.1 */
export const SignatureType = {
  genericCertification: 0x10,
  positiveCertification: 0x13,
  subkeyBinding: 0x18,
  primaryKeyBinding: 0x19,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
  certificationRevocation: 0x30,
} as const

export interface Signature {
  readonly packet: PacketBytes
  readonly version: 3 | 4 | 6
  readonly type: number
  readonly keyAlgorithm: number
  readonly hashAlgorithm: number
  /** Seconds since 1970; undefined for a signature of version 4 or 6 that does not say, which is then void. */
  readonly created: number | undefined
  readonly hashed: readonly Subpacket[]
  readonly unhashed: readonly Subpacket[]
  /** What of this packet is hashed: from the version to the end of the hashed area, or type and time of version 3. */
  readonly hashedBytes: Buffer
  readonly digestPrefix: number
  readonly salt: Buffer
  /** Fields of the algorithm, not yet cut. */
  readonly material: Buffer
}

/** Undefined for what is malformed or of another version. */
export function readSignature(packet: PacketBytes): Signature | undefined {
  const { body } = packet
  if (body[0] === 3) return readVersion3(packet)
  return body[0] === 4 || body[0] === 6 ? readWithSubpackets(packet, body[0]) : undefined
}

/** RFC 9580 §5.2.2 */
function readVersion3(packet: PacketBytes): Signature | undefined {
  const { body } = packet
  if (body.length < 20 || body[1] !== 5) return undefined
  const issuer = { type: SubpacketType.issuerKeyId, critical: false, body: body.subarray(7, 15) }
  return {
    packet,
    version: 3,
    type: body.readUInt8(2),
    keyAlgorithm: body.readUInt8(15),
    hashAlgorithm: body.readUInt8(16),
    created: body.readUInt32BE(3),
    hashed: [],
    unhashed: [issuer],
    hashedBytes: body.subarray(2, 7),
    digestPrefix: body.readUInt16BE(17),
    salt: Buffer.alloc(0),
    material: body.subarray(19),
  }
}

/** RFC 9580 §5.2.3 */
function readWithSubpackets(packet: PacketBytes, version: 4 | 6): Signature | undefined {
  const { body } = packet
  const lengthBytes = version === 4 ? 2 : 4
  const hashedStart = 4 + lengthBytes
  if (body.length < hashedStart) return undefined
  const hashedEnd = hashedStart + body.readUIntBE(4, lengthBytes)
  const unhashedStart = hashedEnd + lengthBytes
  if (unhashedStart > body.length) return undefined
  const unhashedEnd = unhashedStart + body.readUIntBE(hashedEnd, lengthBytes)
  let offset = unhashedEnd + 2
  if (offset >= body.length) return undefined
  let salt = body.subarray(0, 0)
  if (version === 6) {
    const saltEnd = offset + 1 + body.readUInt8(offset)
    salt = body.subarray(offset + 1, saltEnd)
    offset = saltEnd
  }
  const hashed = readSubpackets(body.subarray(hashedStart, hashedEnd))
  if (hashed === undefined || offset >= body.length) return undefined
  return {
    packet,
    version,
    type: body.readUInt8(1),
    keyAlgorithm: body.readUInt8(2),
    hashAlgorithm: body.readUInt8(3),
    created: readUint32(find(hashed, SubpacketType.signatureCreation)),
    hashed,
    unhashed: readSubpackets(body.subarray(unhashedStart, unhashedEnd)) ?? [],
    hashedBytes: body.subarray(0, hashedEnd),
    digestPrefix: body.readUInt16BE(unhashedEnd),
    salt,
    material: body.subarray(offset),
  }
}

/** The last one counts: RFC 9580 §5.2.3.9. */
function find(subpackets: readonly Subpacket[], type: number): Buffer | undefined {
  return subpackets.findLast((subpacket) => subpacket.type === type)?.body
}

function readUint32(body: Buffer | undefined): number | undefined {
  return body?.length === 4 ? body.readUInt32BE(0) : undefined
}

export function hashedSubpacket(signature: Signature, type: number): Buffer | undefined {
  return find(signature.hashed, type)
}

/** The value of a hashed subpacket that is a time or a number of seconds. */
export function hashedSeconds(signature: Signature, type: number): number | undefined {
  return readUint32(find(signature.hashed, type))
}

/** Embedded signatures are signatures themselves, so they may stand in the unhashed area. RFC 9580 §5.2.3.34 */
export function embeddedSignatures({ hashed, unhashed }: Signature): Signature[] {
  return [...hashed, ...unhashed]
    .filter(({ type }) => type === SubpacketType.embeddedSignature)
    .map(({ body }) => readSignature({ type: CertificatePacket.signature, bytes: body, body }))
    .filter((embedded) => embedded !== undefined)
}

/** Whether it may be believed at all: it says when it was made, and nothing that we must but cannot understand. */
export function isUnderstood({ created, hashed }: Signature): boolean {
  return created !== undefined && !hasUnknownCritical(hashed)
}

/** Whether it says that it should stay at home. RFC 9580 §5.2.3.19 */
export function isLocal(signature: Signature): boolean {
  return hashedSubpacket(signature, SubpacketType.exportable)?.[0] === 0
}

interface Issuer {
  readonly fingerprint: Buffer
  readonly keyId: Buffer
}

/** Whether a signature claims to be by this key, or claims nothing. The claim proves nothing: it only spares checking signatures of others. */
export function mayBeBy(signature: Signature, { fingerprint, keyId }: Issuer): boolean {
  const claims = [...signature.hashed, ...signature.unhashed].filter(
    ({ type }) => type === SubpacketType.issuerFingerprint || type === SubpacketType.issuerKeyId,
  )
  return (
    claims.length === 0 ||
    claims.some(({ type, body }) =>
      type === SubpacketType.issuerKeyId ? body.equals(keyId) : body.subarray(1).equals(fingerprint),
    )
  )
}

/** What two copies of one signature share, whatever was added to their unhashed areas or done to their numbers. */
export function signatureIdentity({ hashedBytes, salt, keyAlgorithm, hashAlgorithm }: Signature): string {
  return `${hashedBytes.toString('latin1')} ${salt.toString('latin1')} ${String(keyAlgorithm)} ${String(hashAlgorithm)}`
}

/**
 * The same signature as its issuer may have written it: in the unhashed area nothing but the issuer and the embedded signature that was verified, and
 * numbers without leading zeros. Anybody can change the rest without breaking the signature: to bloat it, to carry something, or to take the issuer
 * out, without which GnuPG does not take it for a self-signature. Byte for byte the same packet when nothing was changed.
 */
export function withoutStrangers(signature: Signature, issuer: Issuer, embedded?: Signature): Signature {
  if (signature.version === 3) return signature
  const { body } = signature.packet
  const lengthBytes = signature.version === 4 ? 2 : 4
  const hashedEnd = signature.hashedBytes.length
  const unhashedEnd = hashedEnd + lengthBytes + body.readUIntBE(hashedEnd, lengthBytes)
  const area = unhashedArea(signature, issuer, embedded)
  const material = canonicalMaterial(signature)
  if (area.equals(body.subarray(hashedEnd + lengthBytes, unhashedEnd)) && material.equals(signature.material))
    return signature
  const head = Buffer.alloc(hashedEnd + lengthBytes)
  signature.hashedBytes.copy(head)
  head.writeUIntBE(area.length, hashedEnd, lengthBytes)
  const middle = body.subarray(unhashedEnd, body.length - signature.material.length)
  const rewritten = Buffer.concat([head, area, middle, material])
  return readSignature(framePacket(CertificatePacket.signature, rewritten)) ?? signature
}

function unhashedArea(signature: Signature, issuer: Issuer, embedded: Signature | undefined): Buffer {
  const isOurs = ({ type, body }: Subpacket): boolean =>
    (type === SubpacketType.issuerKeyId && body.equals(issuer.keyId)) ||
    (type === SubpacketType.issuerFingerprint && body.subarray(1).equals(issuer.fingerprint))
  const kept = signature.unhashed.filter(
    (each, index, all) => isOurs(each) && all.findIndex(({ type }) => type === each.type) === index,
  )
  if (!kept.some(isOurs) && !signature.hashed.some(isOurs))
    kept.push(issuerSubpacket(signature.version, issuer))
  if (embedded && !signature.hashed.some(({ type }) => type === SubpacketType.embeddedSignature))
    kept.push({ type: SubpacketType.embeddedSignature, critical: false, body: embedded.packet.body })
  return Buffer.concat(kept.map(frameSubpacket))
}

function issuerSubpacket(version: number, { fingerprint, keyId }: Issuer): Subpacket {
  if (version !== 6) return { type: SubpacketType.issuerKeyId, critical: false, body: keyId }
  const body = Buffer.concat([Buffer.from([version]), fingerprint])
  return { type: SubpacketType.issuerFingerprint, critical: false, body }
}

/** Whose a signature claims to be, in hexadecimal of upper case. The claim proves nothing. */
export function claimedIssuer({ hashed, unhashed }: Signature): { fingerprint?: string; keyId?: string } {
  const all = [...hashed, ...unhashed]
  const fingerprint = find(all, SubpacketType.issuerFingerprint)?.subarray(1).toString('hex').toUpperCase()
  const keyId = find(all, SubpacketType.issuerKeyId)?.toString('hex').toUpperCase()
  return { ...(fingerprint === undefined ? {} : { fingerprint }), ...(keyId === undefined ? {} : { keyId }) }
}
