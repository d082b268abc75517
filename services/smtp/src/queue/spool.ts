/**
 * Bodies that are too large for a row: one file each, ciphertext only. A file means nothing before a row names it; what no row names is deleted at the
 * start. A name is random and used once, so that a file is written in its place.
 */
import { constants } from 'node:fs'
import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { gather } from '@sealpost/db'
import type { Random } from '@sealpost/runtime'
import { errorCode } from '@sealpost/errors'
import { QueueError } from './queue-error.ts'

const MODE_DIRECTORY = 0o700
const MODE_FILE = 0o600
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW
/** Less free space than this is left to others. */
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** After so much was written the free space is looked at again. */
const LOOK_BYTES = 16 * 1024 * 1024
/** Pieces that are read at once. */
const READ_PIECES = 4
const NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export class Spool {
  readonly #directory: string
  readonly #random: Random
  readonly #freeBytesMin: number
  /** Names are safe when the directory is; files that end together share that. */
  readonly #syncNames: (name: string) => Promise<unknown>
  #unlookedBytes = LOOK_BYTES

  private constructor(directory: string, random: Random, freeBytesMin: number) {
    this.#directory = directory
    this.#random = random
    this.#freeBytesMin = freeBytesMin
    this.#syncNames = gather(
      async (names: readonly string[]) => {
        await using handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
        await handle.sync()
        return names
      },
      { pauseMs: 0 },
    )
  }

  static async open(directory: string, random: Random, freeBytesMin = FREE_BYTES_MIN): Promise<Spool> {
    await mkdir(directory, { recursive: true, mode: MODE_DIRECTORY })
    return new Spool(directory, random, freeBytesMin)
  }

  /** QUEUE_FULL when the volume has little space left, QUEUE_UNAVAILABLE when it cannot be written. */
  async create(): Promise<SpoolFile> {
    const name = this.#random.uuid()
    return await kept(async () => {
      if (this.#unlookedBytes >= LOOK_BYTES) await this.#lookForSpace()
      const handle = await open(join(this.#directory, name), CREATE, MODE_FILE)
      return new SpoolFile(name, handle, {
        written: (bytes) => (this.#unlookedBytes += bytes),
        syncName: () => this.#syncNames(name),
      })
    })
  }

  /** Pieces of a file from its beginning, each `pieceBytes` long but the last, and good until the next is asked for. */
  async *read(name: string, pieceBytes: number): AsyncGenerator<Buffer> {
    await using handle = await open(join(this.#directory, name), READ)
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
  async delete(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true })
  }

  /** Deletes the files that are not `wanted`; returns how many. */
  async sweep(wanted: ReadonlySet<string>): Promise<number> {
    const orphans = (await readdir(this.#directory)).filter((name) => NAME.test(name) && !wanted.has(name))
    for (const name of orphans) await this.delete(name)
    return orphans.length
  }

  async #lookForSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory)
    if (bavail * bsize < this.#freeBytesMin) throw new QueueError('QUEUE_FULL')
    this.#unlookedBytes = 0
  }
}

/** What a file asks of its spool. */
interface SpoolFileParts {
  readonly written: (bytes: number) => void
  readonly syncName: () => Promise<unknown>
}

export class SpoolFile {
  readonly name: string
  readonly #handle: FileHandle
  readonly #parts: SpoolFileParts
  #length = 0

  constructor(name: string, handle: FileHandle, parts: SpoolFileParts) {
    this.name = name
    this.#handle = handle
    this.#parts = parts
  }

  async write(pieces: readonly Buffer[]): Promise<void> {
    await kept(async () => {
      let rest = pieces
      while (rest.length > 0) {
        const { bytesWritten } = await this.#handle.writev(rest, this.#length)
        this.#length += bytesWritten
        this.#parts.written(bytesWritten)
        rest = behind(rest, bytesWritten)
      }
    })
  }

  /** On disk, name and all, when it resolves. Nothing is written after it. */
  async sync(): Promise<void> {
    await kept(async () => {
      await this.#handle.datasync()
      await this.#parts.syncName()
    })
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** What the disk refuses, in the words of the queue. */
async function kept<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof QueueError) throw cause
    const full = errorCode(cause) === 'ENOSPC' || errorCode(cause) === 'EDQUOT'
    throw new QueueError(full ? 'QUEUE_FULL' : 'QUEUE_UNAVAILABLE', { cause })
  }
}

/** What is left of the pieces behind their first bytes. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let skipped = bytes
  return pieces.flatMap((piece) => {
    const left = piece.subarray(Math.min(skipped, piece.length))
    skipped -= piece.length - left.length
    return left.length > 0 ? [left] : []
  })
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
