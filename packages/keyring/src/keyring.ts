import type { Clock, Random } from '@sealpost/runtime'
import type { KeyringRequest } from './volume.ts'
import type { MessageKind } from './slot.ts'

/** The queue of one device, while it holds messages. Its random handle is all that the database knows of it. */
export interface QueueHandle {
  readonly handle: string
  readonly account: string
  readonly device: string
  /** Messages in it, and the bytes of their size classes. */
  readonly count: number
  readonly bytes: number
  /** The highest sequence number that was ever sealed in it. */
  readonly lastSeq: number
}

export interface Sealed {
  /** Row id: a random UUID. */
  readonly id: string
  readonly blob: Buffer
  readonly sizeClass: number
}

/** What memory knows of a waiting message. */
export interface QueuedMessage {
  readonly id: string
  readonly seq: number
  readonly kind: MessageKind
  /** Bytes of its size class. */
  readonly bytes: number
  /** Seconds since the epoch. */
  readonly due: number
  readonly sealed: number
}

/** A row of the database, as far as it is in clear. */
export interface SealedRow {
  readonly id: string
  readonly handle: string
  readonly seq: number
  readonly sizeClass: number
}

/** The start-up comparison of slots with rows: first all rows, then once `finish`. */
export interface Reconciliation {
  /** Takes rows, packed one after another (packed-row.ts). Returns the ids of those whose key is gone: they are garbage. */
  rows(packed: Buffer): string[]
  /** Wipes the slots of messages without a row and of queues without a message; returns how many. */
  finish(): { readonly messages: number; readonly queues: number }
}

/**
 * The keys of all sealed messages, in memory and in a file of 64-byte slots. Bookkeeping is synchronous; `synced`
 * is the one promise of durability. Methods that write throw KEYRING_UNAVAILABLE while the file cannot be written, KEYRING_FENCED
 * after another process took the keyring over, KEYRING_CLOSED after disposal.
 */
export interface Keyring extends AsyncDisposable {
  /** Fencing epoch: higher with each opening. */
  readonly epoch: number
  readonly keyringId: string
  /** Messages that can be opened. */
  readonly size: number
  /** False while writes fail, and for ever once fenced. */
  readonly available: boolean
  /** The device's queue; made when it has none. KEYRING_FULL when no slot is free. Account and device are UUIDs. */
  queue(account: string, device: string): QueueHandle
  findQueue(account: string, device: string): QueueHandle | undefined
  queuesOf(account: string): QueueHandle[]
  queues(): Iterable<QueueHandle>
  /** The messages of a queue with a higher sequence number, in order, at most `limit`. */
  messages(queue: QueueHandle, afterSeq?: number, limit?: number): QueuedMessage[]
  /** When the queue's oldest message was sealed, in seconds since the epoch; undefined when it is empty. */
  oldest(queue: QueueHandle): number | undefined
  /**
   * Encrypts under a new key. `seq` must be higher than the queue's last; `due` is in seconds since the epoch. The slot is on disk
   * when a later `synced` resolves. PLAINTEXT_TOO_LARGE, KEYRING_FULL.
   */
  seal(queue: QueueHandle, seq: number, plaintext: Buffer, due: number, kind: MessageKind): Sealed
  /** The plaintext; undefined when the key is gone; BLOB_CORRUPT when the blob is not what was sealed for this place. */
  open(id: string, queue: QueueHandle, seq: number, blob: Buffer): Buffer | undefined
  /** Destroys keys: gone from memory now, from disk when a later `synced` resolves. Ids without a key are passed over. Returns how many. Works while unavailable. */
  shred(ids: Iterable<string>): number
  /** Destroys the slot that says whose queue it was. The queue must be empty. */
  drain(queue: QueueHandle): void
  /** Messages whose time came at or before `second`, at most `limit`, in no order. */
  due(
    second: number,
    limit?: number,
  ): { readonly id: string; readonly kind: MessageKind; readonly queue: QueueHandle | undefined }[]
  has(id: string): boolean
  queueOf(id: string): QueueHandle | undefined
  /**
   * Resolves when everything sealed, shredded and drained so far is on disk, with when that was, by `performance.now()`; rejects when writing it failed (it is retried
   * all the same).
   */
  synced(): Promise<number>
  reconcile(): Reconciliation
}

export interface KeyringOptions {
  /** `ram`: nothing is written; a stop loses what is undelivered. */
  readonly mode: 'file' | 'ram'
  /** A directory of its own, never backed up. In `ram` mode only read, for an operator's request. */
  readonly directory: string
  /** The id of the database that holds the rows. */
  readonly instanceId: string
  /** Which keyring, in which epoch, this database last worked with. */
  readonly lastSeen: { readonly keyringId: string; readonly epoch: number } | undefined
  /** Whether the database holds sealed rows, which a missing keyring would lose. */
  readonly rowsExist: boolean
  readonly random: Random
  readonly clock: Clock
  /** Bound of memory and file: 64 bytes of file and about 110 of memory each; 4 million unless told. */
  readonly slotsMax?: number
  /** How long the first who waits for a sync lets others share it; 2 ms unless told. */
  readonly windowMs?: number
  /** Writing began to fail, or works again. */
  readonly onAvailable?: (available: boolean, error?: unknown) => void
  /** Another process took the keyring over: called once, at the first write that is refused for it. */
  readonly onFenced?: () => void
  /** An operator's request decided what would have been refused. */
  readonly onRequest?: (request: KeyringRequest) => void
}
