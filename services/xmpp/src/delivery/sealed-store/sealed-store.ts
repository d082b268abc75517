/**
 * The messages that wait for a device: sealed under keys of the keyring, in rows of `xmpp.sealed`. The keyring's memory
 * is the index: what is in which queue, in which order, until when. A message counts as stored when its key is synced and its row is
 * committed; it is gone when its key is, and the row is garbage from then on.
 */
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { GarbageCollector, Lease, openKeyring, reportKeyRisks, ShredLag } from '@sealpost/keyring'
import type {
  Keyring,
  KeyringOptions,
  MessageKind,
  QueuedMessage as KeptMessage,
  QueueHandle,
} from '@sealpost/keyring'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Clock, Random } from '@sealpost/runtime'
import { RowWriter } from './row-writer.ts'
import { LEASE, SealedRows } from './sealed-rows.ts'
import { StoreError } from './store-error.ts'

/** A device, or the pseudo-device whose queue an account's other sessions share. Both are UUIDs. */
export interface QueueKey {
  readonly account: string
  readonly device: string
}

/** Where the records of uploaded files are (modules/upload): nobody's queue, and no message in it. */
export const UPLOADS_QUEUE: QueueKey = {
  account: '00000000-0000-4000-8000-000000000001',
  device: '00000000-0000-4000-8000-000000000001',
}

export interface SealedEntry {
  readonly id: string
  /** Position in the queue. Rises with each message for the device for as long as this process lives, and only for so long. */
  readonly seq: number
  /** Resolves when key and row are durable. Rejects with STORE_UNAVAILABLE, STORE_FENCED or KEYRING_…: then the message is gone. */
  readonly stored: Promise<void>
}

export interface StoredMessage {
  readonly id: string
  readonly seq: number
  readonly kind: MessageKind
  /** The caller's to wipe. */
  readonly plaintext: Buffer
}

export interface QueueDepth {
  readonly count: number
  /** Of the size classes. */
  readonly bytes: number
  /** When the oldest waiting message was sealed, in seconds since the epoch. */
  readonly oldest: number | undefined
  /** Position of the last message, waiting or not; 0 when the queue is empty. */
  readonly lastSeq: number
}

export interface SealedStore extends AsyncDisposable {
  /**
   * Seals a message at the end of a queue; `plaintext` is not kept and stays the caller's to wipe. `due`: the second since the epoch from which it must be unreadable. Throws STORE_BUSY,
   * STORE_FENCED, STORE_CLOSED, PLAINTEXT_TOO_LARGE, KEYRING_UNAVAILABLE or KEYRING_FULL; then nothing was kept.
   */
  append(queue: QueueKey, plaintext: Buffer, due: number, kind: MessageKind): SealedEntry
  /** Messages behind `afterSeq` in order, at most `limitRows` and, after the first, `limitBytes` of size classes. */
  read(queue: QueueKey, afterSeq: number, limitRows: number, limitBytes: number): Promise<StoredMessage[]>
  /** These messages of a queue, as far as they still wait there, in order. */
  fetch(queue: QueueKey, ids: ReadonlySet<string>): Promise<StoredMessage[]>
  /** Where a message waits; undefined when it cannot be read any more. */
  queueOf(id: string): QueueKey | undefined
  /** Acknowledged, or not wanted any more: unreadable when this returns, also from disk within milliseconds. */
  shred(ids: Iterable<string>): number
  shredQueue(queue: QueueKey): number
  /** Erasure of an account: all its queues. It is done when a later `shredded` and `garbage` have resolved. */
  shredAccount(account: string): number
  depth(queue: QueueKey): QueueDepth
  /** Of all queues of messages together. Takes as long as there are queues: not for every message. */
  totals(): Pick<QueueDepth, 'count' | 'bytes' | 'oldest'>
  queuesOf(account: string): QueueKey[]
  /** Shreds what is due by the store's clock. */
  expire(): { readonly count: number }
  /** Resolves when all keys shredded so far are overwritten on disk. */
  shredded(): Promise<void>
  /** Deletes rows whose key is gone, now rather than within a second or two; returns how many. */
  garbage(): Promise<number>
  /** Resolves when every message appended so far is stored or given up. */
  flushed(): Promise<void>
}

