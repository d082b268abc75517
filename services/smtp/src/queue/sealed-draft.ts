/** A body while it comes in: sealed in memory as long as it is small, then chunk by chunk into a file of the spool. */
import type { Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import { ContentKey } from './content-key.ts'
import type { Draft } from './mail-queue.ts'
import { QueueError } from './queue-error.ts'
import { type BodyPlace, CHUNK_BYTES, openBody } from './sealed-body.ts'
import type { Spool, SpoolFile } from './spool.ts'

/** A larger body is in a file. */
const INLINE_BYTES_MAX = 256 * 1024
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
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #filled = 0
  #count = 0
  /** Sealed chunks that are in memory only. */
  #inline: Buffer[] = []
  #inlineBytes = 0
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
      const copied = chunk.copy(this.#chunk, this.#filled, from)
      from += copied
      this.#filled += copied
      if (this.#filled === CHUNK_BYTES) await this.#seal()
    }
  }

  async finish(): Promise<Content['body']> {
    this.#assertOpen()
    if (!this.#whole) {
      if (this.#filled > 0) await this.#seal()
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

  async #seal(): Promise<void> {
    const sealed = this.key.seal('body', this.#chunk.subarray(0, this.#filled), this.#count)
    this.#count += 1
    this.#filled = 0
    if (this.#file === undefined && this.#staysInline(sealed.length)) {
      this.#inline.push(sealed)
      this.#inlineBytes += sealed.length
      return
    }
    this.#file ??= await this.#moveToFile()
    await this.#file.write(sealed)
  }

  #staysInline(bytes: number): boolean {
    return this.bodyBytes <= INLINE_BYTES_MAX && this.#parts.memory.take(bytes)
  }

  async #moveToFile(): Promise<SpoolFile> {
    const file = await this.#parts.spool.create()
    this.#file = file
    for (const sealed of this.#inline) await file.write(sealed)
    this.#forget()
    return file
  }

  async *#read(): AsyncGenerator<Buffer> {
    this.#assertOpen()
    yield* openBody(this.key, this.#place(), this.bodyBytes, this.#parts.spool)
  }

  #place(): BodyPlace {
    return this.#file === undefined ? { inline: Buffer.concat(this.#inline) } : { spool: this.#file.name }
  }

  #forget(): void {
    this.#inline = []
    this.#parts.memory.giveBack(this.#inlineBytes)
    this.#inlineBytes = 0
  }

  async #free(): Promise<void> {
    this.#chunk.fill(0)
    this.#forget()
    await this.#file?.close().catch(() => undefined)
    this.#file = undefined
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new QueueError('QUEUE_CLOSED')
  }
}
