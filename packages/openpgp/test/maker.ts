/** Makes certificates, right and wrong ones, packet by packet: for tests, the hostile corpus and benchmarks. Ed25519 keys come from a number, so that they are the same each time. */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { hashName, saltBytes } from '../src/certificate/algorithm.ts'
import { readKey } from '../src/certificate/key.ts'
import type { Key } from '../src/certificate/key.ts'
import { frameMpi } from '../src/certificate/signature-material.ts'
import { SignatureType } from '../src/certificate/signature.ts'
import { keySubject, userIdSubject } from '../src/certificate/signed-data.ts'
import { frameSubpacket } from '../src/certificate/subpacket.ts'
import type { Subpacket } from '../src/certificate/subpacket.ts'
import { CertificatePacket, framePacket } from '../src/packet-sequence.ts'

/** 2024-01-01, when all of these keys were made unless told. */
export const BIRTH = Date.UTC(2024, 0, 1) / 1000
export const DAY = 86_400
/** When the tests look at them. */
export const NOW = BIRTH + 400 * DAY

const SHA256 = 8

export interface TestKey {
  readonly key: Key
  /** Fields of the signature over a digest, or over the data where node:crypto hashes by itself. */
  readonly sign: (digest: Buffer, hash: number, data: Buffer) => Buffer
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function keyBody(version: 4 | 6, created: number, algorithm: number, material: Buffer): Buffer {
  const length = version === 6 ? uint32(material.length) : Buffer.alloc(0)
  return Buffer.concat([Buffer.from([version]), uint32(created), Buffer.from([algorithm]), length, material])
}

export function toKey(body: Buffer, type: number = CertificatePacket.publicKey): Key {
  const key = readKey(framePacket(type, body))
  if (key === undefined) throw new Error('not a key')
  return key
}

export interface KeyOptions {
  readonly created?: number
  readonly version?: 4 | 6
  readonly subkey?: boolean
}

const typeOf = ({ subkey = false }: KeyOptions): number =>
  subkey ? CertificatePacket.publicSubkey : CertificatePacket.publicKey

export function ed25519(seed: number, options: KeyOptions = {}): TestKey {
  const secret = createHash('sha256')
    .update(`key ${String(seed)}`)
    .digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  const { version = 4, created = BIRTH } = options
  return {
    key: toKey(keyBody(version, created, 27, raw), typeOf(options)),
    sign: (digest) => sign(null, digest, privateKey),
  }
}

const RSA_EXPONENT = Buffer.from([1, 0, 1])

export function rsa(bits: number, options: KeyOptions = {}): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')
  const material = Buffer.concat([frameMpi(modulus), frameMpi(RSA_EXPONENT)])
  return {
    key: toKey(keyBody(options.version ?? 4, options.created ?? BIRTH, 1, material), typeOf(options)),
    sign: (_digest, hash, data) => frameMpi(sign(hashName(hash), data, privateKey)),
  }
}

/** An RSA key without a private half, since making large ones takes seconds: its signatures are all wrong. */
export function rsaOfNobody(bits: number): TestKey {
  const numberOf = (seed: string): Buffer => {
    const bytes = createHash('shake256', { outputLength: bits / 8 })
      .update(seed)
      .digest()
    bytes[0] = (bytes[0] ?? 0) | 0x80
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1
    return bytes
  }
  const modulus = numberOf('modulus')
  modulus[0] = 0xff
  const signature = frameMpi(numberOf('signature'))
  return {
    key: toKey(keyBody(4, BIRTH, 1, Buffer.concat([frameMpi(modulus), frameMpi(RSA_EXPONENT)]))),
    sign: () => Buffer.from(signature),
  }
}

/** SLH-DSA-SHAKE-128f: of its kind the one that signs soonest, in a fifth of a second. Version 6 only. RFC 9980 §6 */
export function slhDsa(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('slh-dsa-shake-128f')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: toKey(keyBody(6, BIRTH, 33, raw)), sign: (digest) => sign(null, digest, privateKey) }
}