export interface SealedStoreOptions {
  readonly db: Db
  readonly keyring: Pick<KeyringOptions, 'mode' | 'directory' | 'slotsMax'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** Another process owns the messages now: stop delivering and acknowledging. Called once. */
  readonly onFenced: () => void
  /** How long a message is tried while the database or the keyring is away; 60 s unless told. */
  readonly retryMs?: number
  /** Bytes of blobs that may wait for the database; 32 MiB unless told. */
  readonly backlogBytesMax?: number
  /** How long opening waits for a former owner to go; 10 s unless told. */
  readonly leaseWaitMs?: number
  /** Another way to open the keyring, on another volume. */
  readonly openKeyring?: (options: KeyringOptions) => Promise<Keyring>
}

const EMPTY: QueueDepth = { count: 0, bytes: 0, oldest: undefined, lastSeq: 0 }
const RETRY_MS = 60_000
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024
const LEASE_WAIT_MS = 10_000
const COLLECT_MS = 1000
/** For what is not written yet when the store is closed; the relay has waited for it before. */
const CLOSE_MS = 2500

/**
 * Opens keyring and rows and makes them agree: rows without a key are deleted, keys without a row destroyed, and what fell due
 * meanwhile is shredded on disk before this resolves. Throws KeyringError (see openKeyring) and DbError.
 */
export async function openSealedStore(options: SealedStoreOptions): Promise<SealedStore> {
  await using stack = new AsyncDisposableStack()
  const fence = createFence(options)
  const lease = stack.use(await Lease.take(options.db, LEASE, options.leaseWaitMs ?? LEASE_WAIT_MS))
  const { log } = options
  const keyring = stack.use(
    await (options.openKeyring ?? openKeyring)({
      ...options.keyring,
      ...(await lease.state()),
      random: options.random,
      clock: options.clock,
      onAvailable: (available, error) =>
        available
          ? log.info('keyring_available')
          : log.error('keyring_unavailable', { code: errorCode(error) }),
      onFenced: () => fence.close(),
      onRequest: (request) => log.warn('keyring_request', { kind: request }),
    }),
  )
  if (options.keyring.mode === 'file')
    await reportKeyRisks(options.keyring.directory, { keyring: 'xmpp', log, metrics: options.metrics })
  await lease.announce(keyring.keyringId, keyring.epoch)
  const rows = new SealedRows(options.db, keyring)
  const { lastSeq } = await reconcile(keyring, rows, log)
  const store = new PostgresSealedStore({ ...options, rows, opened: keyring, lease, fence, lastSeq })
  store.expire()
  await store.shredded()
  stack.move()
  return store
}

async function reconcile(keyring: Keyring, rows: SealedRows, log: Log): Promise<{ lastSeq: number }> {
  const reconciliation = keyring.reconcile()
  let lastSeq = 0
  let garbage = 0
  for await (const page of rows.scan()) {
    lastSeq = Math.max(lastSeq, page.lastSeq)
    const gone = reconciliation.rows(page.packed)
    if (gone.length > 0) garbage += await rows.delete(gone)
  }
  const wiped = reconciliation.finish()
  await keyring.synced()
  log.info('sealed_store_open', { count: keyring.size })
  if (garbage > 0) log.info('sealed_store_reconciled', { kind: 'row_without_key', count: garbage })
  if (wiped.messages > 0)
    log.info('sealed_store_reconciled', { kind: 'key_without_row', count: wiped.messages })
  return { lastSeq }
}

/** Closed for good once another process owns the messages. */
interface Fence {
  readonly closed: boolean
  close(): void
}

function createFence(options: Pick<SealedStoreOptions, 'log' | 'onFenced'>): Fence {
  let closed = false
  return {
    get closed() {
      return closed
    },
    close: () => {
      if (closed) return
      closed = true
      options.log.error('sealed_store_fenced')
      options.onFenced()
    },
  }
}

interface Parts extends SealedStoreOptions {
  readonly rows: SealedRows
  readonly opened: Keyring
  readonly lease: Lease
  readonly fence: Fence
  /** The highest sequence number of any row. */
  readonly lastSeq: number
}

