/**
 * The log of a key directory: each entry says what is served for an address from then on, without naming the address. It has 64 bytes: SHA-256 of the VRF output
 * of the address, and SHA-256 of the certificate as it is served; of nothing at all, when nothing is served any more.
 */
import { createHash } from 'node:crypto'
import { openCheckpoint } from './checkpoint.ts'
import type { Checkpoint } from './checkpoint.ts'
import { VRF_KEY_BYTES, verifyVrf } from './ecvrf.ts'
import { HASH_BYTES, hashLeaf, verifyInclusion } from './merkle.ts'
import { noteKey, SIGNATURE_TYPE } from './signed-note.ts'
import type { NoteKey } from './signed-note.ts'
import { parseProof } from './tlog-proof.ts'
import { malformed, unproven } from './tlog-error.ts'

export interface KeyLogEntry {
  /** SHA-256 of the VRF output. */
  readonly address: Buffer
  /** SHA-256 of what is served. */
  readonly certificate: Buffer
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** The certificate hash of an address for which nothing is served. */
export const NO_CERTIFICATE: Buffer = sha256(new Uint8Array())

export const hashCertificate = sha256
export const hashVrfOutput = sha256

/** What the VRF is given: the address in lower case, as the directory keeps it. */
export function vrfInput(address: string): Buffer {
  return Buffer.from(address.normalize('NFC').toLowerCase())
}

export function writeEntry({ address, certificate }: KeyLogEntry): Buffer {
  return Buffer.concat([address, certificate])
}

/** Throws TLOG_MALFORMED. */
export function readEntry(bytes: Uint8Array): KeyLogEntry {
  if (bytes.length !== 2 * HASH_BYTES) throw malformed('entry')
  return {
    address: Buffer.from(bytes.subarray(0, HASH_BYTES)),
    certificate: Buffer.from(bytes.subarray(HASH_BYTES)),
  }
}

/**
 * The name of a log: where it is and, behind that, the public key of its VRF. Every checkpoint is signed with this name, so that one verifier key is all that
 * somebody has to know of a log, and the server cannot show different VRF keys to different people. Throws TLOG_MALFORMED for a place that a note cannot name.
 */
export function keyLogOrigin(place: string, vrfKey: Uint8Array): string {
  const origin = `${place}/${Buffer.from(vrfKey).toString('base64url')}`
  return noteKey(origin, SIGNATURE_TYPE.ed25519, vrfKey).name
}

/** The VRF key in the name of a log. Throws TLOG_MALFORMED. */
export function vrfKeyOf(origin: string): Buffer {
  const text = origin.slice(origin.lastIndexOf('/') + 1)
  const key = Buffer.from(text, 'base64url')
  if (key.length !== VRF_KEY_BYTES || key.toString('base64url') !== text)
    throw malformed('name of a log of keys')
  return key
}

/** What somebody who looks keys up has to know of a log. */
export interface KeyLogKeys {
  readonly log: NoteKey
  readonly witnesses?: readonly NoteKey[]
}

export interface ProvenLookup {
  readonly index: number
  readonly checkpoint: Checkpoint
}

/**
 * Whether a proof, as the directory gives it, shows that `certificate` (empty: nothing) is logged for the address. That nothing newer is logged for it, only
 * somebody who reads the whole log can tell. Throws TLOG_MALFORMED, TLOG_SIGNATURE or TLOG_PROOF.
 */
export function verifyLookup(
  { proof, address, certificate }: { proof: string; address: string; certificate: Uint8Array },
  { log, witnesses = [] }: KeyLogKeys,
): ProvenLookup {
  const { extra, index, hashes, checkpoint: note } = parseProof(proof)
  if (extra === undefined) throw malformed('proof')
  const output = verifyVrf(vrfKeyOf(log.name), vrfInput(address), extra)
  const checkpoint = openCheckpoint(Buffer.from(note), log, witnesses)
  const entry = writeEntry({ address: hashVrfOutput(output), certificate: hashCertificate(certificate) })
  const { size, root } = checkpoint
  if (!verifyInclusion({ leaf: hashLeaf(entry), index, size, root, proof: hashes }))
    throw unproven('this is logged for the address')
  return { index, checkpoint }
}
