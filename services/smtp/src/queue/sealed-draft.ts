/** A body while it comes in: in memory as long as it is small, then sealed into a file of the spool. */
import type { Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import { ContentKey } from './content-key.ts'
import type { Draft } from './mail-queue.ts'
import { QueueError } from './queue-error.ts'
import { type BodyPlace, BodySealer, CHUNK_BYTES, PlainPieces, openBody, readPlain } from './sealed-body.ts'
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

export interface TakenBody {
  readonly place: BodyPlace
  /** A copy as it came, of one that is not large. */
  readonly plain: readonly Buffer[] | undefined
}

export class SealedDraft implements Draft {
  readonly key: ContentKey
  readonly #parts: DraftParts
  readonly #sealer: BodySealer
  /** What is not in the file yet; at last perhaps a copy of what is in it. */
  #held = new PlainPieces()
  /** Of it, what `memory` knows of. */
  #countedBytes = 0
  #file: SpoolFile | undefined
  #whole = false
  #state: 'open' | 'taken' | 'gone' = 'open'
  bodyBytes = 0

  constructor(parts: DraftParts) {
    this.#parts = parts
    this.key = ContentKey.make(parts.random)
    this.#sealer = new BodySealer(this.key)
  }

  async write(chunk: Buffer): Promise<void> {
    this.#assertOpen()
    this.bodyBytes += chunk.length
    for (let from = 0; from < chunk.length; from += CHUNK_BYTES)
      this.#held.add(chunk.subarray(from, from + CHUNK_BYTES))
    if (this.#overflows()) await this.#spill(false)
  }

  async finish(): Promise<Content['body']> {
    this.#assertOpen()
    if (!this.#whole) {
      if (this.#file !== undefined) await this.#spill(true)
      else if (this.bodyBytes > INLINE_BYTES_MAX) await this.#writeHeld(true)
      this.#whole = true
    }
    return () => this.#read()
  }

  /** The body in its place, on disk if that is a file. From now on it is the taker's: disposal does not touch it. */
  async take(): Promise<TakenBody> {
    if (!this.#whole) await this.finish()
    this.#assertOpen()
    await this.#file?.sync()
    this.#assertOpen()
    const plain = this.#isInMemory ? this.#held.all : undefined
    const place = this.#place()
    this.#state = 'taken'
    await this.#free()
    return { place, plain }
  }

  /** What was not taken is unreadable at once, and its file goes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'gone'
    this.key[Symbol.dispose]()
    this.#sealer.end() // the cipher has the key as well
    const file = this.#file
    await this.#free()
    if (file !== undefined) await this.#parts.spool.delete(file.name).catch(() => undefined) // The next start finds it.
  }

  get #isInMemory(): boolean {
    return this.#held.bytes === this.bodyBytes
  }

  /** Whether what is held is too much, for this draft or for all of them together. */
  #overflows(): boolean {
    const { bytes } = this.#held
    if (!this.#parts.memory.take(bytes - this.#countedBytes)) return true
    this.#countedBytes = bytes
    return this.#file === undefined ? bytes > COPY_BYTES_MAX : bytes >= WRITE_BYTES
  }

  async #spill(isLast: boolean): Promise<void> {
    await this.#writeHeld(isLast)
    this.#held = new PlainPieces()
    this.#uncount()
  }

  async #writeHeld(isLast: boolean): Promise<void> {
    this.#file ??= await this.#parts.spool.create()
    const sealed = this.#sealer.seal(this.#held.all)
    await this.#file.write(isLast ? [...sealed, ...this.#sealer.end()] : sealed)
  }

  async *#read(): AsyncGenerator<Buffer> {
    this.#assertOpen()
    if (this.#file === undefined || this.#isInMemory) yield* readPlain(this.key, this.#held.all)
    else yield* openBody(this.key, { spool: this.#file.name }, this.bodyBytes, this.#parts.spool)
  }

  #place(): BodyPlace {
    if (this.#file !== undefined) return { spool: this.#file.name }
    return { inline: Buffer.concat([...this.#sealer.seal(this.#held.all), ...this.#sealer.end()]) }
  }

  #uncount(): void {
    this.#parts.memory.giveBack(this.#countedBytes)
    this.#countedBytes = 0
  }

  async #free(): Promise<void> {
    this.#held = new PlainPieces()
    this.#uncount()
    await this.#file?.close().catch(() => undefined)
    this.#file = undefined
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new QueueError('QUEUE_CLOSED')
  }
}
