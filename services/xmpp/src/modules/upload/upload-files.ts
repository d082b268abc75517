/** The directory of uploaded files, each named by its sealed record. */
import type { FileHandle } from 'node:fs/promises'
import { BlobDirectory, type BlobFile } from '@sealpost/blobs'
import type { Random } from '@sealpost/runtime'
import { UploadError } from './upload-error.ts'

/** After so much was written the free space is looked at again. */
const LOOK_BYTES = 16 * 1024 * 1024

export interface UploadFilesOptions {
  readonly directory: string
  readonly random: Random
  /** Less free space than this is left to others. */
  readonly freeBytesMin: number
}

export type UploadFile = BlobFile

export class UploadFiles {
  readonly #files: BlobDirectory
  readonly #freeBytesMin: number
  #unlookedBytes = 0

  private constructor(files: BlobDirectory, freeBytesMin: number) {
    this.#files = files
    this.#freeBytesMin = freeBytesMin
  }

  static async open({ directory, random, freeBytesMin }: UploadFilesOptions): Promise<UploadFiles> {
    const files = await BlobDirectory.open({
      directory,
      random,
      refused: (refusal, cause) =>
        new UploadError(refusal === 'full' ? 'UPLOAD_FULL' : 'UPLOAD_UNAVAILABLE', { cause }),
    })
    return new UploadFiles(files, freeBytesMin)
  }

  /** Whether `bytes` more would leave enough to others. */
  async hasRoom(bytes: number): Promise<boolean> {
    return (await this.#files.freeBytes()) - bytes >= this.#freeBytesMin
  }

  /** Throws UPLOAD_FULL or UPLOAD_UNAVAILABLE, as its file does. */
  async create(): Promise<UploadFile> {
    await this.#look()
    return await this.#files.create((bytes) => this.#written(bytes))
  }

  /** The caller's to close. */
  open(name: string): Promise<FileHandle> {
    return this.#files.open(name)
  }

  /** A file that is gone already is no error. */
  delete(name: string): Promise<void> {
    return this.#files.delete(name)
  }

  /** Deletes the files that are not `wanted`; returns how many. */
  sweep(wanted: ReadonlySet<string>): Promise<number> {
    return this.#files.sweep(wanted)
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
