/** What a mail is beside its bytes, as it is sealed: the envelope, and what became of each recipient. */
import type { Envelope } from '../reception/stage.ts'

/** What a server said, or what we found in its stead. */
export interface Reply {
  /** RFC 5321 §4.2.1; of our own making where nobody replied. */
  readonly code: number
  /** RFC 3463. */
  readonly status: string
  /** As the server wrote it, at most 500 characters; may name people. */
  readonly text: string
  /** Host name of the server; undefined: our own words. */
  readonly host: string | undefined
}

/** How far one recipient is. Times in milliseconds since the epoch. */
export interface Progress {
  done: boolean
  attempts: number
  nextAt: number
  /** The sender was told that it takes longer. */
  delayTold: boolean
  /** The last one. */
  reply?: Reply | undefined
}

/** Why a mail is not tried: an operator's word, or its account is suspended. */
export type HoldReason = 'operator' | 'suspended'

export interface MailState {
  hold?: HoldReason | undefined
  /** When a hold ended last: its time of delivery begins anew then. In milliseconds since the epoch. */
  releasedAt?: number | undefined
  /** In the order of the envelope. */
  readonly recipients: readonly Progress[]
}

export interface MailRecord {
  readonly envelope: Envelope
  readonly bodyBytes: number
  /** Of a mail in a mailbox: the mail in the queue that it is a copy of. */
  readonly source?: string | undefined
}

export function encodeRecord(record: MailRecord): Buffer {
  return Buffer.from(JSON.stringify(record))
}

/** What `encodeRecord` wrote and the seal has authenticated. */
export function decodeRecord(bytes: Buffer): MailRecord {
  return JSON.parse(bytes.toString()) as MailRecord
}

export function encodeState(state: MailState): Buffer {
  return Buffer.from(JSON.stringify(state))
}

export function decodeState(bytes: Buffer): MailState {
  return JSON.parse(bytes.toString()) as MailState
}
