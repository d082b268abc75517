/** The transparency log as it is kept. Retention: the migration says it. */
import type { Tx } from '@sealpost/db'
import type { KeyLogEntry, NoteSignature, TileHash } from '@sealpost/tlog'

export interface LogHead {
  readonly size: number
  readonly frontier: Buffer
  readonly checkpoint: string
}

export interface HistoryEntry {
  readonly index: number
  readonly certificate: Buffer
  /** YYYY-MM-DD. */
  readonly day: string
  /** Whether the bytes are among those that have been replaced and are kept. */
  readonly kept: boolean
}

export interface NewEntry extends KeyLogEntry {
  readonly day: string
}

/** What was served until now. */
export interface Replaced {
  readonly hash: Buffer
  readonly bytes: Buffer
}

export interface LogStore {
  /** Begins the log unless it has begun. Returns the verifier key that it began with. */
  begin(verifierKey: string, head: LogHead): Promise<string>
  head(): Promise<LogHead>
  /** The head, which nobody else can change until the transaction ends. */
  lockHead(tx: Tx): Promise<LogHead>
  /** Appends from `first` on, and writes the new head. The head is locked. */
  append(
    tx: Tx,
    change: { first: number; entries: readonly NewEntry[]; tileHashes: readonly TileHash[]; head: LogHead },
  ): Promise<void>
  /** Keeps what was replaced until the day; a later day wins. */
  keep(tx: Tx, replaced: Replaced, eraseOn: string): Promise<void>
  /** Erases everything kept that was ever served for one of these addresses. */
  erase(tx: Tx, addresses: readonly Buffer[]): Promise<void>
  /** Erases what was to be kept until this day. */
  eraseDue(day: string, limit: number): Promise<number>
  /** At most `count` from `first` on, in order. */
  entries(first: number, count: number): Promise<KeyLogEntry[]>
  tileHashes(level: number, first: number, count: number): Promise<Buffer[]>
  /** Of one address, from an index on, in order. */
  history(address: Buffer, from: number, limit: number): Promise<HistoryEntry[]>
  /** The newest of an address in the tree of a size. */
  newest(address: Buffer, size: number): Promise<number | undefined>
  /** What is served now for an address in lower case. */
  current(address: string): Promise<Buffer | undefined>
  /** Takes cosignatures on the tree of a size, in place of earlier ones of the same witness, and forgets all but those of the newest `sizesMax` sizes. */
  cosign(size: number, lines: readonly NoteSignature[], sizesMax: number): Promise<void>
  /** On the tree of a size. */
  cosignatures(size: number): Promise<NoteSignature[]>
  /** The newest size that a witness has cosigned. */
  cosignedSize(): Promise<number | undefined>
  /** What was served for an address from this index on, if it has been replaced and is kept. */
  replaced(address: Buffer, index: number): Promise<Buffer | undefined>
}
