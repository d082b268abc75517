/** Bodies that are too large for a row: one file each, named by its row. */
import type { FileHandle } from 'node:fs/promises'
import { BlobDirectory, type BlobFile } from '@sealpost/blobs'
import type { Random } from '@sealpost/runtime'
import { QueueError } from './queue-error.ts'

/** Less free space than this is left to others. */
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** After so much was written the free space is looked at again. */
const LOOK_BYTES = 16 * 1024 * 1024
/** Pieces that are read at once. */
const READ_PIECES = 4

export type SpoolFile = BlobFile

export class Spool {
  readonly #files: BlobDirectory
  readonly #freeBytesMin: number
  #unlookedBytes = LOOK_BYTES

  private constructor(files: BlobDirectory, freeBytesMin: number) {
    this.#files = files
    this.#freeBytesMin = freeBytesMin
  }

  static async open(directory: string, random: Random, freeBytesMin = FREE_BYTES_MIN): Promise<Spool> {
    const files = await BlobDirectory.open({
      directory,
      random,
      refused: (refusal, cause) =>
        new QueueError(refusal === 'full' ? 'QUEUE_FULL' : 'QUEUE_UNAVAILABLE', { cause }),
    })
    return new Spool(files, freeBytesMin)
  }

  /** QUEUE_FULL when the volume has little space left, QUEUE_UNAVAILABLE when it cannot be written. */
  async create(): Promise<SpoolFile> {
    if (this.#unlookedBytes >= LOOK_BYTES) await this.#lookForSpace()
    return await this.#files.create((bytes) => void (this.#unlookedBytes += bytes))
  }

  /** Pieces of a file from its beginning, each `pieceBytes` long but the last, and good until the next is asked for. */
  async *read(name: string, pieceBytes: number): AsyncGenerator<Buffer> {
    await using handle = await this.#files.open(name)
    const pieces = Buffer.allocUnsafeSlow(pieceBytes * READ_PIECES)
    for (let position = 0; ;) {
      const filled = await fill(handle, pieces, position)
      for (let start = 0; start < filled; start += pieceBytes)
        yield pieces.subarray(start, Math.min(start + pieceBytes, filled))
      if (filled < pieces.length) return
      position += filled
    }
  }

  /** A file that is gone already is no error. */
  delete(name: string): Promise<void> {
    return this.#files.delete(name)
  }

  /** Deletes the files that are not `wanted`; returns how many. */
  sweep(wanted: ReadonlySet<string>): Promise<number> {
    return this.#files.sweep(wanted)
  }

  async #lookForSpace(): Promise<void> {
    if ((await this.#files.freeBytes()) < this.#freeBytesMin) throw new QueueError('QUEUE_FULL')
    this.#unlookedBytes = 0
  }
}

async function fill(handle: FileHandle, target: Buffer, position: number): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
