/** Brings rows to the database: those of all senders within a few milliseconds in one statement, beside the keyring's sync. */
import { setTimeout as pause } from 'node:timers/promises'
import { DbError } from '@sealpost/db'
import { OperationalError } from '@sealpost/errors'
import type { Row } from './sealed-rows.ts'
import { StoreError } from './store-error.ts'

const WINDOW_MS = 2
const FLUSHES_AT_ONCE = 2
const BATCH_ROWS_MAX = 500
const BATCH_BYTES_MAX = 2 * 1024 * 1024
const RETRY_MS = 50
const RETRY_MS_MAX = 2000

export interface RowWriterOptions {
  /** False: not ours any more. */
  readonly insert: (rows: readonly Row[]) => Promise<boolean>
  /** The keyring's promise that all keys up to now are on disk. */
  readonly synced: () => Promise<number>
  /** Whether the row is still worth writing: its key may be gone already. */
  readonly isWanted: (id: string) => boolean
  /** These rows were given up; called before their promise rejects. */
  readonly onRejected: (ids: readonly string[]) => void
  readonly onFenced: () => void
  /** How long a batch is tried before it is given up. */
  readonly retryMs: number
  /** Bytes of blobs that may wait. */
  readonly backlogBytesMax: number
}

interface Batch {
  readonly rows: Row[]
  bytes: number
  /** When its first row is given up: in order, so that a row waits no longer for others than it is tried itself. */
  readonly deadline: number
  readonly stored: PromiseWithResolvers<void>
}

export class RowWriter {
  readonly #options: RowWriterOptions
  /** Oldest first; only the last one still grows. */
  readonly #waiting: Batch[] = []
  readonly #flushing = new Set<Promise<void>>()
  readonly #inserting = new Set<Promise<void>>()
  /** Rows that may not be in the database yet, by id. */
  readonly #pending = new Map<string, Row>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #deadline = Number.POSITIVE_INFINITY

  constructor(options: RowWriterOptions) {
    this.#options = options
  }

  /** STORE_BUSY when more waits than may. */
  assertRoom(): void {
    if (this.#bytes >= this.#options.backlogBytesMax) throw new StoreError('STORE_BUSY')
  }

  /** Resolves when the row is committed and its key synced; one promise for the whole batch. */
  add(row: Row): Promise<void> {
    let batch = this.#waiting.at(-1)
    if (batch === undefined || batch.rows.length >= BATCH_ROWS_MAX || batch.bytes >= BATCH_BYTES_MAX) {
      const deadline = performance.now() + this.#options.retryMs
      batch = { rows: [], bytes: 0, deadline, stored: Promise.withResolvers() }
      batch.stored.promise.catch(() => undefined)
      this.#waiting.push(batch)
    }
    batch.rows.push(row)
    batch.bytes += row.blob.length
    this.#bytes += row.blob.length
    this.#pending.set(row.id, row)
    this.#timer ??= setTimeout(() => this.#pump(), WINDOW_MS)
    return batch.stored.promise
  }

  /** The blob of a row that may not be in the database yet. */
  pendingBlob(id: string): Buffer | undefined {
    return this.#pending.get(id)?.blob
  }

  /** Resolves when every insert that is under way now has ended. */
  async insertsEnded(): Promise<void> {
    await Promise.allSettled(this.#inserting)
  }

  /** Resolves when everything added has been stored or given up. */
  async flushed(): Promise<void> {
    while (this.#waiting.length > 0 || this.#flushing.size > 0) {
      this.#pump()
      await Promise.race(this.#flushing)
    }
  }

  /** As `flushed`, but waits and tries for `ms` at most. */
  async close(ms: number): Promise<void> {
    this.#deadline = performance.now() + ms
    const patience = new AbortController()
    const end = pause(ms, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([this.flushed(), end])
    patience.abort()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#flushing.size < FLUSHES_AT_ONCE) {
      const batch = this.#waiting.shift()
      if (batch === undefined) return
      const flush = this.#flush(batch).finally(() => {
        this.#flushing.delete(flush)
        this.#pump()
      })
      this.#flushing.add(flush)
    }
  }

  async #flush(batch: Batch): Promise<void> {
    const insert = this.#insert(batch)
    this.#inserting.add(insert)
    const sync = this.#retry(batch.deadline, () => this.#options.synced())
    const [inserted, synced] = await Promise.allSettled([insert, sync])
    this.#inserting.delete(insert)
    this.#bytes -= batch.bytes
    for (const { id } of batch.rows) this.#pending.delete(id)
    if (inserted.status === 'fulfilled' && synced.status === 'fulfilled') return batch.stored.resolve()
    this.#options.onRejected(batch.rows.map(({ id }) => id))
    const reason: unknown = inserted.status === 'rejected' ? inserted.reason : undefined
    batch.stored.reject(coded(reason ?? (synced as PromiseRejectedResult).reason))
  }

  async #insert(batch: Batch): Promise<void> {
    await this.#retry(batch.deadline, async () => {
      const rows = batch.rows.filter(({ id }) => this.#options.isWanted(id))
      if (rows.length === 0 || (await this.#options.insert(rows))) return
      this.#options.onFenced()
      throw new StoreError('STORE_FENCED')
    })
  }

  async #retry(deadline: number, attempt: () => Promise<unknown>): Promise<void> {
    for (let wait = RETRY_MS; ; wait = Math.min(wait * 2, RETRY_MS_MAX)) {
      try {
        await attempt()
        return
      } catch (error) {
        if (isFinal(error) || performance.now() + wait > Math.min(deadline, this.#deadline)) throw error
      }
      await pause(wait)
    }
  }
}

/** Trying again cannot help, or not soon: lost for good, no space (SQLSTATE 53100), or a bug (classes 22, 23 and 42). */
function isFinal(error: unknown): boolean {
  if (!(error instanceof OperationalError)) return true
  return FINAL_CODES.has(error.code) || (error instanceof DbError && /^(22|23|42|53100)/.test(error.code))
}

const FINAL_CODES = new Set(['STORE_FENCED', 'KEYRING_FENCED', 'KEYRING_CLOSED', 'DB_CLOSED'])

/** A failure in the words of the store; a bug stays what it is. */
function coded(error: unknown): unknown {
  return error instanceof DbError ? new StoreError('STORE_UNAVAILABLE', { cause: error }) : error
}
