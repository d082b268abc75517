/**
 * OpenPGP (RFC 9580): telling by structure alone that a message is encrypted, for the relay; and certificates, read, verified, merged and stripped, for the
 * key directory. No I/O, no clock, no randomness.
 */
export { decodeArmorOrBase64, OPENPGP_TEXT_LENGTH_MAX } from './armor.ts'
export { ArmoredMessageReader } from './armor-stream.ts'
export type { ArmoredMessage } from './armor-stream.ts'
export { readArmor, writeArmor } from './armor-blocks.ts'
export type { ArmorBlock } from './armor-blocks.ts'
export { byOthersThan } from './certificate/by-others.ts'
export { writeCertificate } from './certificate/certificate.ts'
export type { VerifiedCertificate } from './certificate/certificate.ts'
export { nothingDropped } from './certificate/dropped.ts'
export type { Dropped } from './certificate/dropped.ts'
export { CERTIFICATE_LIMITS } from './certificate/limits.ts'
export type { CertificateLimits } from './certificate/limits.ts'
export { mergeCertificates } from './certificate/merge.ts'
export { claimedIssuer } from './certificate/signature.ts'
export type { Signature } from './certificate/signature.ts'
export {
  cleanCertificate,
  minimalForAddress,
  revocationsOnly,
  withAddresses,
  withoutAddress,
} from './certificate/strip.ts'
export { summarize } from './certificate/summary.ts'
export type { CertificateSummary, KeySummary, SubkeySummary, UserIdSummary } from './certificate/summary.ts'
export { normalizeAddress } from './certificate/user-id.ts'
export { isEncryptedMessage } from './encrypted-message.ts'
export { encryptArmored, encryptedBytes } from './encrypting.ts'
export type { EncryptOptions, SessionKey } from './encrypting.ts'
export { EncryptedMessageReader } from './encrypted-stream.ts'
export { OpenPgpError } from './openpgp-error.ts'
export { PacketType, readPacket } from './packet.ts'
export type { Packet } from './packet.ts'
export { verifySignedText } from './signed-text.ts'
export { applyRevocations, readStored, readUpload } from './upload.ts'
export type { Upload } from './upload.ts'
