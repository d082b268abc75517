/** Links that were sent by mail. Retention: the migration says it. One contract: store.test.ts. */

/** What a link does when it is used. `submission`: it is no link, but the nonce of a key that was submitted by mail, and publishes it. */
export type LinkPurpose = 'publish' | 'manage' | 'submission'

export interface Link {
  readonly purpose: LinkPurpose
  /** Hexadecimal in upper case. */
  readonly fingerprint: string
  /** In lower case. */
  readonly address: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Address and expiry as in a link. */
export type AddressToken = Pick<Link, 'address' | 'expiresAt'>

/** `token`: an AddressToken. */
export interface Sent extends Pick<Link, 'expiresAt'> {
  readonly purpose: LinkPurpose | 'token'
}

export interface LinkStore {
  /** False, and nothing is kept, when the certificate is not there. */
  put(tokenHash: Buffer, link: Link): Promise<boolean>
  /** Undefined when there is none, or when it has expired by `now`. */
  find(tokenHash: Buffer, now: number): Promise<Link | undefined>
  delete(tokenHash: Buffer): Promise<void>
  /** Addresses to which links for publishing this certificate were sent, and may still be used. */
  pending(fingerprint: string, now: number): Promise<string[]>
  /** What was sent to this address and may still be used, those that end first first. */
  sentTo(address: string, now: number): Promise<Sent[]>
  /** Deletes all links for an address; of one certificate, or of one purpose, when told. Without either, its tokens too. */
  deleteFor(links: Pick<Link, 'address'> & Partial<Pick<Link, 'fingerprint' | 'purpose'>>): Promise<void>
  /** Keeps a token that was mailed to an address, of no certificate yet. */
  putToken(tokenHash: Buffer, token: AddressToken): Promise<void>
  /** Whether it is one that was mailed to this address and holds at `now`, in milliseconds since 1970. */
  hasToken(tokenHash: Buffer, address: string, now: number): Promise<boolean>
  /** The same, and it is used up: of several at once, one gets it. */
  takeToken(tokenHash: Buffer, address: string, now: number): Promise<AddressToken | undefined>
  /** False when it was used before. Forgotten after `expiresAt`, in milliseconds since 1970. */
  useOnce(statementDigest: Buffer, expiresAt: number): Promise<boolean>
  /** Deletes what has expired. */
  collect(now: number): Promise<void>
  /** The key that all processes share for the tokens of uploads. */
  uploadKey(): Promise<Buffer>
}