class PostgresSealedStore implements SealedStore {
  readonly #parts: Parts
  readonly #keyring: Keyring
  readonly #writer: RowWriter
  readonly #collector: GarbageCollector
  readonly #lag: ShredLag
  readonly #collecting: Disposable
  /**
   * What callers see as `seq` is the row's plus the base of its queue. The base is as high as any position given out before the queue
   * was made, so that positions rise for a device although its queue is destroyed, and numbered anew, each time it drains.
   */
  readonly #bases = new WeakMap<QueueHandle, number>()
  #issued: number
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#keyring = parts.opened
    this.#issued = parts.lastSeq
    this.#lag = new ShredLag(parts.metrics, 'xmpp', () => this.#keyring.synced())
    this.#writer = new RowWriter({
      insert: (rows) => parts.rows.insert(rows),
      synced: () => this.#keyring.synced(),
      isWanted: (id) => this.#keyring.has(id),
      onRejected: (ids) => this.#giveUp(ids),
      onFenced: () => parts.fence.close(),
      retryMs: parts.retryMs ?? RETRY_MS,
      backlogBytesMax: parts.backlogBytesMax ?? BACKLOG_BYTES_MAX,
    })
    this.#collector = new GarbageCollector({
      delete: (ids) => parts.rows.delete(ids),
      insertsEnded: () => this.#writer.insertsEnded(),
    })
    this.#collecting = parts.clock.every(COLLECT_MS, () => this.#collect())
  }

  append(key: QueueKey, plaintext: Buffer, due: number, kind: MessageKind): SealedEntry {
    this.#assertOpen()
    this.#writer.assertRoom()
    const queue = this.#keyring.queue(key.account, key.device)
    let base = this.#bases.get(queue)
    if (base === undefined) this.#bases.set(queue, (base = queue.lastSeq > 0 ? 0 : this.#issued))
    const seq = queue.lastSeq + 1
    try {
      const sealed = this.#keyring.seal(queue, seq, plaintext, due, kind)
      const stored = this.#writer.add({ ...sealed, handle: queue.handle, seq })
      this.#issued = Math.max(this.#issued, base + seq)
      return { id: sealed.id, seq: base + seq, stored }
    } catch (error) {
      if (queue.count === 0) this.#keyring.drain(queue)
      throw error
    }
  }

  async read(
    key: QueueKey,
    afterSeq: number,
    limitRows: number,
    limitBytes: number,
  ): Promise<StoredMessage[]> {
    this.#assertOpen()
    const queue = this.#keyring.findQueue(key.account, key.device)
    if (queue === undefined) return []
    const after = afterSeq - this.#baseOf(queue)
    return this.#read(queue, firstBytes(this.#keyring.messages(queue, after, limitRows), limitBytes))
  }

  async fetch(key: QueueKey, ids: ReadonlySet<string>): Promise<StoredMessage[]> {
    this.#assertOpen()
    const queue = this.#keyring.findQueue(key.account, key.device)
    if (queue === undefined) return []
    return this.#read(
      queue,
      this.#keyring.messages(queue).filter(({ id }) => ids.has(id)),
    )
  }

  queueOf(id: string): QueueKey | undefined {
    const queue = this.#keyring.queueOf(id)
    return queue && { account: queue.account, device: queue.device }
  }

  async #read(queue: QueueHandle, page: readonly KeptMessage[]): Promise<StoredMessage[]> {
    const base = this.#baseOf(queue)
    const blobs = await this.#blobs(queue, page)
    const messages: StoredMessage[] = []
    for (const { id, seq, kind } of page) {
      const plaintext = this.#open(queue, id, seq, blobs.get(id))
      if (plaintext !== undefined) messages.push({ id, seq: base + seq, kind, plaintext })
    }
    return messages
  }

  shred(ids: Iterable<string>): number {
    const known: string[] = []
    const queues = new Set<QueueHandle>()
    for (const id of ids) {
      const queue = this.#keyring.queueOf(id)
      if (queue === undefined) continue
      queues.add(queue)
      known.push(id)
    }
    if (known.length === 0) return 0
    const count = this.#keyring.shred(known)
    for (const queue of queues) if (queue.count === 0) this.#keyring.drain(queue)
    this.#collector.add(known)
    this.#lag.shredded()
    return count
  }

  shredQueue(key: QueueKey): number {
    const queue = this.#keyring.findQueue(key.account, key.device)
    return queue === undefined ? 0 : this.shred(this.#keyring.messages(queue).map(({ id }) => id))
  }

  shredAccount(account: string): number {
    return this.queuesOf(account).reduce((count, key) => count + this.shredQueue(key), 0)
  }

  depth(key: QueueKey): QueueDepth {
    const queue = this.#keyring.findQueue(key.account, key.device)
    if (queue === undefined) return EMPTY
    const { count, bytes, lastSeq } = queue
    return { count, bytes, oldest: this.#keyring.oldest(queue), lastSeq: this.#baseOf(queue) + lastSeq }
  }

  totals(): Pick<QueueDepth, 'count' | 'bytes' | 'oldest'> {
    let [count, bytes, oldest] = [0, 0, Infinity]
    for (const queue of this.#keyring.queues()) {
      if (queue.account === UPLOADS_QUEUE.account) continue
      count += queue.count
      bytes += queue.bytes
      oldest = Math.min(oldest, this.#keyring.oldest(queue) ?? Infinity)
    }
    return { count, bytes, oldest: count === 0 ? undefined : oldest }
  }

  queuesOf(account: string): QueueKey[] {
    return this.#keyring.queuesOf(account).map(({ device }) => ({ account, device }))
  }

  expire(): { count: number } {
    const second = Math.floor(this.#parts.clock.now() / 1000)
    let count = 0
    for (;;) {
      const due = this.#keyring.due(second)
      if (due.length === 0) return { count }
      count += this.shred(due.map(({ id }) => id))
    }
  }

  async shredded(): Promise<void> {
    await this.#keyring.synced()
  }

  garbage(): Promise<number> {
    return this.#collector.collect()
  }

  flushed(): Promise<void> {
    return this.#writer.flushed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#collecting[Symbol.dispose]()
    await using stack = new AsyncDisposableStack()
    stack.use(this.#parts.lease)
    stack.use(this.#lag)
    stack.use(this.#keyring)
    await this.#writer.close(CLOSE_MS)
    await this.#collect()
  }

  /** Blobs of rows that are in the database, and of those that are on their way there. */
  async #blobs(
    queue: QueueHandle,
    page: readonly { id: string; seq: number }[],
  ): Promise<Map<string, Buffer>> {
    const blobs = new Map<string, Buffer>()
    const missing = page.filter(({ id }) => {
      const blob = this.#writer.pendingBlob(id)
      if (blob !== undefined) blobs.set(id, blob)
      return blob === undefined
    })
    const [first, last] = [missing[0], missing.at(-1)]
    if (first === undefined || last === undefined) return blobs
    const found = await this.#parts.rows.blobs(queue.handle, first.seq, last.seq)
    for (const { id } of missing) {
      const blob = found.get(id)
      if (blob !== undefined) blobs.set(id, blob)
    }
    const lost = missing.filter(({ id }) => !found.has(id) && this.#keyring.has(id)).length
    if (lost > 0) await this.#explainLost(lost)
    return blobs
  }

  /** Rows that should be there are not: either they are not ours to see any more, or the database has lost them. */
  async #explainLost(count: number): Promise<void> {
    if (!(await this.#parts.rows.held())) {
      this.#parts.fence.close()
      throw new StoreError('STORE_FENCED')
    }
    this.#parts.log.error('sealed_row_missing', { count })
  }

  #open(queue: QueueHandle, id: string, seq: number, blob: Buffer | undefined): Buffer | undefined {
    if (blob === undefined) return undefined
    try {
      return this.#keyring.open(id, queue, seq, blob)
    } catch (error) {
      this.#parts.log.error('sealed_row_unreadable', { code: errorCode(error) })
      return undefined
    }
  }

  #baseOf(queue: QueueHandle): number {
    return this.#bases.get(queue) ?? 0
  }

  #giveUp(ids: readonly string[]): void {
    if (!this.#closed) this.shred(ids)
  }

  async #collect(): Promise<void> {
    try {
      await this.#collector.collect()
    } catch (error) {
      this.#parts.log.warn('sealed_garbage_left', { code: errorCode(error) })
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('STORE_CLOSED')
    if (this.#parts.fence.closed) throw new StoreError('STORE_FENCED')
  }
}

/** The head of `page` that has at most `limit` bytes, but at least one message. */
function firstBytes<M extends { readonly bytes: number }>(page: M[], limit: number): M[] {
  let total = 0
  const end = page.findIndex(({ bytes }, index) => (total += bytes) > limit && index > 0)
  return end === -1 ? page : page.slice(0, end)
}
