/** A body while it comes in: sealed as it comes, in memory as long as it is small, then into a file of the spool. */
import type { Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import { ContentKey, type Sealing } from './content-key.ts'
import type { Draft } from './mail-queue.ts'
import { QueueError } from './queue-error.ts'
import { type BodyPlace, CHUNK_BYTES, SealedChunks, openBody } from './sealed-body.ts'
import type { Spool, SpoolFile } from './spool.ts'

/** A larger body is in a file. */
const INLINE_BYTES_MAX = 256 * 1024
/** One that is not larger is in memory, too, until it is delivered or others need the room. */
const COPY_BYTES_MAX = 2 * 1024 * 1024
/** Of larger ones, written to the file at once. */
const WRITE_BYTES = 256 * 1024
/** Of all drafts together in memory; beyond it, also small ones go to files. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024

/** Counts what all drafts hold in memory. */
export class DraftMemory {
  #bytes = 0

  /** False, and nothing is counted, when it is too much. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > MEMORY_BYTES_MAX) return false
    this.#bytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes
  }
}

export interface DraftParts {
  readonly spool: Spool
  readonly random: Random
  readonly memory: DraftMemory
}

export class SealedDraft implements Draft {
  readonly key: ContentKey
  readonly #parts: DraftParts
  /** The chunk that is not full yet. */
  #sealing: Sealing | undefined
  #filled = 0
  #count = 0
  /** What is sealed and not in the file yet; at last perhaps a copy of what is in it. */
  #held = new SealedChunks()
  /** Of it, what `memory` knows of. */
  #countedBytes = 0
  #file: SpoolFile | undefined
  #whole = false
  #state: 'open' | 'taken' | 'gone' = 'open'
  bodyBytes = 0

  constructor(parts: DraftParts) {
    this.#parts = parts
    this.key = ContentKey.make(parts.random)
  }

  async write(chunk: Buffer): Promise<void> {
    this.#assertOpen()
    this.bodyBytes += chunk.length
    for (let from = 0; from < chunk.length;) {
      const piece = chunk.subarray(from, from + CHUNK_BYTES - this.#filled)
      from += piece.length
      this.#seal(piece)
    }
    if (this.#overflows()) await this.#spill()
  }

  async finish(): Promise<Content['body']> {
    this.#assertOpen()
    if (!this.#whole) {
      if (this.#filled > 0) this.#endChunk()
      if (this.#file !== undefined) await this.#spill()
      else if (this.bodyBytes > INLINE_BYTES_MAX) await this.#writeHeld()
      this.#whole = true
    }
    return () => this.#read()
  }

  /** The body in its place, on disk if that is a file. From now on it is the taker's: disposal does not touch it. */
  async take(): Promise<BodyPlace> {
    if (!this.#whole) await this.finish()
    this.#assertOpen()
    await this.#file?.sync()
    this.#assertOpen()
    const place = this.#place()
    this.#state = 'taken'
    await this.#free()
    return place
  }

  /** What was not taken is unreadable at once, and its file goes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'gone'
    this.key[Symbol.dispose]()
    const file = this.#file
    await this.#free()
    if (file !== undefined) await this.#parts.spool.delete(file.name).catch(() => undefined) // The next start finds it.
  }

  #seal(piece: Buffer): void {
    this.#sealing ??= this.key.sealing('body', this.#count)
    this.#held.add(this.#sealing.update(piece))
    this.#filled += piece.length
    if (this.#filled === CHUNK_BYTES) this.#endChunk()
  }

  #endChunk(): void {
    if (this.#sealing !== undefined) this.#held.endChunk(this.#sealing.end())
    this.#sealing = undefined
    this.#filled = 0
    this.#count += 1
  }

  /** Whether what is held is too much, for this draft or for all of them together. */
  #overflows(): boolean {
    const { bytes } = this.#held
    if (!this.#parts.memory.take(bytes - this.#countedBytes)) return true
    this.#countedBytes = bytes
    return this.#file === undefined ? bytes > COPY_BYTES_MAX : bytes >= WRITE_BYTES
  }

  async #spill(): Promise<void> {
    await this.#writeHeld()
    this.#held.clear()
    this.#uncount()
  }

  async #writeHeld(): Promise<void> {
    this.#file ??= await this.#parts.spool.create()
    await this.#file.write(this.#held.pieces)
  }

  async *#read(): AsyncGenerator<Buffer> {
    this.#assertOpen()
    yield* openBody(this.key, this.#place(), this.bodyBytes, this.#parts.spool)
  }

  #place(): BodyPlace {
    if (this.#file === undefined) return { inline: Buffer.concat(this.#held.pieces) }
    return { spool: this.#file.name, copy: this.#held.bytes > 0 ? this.#held : undefined }
  }

  #uncount(): void {
    this.#parts.memory.giveBack(this.#countedBytes)
    this.#countedBytes = 0
  }

  async #free(): Promise<void> {
    this.#sealing = undefined
    this.#held = new SealedChunks()
    this.#uncount()
    await this.#file?.close().catch(() => undefined)
    this.#file = undefined
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new QueueError('QUEUE_CLOSED')
  }
}
