import type { KeyFile, KeyringRequest, Volume } from './volume.ts'

/**
 * A disk in memory that loses power on demand. What was written since the last sync is kept as a list of writes; a crash keeps any
 * part of them: whole writes, none, or a write cut at any byte.
 */
export class MemoryVolume implements Volume {
  /** What survives every crash. */
  #durable: Buffer | undefined
  /** What a reader sees. */
  #visible: Buffer | undefined
  #unsynced: { position: number; bytes: Buffer }[] = []
  /** Set to make operations fail, as a full or broken disk does. */
  failWrite: Error | undefined
  failSync: Error | undefined
  /** A disk that stands still: syncs wait for it. */
  stands: Promise<void> | undefined
  /** What fits on it. */
  bytesMax = Infinity
  pendingRequest: KeyringRequest | undefined
  syncs = 0
  writes = 0

  lock(): Promise<AsyncDisposable> {
    return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() })
  }

  open(): Promise<KeyFile | undefined> {
    return Promise.resolve(this.#visible === undefined ? undefined : this.#file(this.#visible.length))
  }

  create(content: Buffer): Promise<KeyFile> {
    this.#durable = Buffer.from(content)
    this.#visible = Buffer.from(content)
    this.#unsynced = []
    return Promise.resolve(this.#file(content.length))
  }

  destroy(): Promise<void> {
    this.#durable = this.#visible = undefined
    return Promise.resolve()
  }

  request(): Promise<KeyringRequest | undefined> {
    return Promise.resolve(this.pendingRequest)
  }

  clearRequest(): Promise<void> {
    this.pendingRequest = undefined
    return Promise.resolve()
  }

  /** What an attacker finds on the disk now. */
  get content(): Buffer {
    return this.#visible ?? Buffer.alloc(0)
  }

  /**
   * Power is lost: `keep(writeBytes)` says how many bytes of each unsynced write reached the disk, in any order of its own.
   * Old file objects go on working on a disk that is gone.
   */
  crash(keep: (writeBytes: number) => number): MemoryVolume {
    const after = new MemoryVolume()
    let disk: Buffer = Buffer.from(this.#durable ?? Buffer.alloc(0))
    for (const { position, bytes } of this.#unsynced)
      disk = overwrite(disk, position, bytes.subarray(0, keep(bytes.length)))
    after.#durable = disk
    after.#visible = Buffer.from(disk)
    return after
  }

  /** The process is killed; the system goes on and loses nothing that was written. */
  kill(): MemoryVolume {
    return this.crash((writeBytes) => writeBytes)
  }

  #file(length: number): KeyFile {
    return {
      length,
      read: (position, bytes) => Buffer.from(this.content.subarray(position, position + bytes)),
      write: (position, bytes) => {
        this.writes += 1
        const kept = this.failWrite === undefined ? bytes.length : Math.floor(bytes.length / 2)
        const copy = Buffer.from(bytes.subarray(0, kept))
        if (position + bytes.length > this.bytesMax)
          throw Object.assign(new Error('full'), { code: 'ENOSPC' })
        this.#unsynced.push({ position, bytes: copy })
        this.#visible = overwrite(this.content, position, copy)
        if (this.failWrite !== undefined) throw this.failWrite
      },
      sync: async () => {
        const covered = new Set(this.#unsynced)
        await new Promise((resolve) => void setImmediate(resolve))
        await this.stands
        if (this.failSync !== undefined) {
          // As Linux may: what could not be written is marked clean, with what came to the same page meanwhile, and a second sync would not write it.
          this.#unsynced = []
          throw this.failSync
        }
        for (const { position, bytes } of this.#unsynced.filter((write) => covered.has(write)))
          this.#durable = overwrite(this.#durable ?? Buffer.alloc(0), position, bytes)
        this.#unsynced = this.#unsynced.filter((write) => !covered.has(write))
        this.syncs += 1
        return performance.now()
      },
      close: () => Promise.resolve(),
    }
  }
}

/** In place where it fits. */
function overwrite(disk: Buffer, position: number, bytes: Buffer): Buffer {
  const end = position + bytes.length
  const result = disk.length >= end ? disk : Buffer.concat([disk, Buffer.alloc(end - disk.length)])
  bytes.copy(result, position)
  return result
}