const CURVES: Readonly<Record<string, { readonly oid: string; readonly bytes: number }>> = {
  prime256v1: { oid: '2a8648ce3d030107', bytes: 32 },
  secp384r1: { oid: '2b81040022', bytes: 48 },
  secp521r1: { oid: '2b81040023', bytes: 66 },
  brainpoolP512r1: { oid: '2b240303020801010d', bytes: 64 },
}

export function ecdsa(curve: string, options: KeyOptions = {}): TestKey {
  const { oid = '', bytes = 0 } = CURVES[curve] ?? {}
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-(2 * bytes + 1))
  const curveOid = Buffer.from(oid, 'hex')
  const material = Buffer.concat([Buffer.from([curveOid.length]), curveOid, frameMpi(point)])
  return {
    key: toKey(keyBody(options.version ?? 4, options.created ?? BIRTH, 19, material), typeOf(options)),
    sign: (_digest, hash, data) => signHalves(privateKey, hash, data),
  }
}

/** The same each time: whoever reads this has its secret. Its signatures are always the same numbers, which sign nothing. */
export function ecdsaOfNobody(curve: string): TestKey {
  const { oid = '', bytes = 0 } = CURVES[curve] ?? {}
  const scalar = createHash('sha512').update(curve).digest().subarray(0, bytes)
  scalar[0] = 1 // Below the order of the curve.
  const agreement = createECDH(curve)
  agreement.setPrivateKey(scalar)
  const curveOid = Buffer.from(oid, 'hex')
  const point = frameMpi(agreement.getPublicKey())
  const material = Buffer.concat([Buffer.from([curveOid.length]), curveOid, point])
  return {
    key: toKey(keyBody(4, BIRTH, 19, material)),
    sign: () => Buffer.concat([frameMpi(scalar), frameMpi(scalar)]),
  }
}

function signHalves(key: KeyObject, hash: number, data: Buffer): Buffer {
  const both = sign(hashName(hash), data, { key, dsaEncoding: 'ieee-p1363' })
  return Buffer.concat([
    frameMpi(both.subarray(0, both.length / 2)),
    frameMpi(both.subarray(both.length / 2)),
  ])
}

/** A subkey of an algorithm that nobody knows. */
export function unknownKey(filler: number, options: KeyOptions = {}): Key {
  return toKey(
    keyBody(options.version ?? 4, options.created ?? BIRTH, 99, Buffer.alloc(100, filler)),
    typeOf(options),
  )
}

export const sub = (type: number, body: Buffer | readonly number[], critical = false): Subpacket => ({
  type,
  critical,
  body: Buffer.from(body),
})
export const flags = (octet: number): Subpacket => sub(27, [octet])
export const seconds = (type: number, value: number): Subpacket => sub(type, uint32(value))
export const reason = (code: number): Subpacket => sub(29, [code])
export const issuer = ({ keyId }: Key): Subpacket => sub(16, keyId)

export interface SignatureOptions {
  readonly created?: number | undefined
  readonly hashed?: readonly Subpacket[]
  /** The issuer's key id unless told. */
  readonly unhashed?: readonly Subpacket[]
  readonly hash?: number
  /** Whose signature it claims to be: that of the signer unless told. */
  readonly claims?: Key
  /** With a right digest prefix and wrong numbers: expensive to refuse. */
  readonly forged?: boolean
}

/** A signature packet over the pieces of `subject`. */
export function signatureOver(
  signer: TestKey,
  type: number,
  subject: readonly Buffer[],
  options: SignatureOptions = {},
): Buffer {
  const { created = BIRTH + DAY, hash = SHA256, claims = signer.key } = options
  const { version, algorithm } = claims
  const hashed = Buffer.concat([seconds(2, created), ...(options.hashed ?? [])].map(frameSubpacket))
  const unhashed = Buffer.concat((options.unhashed ?? [issuer(claims)]).map(frameSubpacket))
  const count = (area: Buffer): Buffer =>
    version === 6 ? uint32(area.length) : uint32(area.length).subarray(2)
  const head = Buffer.concat([Buffer.from([version, type, algorithm, hash]), count(hashed), hashed])
  const salt = version === 6 ? Buffer.alloc(saltBytes(hash) ?? 0, created) : Buffer.alloc(0)
  const data = Buffer.concat([salt, ...subject, head, Buffer.from([version, 0xff]), uint32(head.length)])
  const digest = createHash(hashName(hash) ?? '')
    .update(data)
    .digest()
  const material = options.forged === true ? forgery(signer) : signer.sign(digest, hash, data)
  const saltField = version === 6 ? Buffer.concat([Buffer.from([salt.length]), salt]) : salt
  const body = Buffer.concat([head, count(unhashed), unhashed, digest.subarray(0, 2), saltField, material])
  return framePacket(CertificatePacket.signature, body).bytes
}

