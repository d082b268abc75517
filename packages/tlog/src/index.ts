/**
 * Transparency logs: RFC 9162 hashing and proofs, C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature and tlog-proof, RFC 9381 VRF; and the log of
 * the key directory. No I/O, no clock, no randomness. What comes from outside is parsed strictly and bounded; everything throws TlogError.
 */
export { formatTreeHead, openCheckpoint, parseTreeHead, signCheckpoint } from './checkpoint.ts'
export type { Checkpoint, TreeHead } from './checkpoint.ts'
export { cosign, cosignaturesOf } from './cosignature.ts'
export type { Cosignature } from './cosignature.ts'
export { verifyVrf, VRF_PROOF_BYTES, vrfOutput, VrfSecretKey } from './ecvrf.ts'
export { Frontier } from './frontier.ts'
export type { TileHash } from './frontier.ts'
export {
  hashCertificate,
  hashVrfOutput,
  keyLogOrigin,
  NO_CERTIFICATE,
  readEntry,
  verifyLookup,
  vrfInput,
  vrfKeyOf,
  writeEntry,
} from './key-log.ts'
export type { KeyLogEntry, KeyLogKeys, ProvenLookup } from './key-log.ts'
export { EMPTY_ROOT, HASH_BYTES, hashLeaf, hashNode, verifyConsistency, verifyInclusion } from './merkle.ts'
export type { ConsistencyClaim, InclusionClaim } from './merkle.ts'
export {
  formatNote,
  formatSignature,
  formatVerifierKey,
  NOTE_BYTES_MAX,
  noteKey,
  parseNote,
  parseSignatureLines,
  parseVerifierKey,
  SIGNATURE_TYPE,
} from './signed-note.ts'
export type { NoteKey, NoteSignature, SignedNote } from './signed-note.ts'
export {
  parseTilePath,
  readBundle,
  readHashes,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  writeBundle,
} from './tile.ts'
export type { Tile } from './tile.ts'
export { TiledTree } from './tiled-tree.ts'
export type { ReadTile } from './tiled-tree.ts'
export { TlogError } from './tlog-error.ts'
export { formatProof, parseProof } from './tlog-proof.ts'
export type { TlogProof } from './tlog-proof.ts'
