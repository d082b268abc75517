/** Certificates, how they are found, and which addresses are published. Retention: the migration says it. One contract: store.test.ts. */
import type { CertificateSummary } from '@sealpost/openpgp'
import type { Mailbox } from './mailbox.ts'

/** Fingerprints and key ids are hexadecimal in upper case, addresses in lower case. */
export interface CertificateRow {
  readonly fingerprint: string
  readonly kept: Buffer
  readonly served: Buffer
  readonly listing: CertificateSummary
  readonly addresses: readonly string[]
  /** Addresses that it is published for, but not shown with for now; none of `addresses`. */
  readonly suspended: readonly string[]
  /** YYYY-MM-DD. */
  readonly forgetOn: string | undefined
}

/** A row as it is written. */
export interface NewRow extends CertificateRow {
  /** For each of `addresses`, what its mailbox is answered; undefined where nothing is. */
  readonly minimal: readonly (Buffer | undefined)[]
  /** The day in whose log it is to stand; undefined when what it is answered stays the same. */
  readonly changedOn: string | undefined
}

export interface StoredRow extends CertificateRow {
  readonly revision: number
}

/** What a row becomes, if it is still at `revision`. */
export interface Update {
  readonly row: NewRow
  readonly revision: number
}

/** What a lookup gets. */
export interface Served {
  readonly fingerprint: string
  readonly bytes: Buffer
}

export interface Listed {
  readonly fingerprint: string
  readonly listing: CertificateSummary
}

export type Needle =
  | { readonly kind: 'fingerprint' | 'key-id'; readonly value: string }
  | { readonly kind: 'address'; readonly value: string }

/** Somebody to be told that their certificate expires. Days in UTC, YYYY-MM-DD. */
export interface Reminder {
  readonly address: string
  readonly fingerprint: string
  readonly expiresOn: string
  /** At most so many days before: the last one that is still to be sent. */
  readonly days: ReminderDays
}

/** Days before the expiry on which its owner is told. */
export type ReminderDays = 30 | 7 | 1

export interface CertificateStore {
  find(fingerprint: string): Promise<StoredRow | undefined>
  /** Those that are there, in no order. */
  findAll(fingerprints: readonly string[]): Promise<StoredRow[]>
  /**
   * Writes a row whole, components and addresses included. False, and nothing written, when the row is not at `revision` any more (undefined: when there is
   * one), or when one of the addresses belongs to another certificate. What changes for an address is in the transparency log when it returns; of addresses that
   * go, what was served for them is erased there.
   */
  put(row: NewRow, revision: number | undefined): Promise<boolean>
  /**
   * Writes both as `put` does, or neither: addresses that `loser` lets go are the `taker`'s from the same moment on. What was served for them is kept in the log,
   * for their owner to see. False as `put`, of either.
   */
  takeOver(taker: Update, loser: Update): Promise<boolean>
  /** Writes those that are neither here nor removed by their owner, none of them with an address. Answers with the fingerprints that were written. */
  insertAll(rows: readonly NewRow[]): Promise<string[]>
  /** Erases a certificate and what belongs to it. False when there was none. */
  delete(fingerprint: string): Promise<boolean>
  /**
   * At most `limit`, primary keys before subkeys that signed them before others, then by fingerprint. Of the fingerprint of a primary key its certificate alone:
   * anybody can make a certificate that claims the key as a subkey.
   */
  serve(needle: Needle, limit: number): Promise<Served[]>
  list(needle: Needle, limit: number): Promise<Listed[]>
  /** What the mailbox of a published address is answered. */
  serveMailbox(mailbox: Mailbox): Promise<Buffer | undefined>
  /** Fingerprint of the certificate that is published for an address, or was and is suspended. */
  ownerOf(address: string): Promise<string | undefined>
  /** Some certificates whose unpublished user ids are to be forgotten by this day. */
  due(day: string, limit: number): Promise<string[]>
  /** The first four octets of the fingerprints in the log of a day, in hexadecimal, lower case, in order. */
  prefixes(day: string, limit: number): Promise<string[]>
  /** Erases the logs of this day and of those before. */
  forgetPrefixes(day: string): Promise<void>
  /** Suspended addresses in order, after that one. */
  suspendedAddresses(after: string, limit: number): Promise<string[]>
  /** Shown addresses of certificates that expire in 1 to 30 days and are not revoked, as far as no reminder for these days or fewer was claimed. */
  dueReminders(day: string, limit: number): Promise<Reminder[]>
  /** False when it is not due any more. Forgotten when the certificate's expiry changes. */
  claimReminder(reminder: Reminder): Promise<boolean>
  /** It was not sent after all. */
  releaseReminder(reminder: Reminder): Promise<void>
  bury(fingerprint: string): Promise<void>
  isBuried(fingerprint: string): Promise<boolean>
  /** Those of them that are. */
  buriedAmong(fingerprints: readonly string[]): Promise<string[]>
  unbury(fingerprint: string): Promise<void>
}
