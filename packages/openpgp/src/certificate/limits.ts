/** Bounds of what the directory reads and keeps. They leave room for post-quantum keys (RFC 9980), whose signatures take up to 30 KiB. */

export interface CertificateLimits {
  /** Of an upload as it comes, armored or not. */
  readonly uploadBytesMax: number
  readonly packetsMax: number
  readonly certificatesMax: number
  /** Of a verified certificate, as it is kept: what gpg takes at most from a Web Key Directory. */
  readonly certificateBytesMax: number
  readonly signatureBytesMax: number
  readonly userIdBytesMax: number
  /** Of the body of any other packet. */
  readonly packetBytesMax: number
  readonly userIdsMax: number
  /** In use; as many revoked ones are kept besides. */
  readonly subkeysMax: number
  /** Newest ones of a component, and as many revocations besides. */
  readonly selfSignaturesMax: number
  /** Cost of verifying an upload, in units of about a microsecond: see work.ts. */
  readonly workMax: number
  /** Signatures of one component that may turn out wrong after an expensive check before the rest of it is given up. */
  readonly failuresMax: number
}

export const CERTIFICATE_LIMITS: CertificateLimits = {
  uploadBytesMax: 1024 * 1024,
  packetsMax: 16_384,
  certificatesMax: 256,
  certificateBytesMax: 256 * 1024,
  signatureBytesMax: 64 * 1024,
  userIdBytesMax: 1024,
  packetBytesMax: 8 * 1024,
  userIdsMax: 20,
  subkeysMax: 20,
  selfSignaturesMax: 5,
  workMax: 100_000,
  failuresMax: 64,
}

/** How far ahead the clock of a signer may be. */
export const CLOCK_SKEW_SECONDS = 24 * 60 * 60
