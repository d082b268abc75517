/**
 * The directory of uploaded files, ciphertext only. A file means nothing before a sealed record names it; what no record names is deleted at the start. A name is
 * random and used once, so that a file is written in its place.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { gather } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Random } from '@sealpost/runtime'
import { UploadError } from './upload-error.ts'

const MODE_DIRECTORY = 0o700
const MODE_FILE = 0o600
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW
/** After so much was written the free space is looked at again. */
const LOOK_BYTES = 16 * 1024 * 1024
const NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export interface UploadFilesOptions {
  readonly directory: string
  readonly random: Random
  /** Less free space than this is left to others. */
  readonly freeBytesMin: number
}

export class UploadFiles {
  readonly #options: UploadFilesOptions
  /** Names are safe when the directory is; files that end together share that. */
  readonly #syncNames: (name: string) => Promise<unknown>
  #unlookedBytes = 0

  private constructor(options: UploadFilesOptions) {
    this.#options = options
    this.#syncNames = gather(
      async (names: readonly string[]) => {
        await using handle = await open(options.directory, constants.O_RDONLY | constants.O_DIRECTORY)
        await handle.sync()
        return names
      },
      { pauseMs: 0 },
    )
  }

  static async open(options: UploadFilesOptions): Promise<UploadFiles> {
    await mkdir(options.directory, { recursive: true, mode: MODE_DIRECTORY })
    return new UploadFiles(options)
  }

  /** Whether `bytes` more would leave enough to others. */
  async hasRoom(bytes: number): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#options.directory)
    return bavail * bsize - bytes >= this.#options.freeBytesMin
  }

  /** Throws UPLOAD_FULL or UPLOAD_UNAVAILABLE, as its file does. */
  async create(): Promise<UploadFile> {
    const name = this.#options.random.uuid()
    return await kept(async () => {
      await this.#look()
      const handle = await open(join(this.#options.directory, name), CREATE, MODE_FILE)
      return new UploadFile(name, handle, {
        written: (bytes) => this.#written(bytes),
        syncName: () => this.#syncNames(name),
      })
    })
  }

  /** The caller's to close. */
  open(name: string): Promise<FileHandle> {
    return open(join(this.#options.directory, name), READ)
  }

  /** A file that is gone already is no error. */
  async delete(name: string): Promise<void> {
    await rm(join(this.#options.directory, name), { force: true })
  }

  /** Deletes the files that are not `wanted`; returns how many. */
  async sweep(wanted: ReadonlySet<string>): Promise<number> {
    const names = await readdir(this.#options.directory)
    const orphans = names.filter((name) => NAME.test(name) && !wanted.has(name))
    for (const name of orphans) await this.delete(name)
    return orphans.length
  }

  async #written(bytes: number): Promise<void> {
    this.#unlookedBytes += bytes
    if (this.#unlookedBytes >= LOOK_BYTES) await this.#look()
  }

  async #look(): Promise<void> {
    this.#unlookedBytes = 0
    if (!(await this.hasRoom(0))) throw new UploadError('UPLOAD_FULL')
  }
}

/** What a file asks of its directory. */
interface UploadFileParts {
  readonly written: (bytes: number) => Promise<void>
  readonly syncName: () => Promise<unknown>
}

export class UploadFile {
  readonly name: string
  readonly #handle: FileHandle
  readonly #parts: UploadFileParts
  #length = 0

  constructor(name: string, handle: FileHandle, parts: UploadFileParts) {
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
        await this.#parts.written(bytesWritten)
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

/** What the disk refuses, in the words of uploads. */
async function kept<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof UploadError) throw cause
    const full = errorCode(cause) === 'ENOSPC' || errorCode(cause) === 'EDQUOT'
    throw new UploadError(full ? 'UPLOAD_FULL' : 'UPLOAD_UNAVAILABLE', { cause })
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
