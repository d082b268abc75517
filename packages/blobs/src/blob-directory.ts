/**
 * A directory of files, ciphertext only. A file means nothing before something sealed names it; what nothing names is deleted at the start. A name is random and
 * used once, so that a file is written in its place.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { gather } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { type Random, syncDirectory } from '@sealpost/runtime'

const MODE_DIRECTORY = 0o700
const MODE_FILE = 0o600
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW
const NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** No space is left, or the disk does not take it for another reason. */
export type Refusal = 'full' | 'unavailable'

export interface BlobDirectoryOptions {
  readonly directory: string
  readonly random: Random
  /** The caller's error for what the disk refuses. */
  readonly refused: (refusal: Refusal, cause: unknown) => Error
}

export class BlobDirectory {
  readonly #options: BlobDirectoryOptions
  /** Names are safe when the directory is; files that end together share that. */
  readonly #syncNames: (name: string) => Promise<unknown>

  private constructor(options: BlobDirectoryOptions) {
    this.#options = options
    this.#syncNames = gather(
      async (names: readonly string[]) => {
        await syncDirectory(options.directory)
        return names
      },
      { pauseMs: 0 },
    )
  }

  static async open(options: BlobDirectoryOptions): Promise<BlobDirectory> {
    await mkdir(options.directory, { recursive: true, mode: MODE_DIRECTORY })
    return new BlobDirectory(options)
  }

  /** For everybody who is not root. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await this.#kept(() => statfs(this.#options.directory))
    return bavail * bsize
  }

  /** `written` hears of what each write has taken, and may end it by throwing. */
  async create(written: (bytes: number) => void | Promise<void>): Promise<BlobFile> {
    const name = this.#options.random.uuid()
    return await this.#kept(async () => {
      const handle = await open(join(this.#options.directory, name), CREATE, MODE_FILE)
      return new BlobFile(name, handle, {
        written,
        syncName: () => this.#syncNames(name),
        kept: (work) => this.#kept(work),
      })
    })
  }

  /** For reading; the caller's to close. */
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

  /** What the system refuses, in the words of the caller; what `written` throws stays as it is. */
  async #kept<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      const code = errorCode(cause)
      throw this.#options.refused(code === 'ENOSPC' || code === 'EDQUOT' ? 'full' : 'unavailable', cause)
    }
  }
}

/** What a file asks of its directory. */
interface BlobFileParts {
  readonly written: (bytes: number) => void | Promise<void>
  readonly syncName: () => Promise<unknown>
  readonly kept: <T>(work: () => Promise<T>) => Promise<T>
}

export class BlobFile {
  readonly name: string
  readonly #handle: FileHandle
  readonly #parts: BlobFileParts
  #length = 0

  constructor(name: string, handle: FileHandle, parts: BlobFileParts) {
    this.name = name
    this.#handle = handle
    this.#parts = parts
  }

  async write(pieces: readonly Buffer[]): Promise<void> {
    let rest = pieces
    while (rest.length > 0) {
      const { bytesWritten } = await this.#parts.kept(() => this.#handle.writev(rest, this.#length))
      this.#length += bytesWritten
      await this.#parts.written(bytesWritten)
      rest = behind(rest, bytesWritten)
    }
  }

  /** On disk, name and all, when it resolves. Nothing is written after it. */
  async sync(): Promise<void> {
    await this.#parts.kept(async () => {
      await this.#handle.datasync()
      await this.#parts.syncName()
    })
  }

  async close(): Promise<void> {
    await this.#handle.close()
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
