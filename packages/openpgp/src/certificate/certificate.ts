/** RFC 9580 §10.1: a certificate as its components, each with the signatures that stand behind it. */
import type { PacketBytes } from '../packet-sequence.ts'
import type { Key } from './key.ts'
import type { Signature } from './signature.ts'

/** A user id or a user attribute. */
export interface Identity {
  readonly packet: PacketBytes
  readonly signatures: readonly Signature[]
}

export interface Subkey {
  readonly key: Key
  readonly signatures: readonly Signature[]
}

export interface Certificate {
  readonly primary: Key
  /** Direct-key signatures and key revocations. */
  readonly signatures: readonly Signature[]
  readonly identities: readonly Identity[]
  readonly subkeys: readonly Subkey[]
}

declare const verified: unique symbol

/** Each signature in it is by its primary key, the components without one are gone, and it is within the limits. Only verify.ts makes these. */
export type VerifiedCertificate = Certificate & { readonly [verified]: true }

/** Every packet as it came, in the order of the components. */
export function writeCertificate({ primary, signatures, identities, subkeys }: Certificate): Buffer {
  const bytesOf = (list: readonly Signature[]): Buffer[] => list.map(({ packet }) => packet.bytes)
  return Buffer.concat([
    primary.packet.bytes,
    ...bytesOf(signatures),
    ...identities.flatMap((each) => [each.packet.bytes, ...bytesOf(each.signatures)]),
    ...subkeys.flatMap((each) => [each.key.packet.bytes, ...bytesOf(each.signatures)]),
  ])
}

export function certificateBytes({ primary, signatures, identities, subkeys }: Certificate): number {
  const bytesOf = (list: readonly Signature[]): number =>
    list.reduce((sum, { packet }) => sum + packet.bytes.length, 0)
  return (
    primary.packet.bytes.length +
    bytesOf(signatures) +
    identities.reduce((sum, each) => sum + each.packet.bytes.length + bytesOf(each.signatures), 0) +
    subkeys.reduce((sum, each) => sum + each.key.packet.bytes.length + bytesOf(each.signatures), 0)
  )
}
