/** What other services may ask about single certificates of the key directory, for whoever runs it. */

/** Of one search: more than one only where key ids or adopted subkeys are shared. */
export const KEYS_FOUND_MAX = 4

/** Hexadecimal in upper case, or a mail address as it was asked for. */
export interface KeySearch {
  readonly kind: 'fingerprint' | 'key-id' | 'address'
  readonly value: string
}

/** A certificate as the directory knows it. Days are in UTC, `YYYY-MM-DD`. */
export interface KeptCertificate {
  readonly algorithm: string
  readonly createdOn: string
  readonly expiresOn: string | undefined
  readonly revoked: boolean
  /** Addresses that it is shown with. */
  readonly published: readonly string[]
  /** Addresses that are hidden while their account is suspended. */
  readonly suspended: readonly string[]
}

export interface DirectoryKey {
  readonly fingerprint: string
  /** Taken off: nothing is taken of it again but its revocation. */
  readonly removed: boolean
  /** Undefined: nothing of it is here. */
  readonly certificate: KeptCertificate | undefined
}

/** Rejects with PortError when the directory is in another process and away. `fingerprint`: 40 or 64 hexadecimal digits in upper case. */
export interface KeyOperations {
  /** Those that are here, and those that were taken off and are asked for by their fingerprint. */
  find(search: KeySearch): Promise<readonly DirectoryKey[]>
  /** Takes a certificate off, also against its owner's wish, and one that has not come yet. False: nothing of it was here. */
  remove(fingerprint: string): Promise<boolean>
  /** Lets one that was taken off be uploaded again. */
  readmit(fingerprint: string): Promise<void>
}
