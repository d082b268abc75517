/** What was left out of an upload, and why: for the one who sent it, and for reports of imports. */
export interface Dropped {
  /** Packets that are malformed, or of a version that is not read. */
  malformed: number
  tooLarge: number
  /** Packets of a type that certificates do not have. */
  unknown: number
  /** Signatures behind a packet that was left out. */
  orphaned: number
  /** Signatures by other keys: certifications by third parties. */
  thirdParty: number
  /** Signatures that claim to be by the certificate's key and are not, or rest on a broken hash, or do not bind what they should. */
  invalid: number
  /** Valid ones beyond those that are kept of each component, and marked as not to be exported. */
  surplus: number
  /** Not looked at, because what there was to do exceeded the limit. */
  unchecked: number
}

export function nothingDropped(): Dropped {
  return {
    malformed: 0,
    tooLarge: 0,
    unknown: 0,
    orphaned: 0,
    thirdParty: 0,
    invalid: 0,
    surplus: 0,
    unchecked: 0,
  }
}
