import { HEADER_BYTES, decodeHeader } from './header.ts'
import { KeyringError } from './keyring-error.ts'
import { SLOT_BYTES } from './slot.ts'
import type { SlotWriter } from './slot-keyring.ts'
import { SLAB_BYTES, SLAB_SLOTS } from './slot-table.ts'
import type { SlotTable } from './slot-table.ts'
import type { KeyFile } from './volume.ts'
import { WriteBack } from './write-back.ts'

/** Unchanged slots between two changed ones that are written along rather than split the write: a page of 4 KiB. */
const GAP_SLOTS = 64

export interface FileWriterOptions {
  readonly file: KeyFile
  readonly table: SlotTable
  readonly epoch: number
  readonly windowMs: number
  /** Held until the file is closed. */
  readonly lock: AsyncDisposable
  readonly onAvailable: (available: boolean, error?: unknown) => void
  readonly onFenced: () => void
}

/** Brings changed slots from the table to the file. */
export class FileWriter implements SlotWriter {
  readonly #options: FileWriterOptions
  readonly #writeBack: WriteBack
  /** Slabs that the file has in full. */
  #slabsWritten: number
  #fenced: KeyringError | undefined
  /** The header, when it was last looked at. */
  #seen: Buffer = Buffer.alloc(0)

  constructor(options: FileWriterOptions) {
    this.#options = options
    this.#slabsWritten = Math.floor(Math.max(0, options.file.length - HEADER_BYTES) / SLAB_BYTES)
    this.#writeBack = new WriteBack({
      write: (slots) => this.#write(slots),
      windowMs: options.windowMs,
      onAvailable: options.onAvailable,
    })
  }

  get failure(): KeyringError | undefined {
    if (this.#fenced !== undefined) return this.#fenced
    return this.#writeBack.failing ? new KeyringError('KEYRING_UNAVAILABLE') : undefined
  }

  mark(slot: number, isUrgent?: boolean): void {
    this.#writeBack.mark(slot, isUrgent)
  }

  synced(): Promise<number> {
    return this.#writeBack.synced()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using stack = new AsyncDisposableStack()
    stack.use(this.#options.lock)
    stack.defer(() => this.#options.file.close())
    await this.#writeBack.close()
  }

  async #write(slots: Uint32Array): Promise<number> {
    this.#checkEpoch()
    const full = this.#growFile()
    // A volume without space still lets keys be overwritten where they are: what was acknowledged must not wait.
    const there = this.#slabsWritten * SLAB_SLOTS
    for (const run of coalesce(slots.filter((slot) => slot < there))) this.#writeRun(run)
    const at = await this.#options.file.sync()
    if (full !== undefined) throw full.error
    return at
  }

  /** A higher epoch in the file: another process owns it now, and its slots are not those of our memory. */
  #checkEpoch(): void {
    const page = this.#options.file.read(0, HEADER_BYTES)
    if (page.equals(this.#seen)) return
    const header = decodeHeader(page)
    if (header === undefined || header.epoch <= this.#options.epoch) {
      this.#seen = page
      return
    }
    this.#fenced = new KeyringError('KEYRING_FENCED')
    this.#writeBack.stop(this.#fenced)
    this.#options.onFenced()
    throw this.#fenced
  }

  /** By whole slabs, so that the space is allotted before anything relies on it. Answers with why it could not. */
  #growFile(): { readonly error: unknown } | undefined {
    const { file, table } = this.#options
    try {
      while (this.#slabsWritten < table.slabCount) {
        file.write(HEADER_BYTES + this.#slabsWritten * SLAB_BYTES, table.slab(this.#slabsWritten))
        this.#slabsWritten += 1
      }
      return undefined
    } catch (error) {
      return { error }
    }
  }

  #writeRun([first, last]: readonly [number, number]): void {
    const { file, table } = this.#options
    const offset = table.offsetOf(first)
    const bytes = table.slabOf(first).subarray(offset, offset + (last - first + 1) * SLOT_BYTES)
    file.write(HEADER_BYTES + first * SLOT_BYTES, bytes)
  }
}

/** Runs of slots (first, last) of one slab each, from rising slot numbers. */
export function coalesce(slots: Uint32Array): (readonly [first: number, last: number])[] {
  const runs: (readonly [number, number])[] = []
  let first = slots[0]
  let last = first
  for (const slot of slots) {
    if (first === undefined || last === undefined) break
    const sameSlab = Math.floor(slot / SLAB_SLOTS) === Math.floor(first / SLAB_SLOTS)
    if (!sameSlab || slot - last > GAP_SLOTS) {
      runs.push([first, last])
      first = slot
    }
    last = slot
  }
  if (first !== undefined && last !== undefined) runs.push([first, last])
  return runs
}
