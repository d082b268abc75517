/** What an index of keys says of a certificate, at a time. */
import { CertificatePacket } from '../packet-sequence.ts'
import type { Certificate, Identity, Subkey } from './certificate.ts'
import { defaultFlags, flagLetters, readFlags } from './key-flags.ts'
import { keyAlgorithmName, keyBits } from './key.ts'
import type { Key } from './key.ts'
import { isPrimary } from './merge.ts'
import {
  activeSignature,
  decisiveSignature,
  isCrossSigned,
  isIdentityRevoked,
  keyExpiry,
  revocationOf,
} from './state.ts'
import type { Revocation } from './state.ts'
import { hashedSeconds } from './signature.ts'
import { SubpacketType } from './subpacket.ts'
import { addressOf, userIdText } from './user-id.ts'

export interface KeySummary {
  readonly version: 4 | 6
  /** Hexadecimal in upper case. */
  readonly fingerprint: string
  readonly keyId: string
  readonly algorithm: { readonly code: number; readonly name: string; readonly bits: number | undefined }
  /** Seconds since 1970. */
  readonly created: number
  readonly expires: number | undefined
  readonly revoked: Revocation | undefined
  /** `c`, `s`, `e`, `a`: certify, sign, encrypt, authenticate. */
  readonly flags: string
}

export interface SubkeySummary extends KeySummary {
  /** Whether it has signed the primary key, so that it is certainly of the same owner. */
  readonly crossSigned: boolean
  /** Whether a binding that we understand is in force. */
  readonly bound: boolean
}

export interface UserIdSummary {
  readonly text: string
  /** In lower case; undefined when there is not exactly one address in it. */
  readonly address: string | undefined
  readonly created: number | undefined
  readonly expires: number | undefined
  readonly revoked: boolean
  readonly primary: boolean
  /** Whether a certification that we understand is in force. */
  readonly valid: boolean
}

export interface CertificateSummary extends KeySummary {
  /** User ids that are text; user attributes are never listed. */
  readonly userIds: readonly UserIdSummary[]
  readonly subkeys: readonly SubkeySummary[]
}

/** `now` in seconds since 1970. The certificate must have been verified and merged. */
export function summarize(certificate: Certificate, now: number): CertificateSummary {
  const { primary, signatures, identities, subkeys } = certificate
  const decisive = decisiveSignature(certificate, now)
  const flags = (decisive && readFlags(decisive)) ?? defaultFlags(primary.algorithm, 'primary', true)
  return {
    ...keyParts(primary),
    expires: keyExpiry(primary.created, decisive),
    revoked: revocationOf(signatures, decisive, now),
    flags: flagLetters({ ...flags, certify: true }),
    userIds: identities.flatMap((identity) => summarizeUserId(identity, now)),
    subkeys: subkeys.map((subkey) => summarizeSubkey(subkey, now)),
  }
}

function keyParts(key: Key): Pick<KeySummary, 'version' | 'fingerprint' | 'keyId' | 'algorithm' | 'created'> {
  return {
    version: key.version,
    fingerprint: key.fingerprint.toString('hex').toUpperCase(),
    keyId: key.keyId.toString('hex').toUpperCase(),
    algorithm: { code: key.algorithm, name: keyAlgorithmName(key), bits: keyBits(key) },
    created: key.created,
  }
}

function summarizeUserId(identity: Identity, now: number): UserIdSummary[] {
  const text =
    identity.packet.type === CertificatePacket.userId ? userIdText(identity.packet.body) : undefined
  if (text === undefined) return []
  const active = activeSignature(identity.signatures, now)
  const seconds = (active && hashedSeconds(active, SubpacketType.signatureExpiration)) ?? 0
  const revoked = isIdentityRevoked(identity.signatures, active, now)
  return [
    {
      text,
      address: addressOf(text),
      created: active?.created,
      expires: seconds === 0 ? undefined : (active?.created ?? 0) + seconds,
      revoked,
      primary: isPrimary(identity),
      valid: active !== undefined && !revoked,
    },
  ]
}

function summarizeSubkey(subkey: Subkey, now: number): SubkeySummary {
  const { key, signatures } = subkey
  const active = activeSignature(signatures, now)
  const crossSigned = isCrossSigned(subkey)
  const flags = (active && readFlags(active)) ?? defaultFlags(key.algorithm, 'subkey', crossSigned)
  return {
    ...keyParts(key),
    expires: keyExpiry(key.created, active),
    revoked: revocationOf(signatures, active, now),
    flags: flagLetters(flags),
    crossSigned,
    bound: active !== undefined,
  }
}