const forgeries = new WeakMap<TestKey, Buffer>()

/** Numbers of a signature that the key has made over something else: once, since signing is dear too. */
function forgery(signer: TestKey): Buffer {
  const nothing = Buffer.alloc(32)
  const numbers = forgeries.get(signer) ?? signer.sign(nothing, SHA256, nothing)
  forgeries.set(signer, numbers)
  return numbers
}

export function userId(text: string): Buffer {
  return framePacket(CertificatePacket.userId, Buffer.from(text)).bytes
}

/** A certification of a user id of `primary`, by its own key unless told. */
export function certify(
  primary: TestKey,
  text: string,
  options: SignatureOptions & { by?: TestKey; type?: number } = {},
): Buffer {
  const packet = framePacket(CertificatePacket.userId, Buffer.from(text))
  const { by = primary, type = SignatureType.positiveCertification } = options
  return signatureOver(by, type, userIdSubject(primary.key, packet), { hashed: [flags(3)], ...options })
}

export function direct(primary: TestKey, options: SignatureOptions & { type?: number } = {}): Buffer {
  return signatureOver(primary, options.type ?? SignatureType.directKey, keySubject(primary.key), options)
}

export function bind(
  primary: TestKey,
  subkey: Key,
  options: SignatureOptions & { type?: number } = {},
): Buffer {
  const subject = [...keySubject(primary.key), ...keySubject(subkey)]
  return signatureOver(primary, options.type ?? SignatureType.subkeyBinding, subject, {
    hashed: [flags(0x0c)],
    ...options,
  })
}

/** The signature of a subkey over the primary key, for a binding. RFC 9580 §5.2.1.8 */
export function crossSignature(primary: Key, subkey: TestKey, options: SignatureOptions = {}): Subpacket {
  const subject = [...keySubject(primary), ...keySubject(subkey.key)]
  const packet = signatureOver(subkey, SignatureType.primaryKeyBinding, subject, options)
  return sub(32, packet.subarray(packet.length < 194 ? 2 : 3))
}

export interface SampleOptions extends KeyOptions {
  readonly addresses?: readonly string[]
}

/** A certificate as people have it: a user id or more, a subkey to sign and one to encrypt. */
export function sample(
  seed: number,
  options: SampleOptions = {},
): { readonly primary: TestKey; readonly bytes: Buffer } {
  const { version = 4, addresses = [`user${String(seed)}@example.org`] } = options
  const primary = ed25519(seed, options)
  const signing = ed25519(seed + 0.1, { ...options, subkey: true })
  const encrypting = toKey(
    keyBody(
      version,
      (options.created ?? BIRTH) + 1,
      25,
      createHash('sha256')
        .update(`x ${String(seed)}`)
        .digest(),
    ),
    CertificatePacket.publicSubkey,
  )
  const cross = crossSignature(primary.key, signing)
  return {
    primary,
    bytes: Buffer.concat([
      primary.key.packet.bytes,
      direct(primary, { hashed: [flags(3)] }),
      ...addresses.flatMap((address) => [userId(`User <${address}>`), certify(primary, `User <${address}>`)]),
      signing.key.packet.bytes,
      bind(primary, signing.key, { hashed: [flags(2), cross] }),
      encrypting.packet.bytes,
      bind(primary, encrypting),
    ]),
  }
}
