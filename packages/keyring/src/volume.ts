/** Where a keyring lives: the operations that it needs of a disk, so that tests can take one that fails and crashes at will. */

/**
 * The file, open for reading and writing. Every operation may throw the system's error. Reading and writing touch the kernel's cache alone, and do so at
 * once: microseconds, unless the file system itself holds writers up (docs/decisions/0055); syncing waits for the disk.
 */
export interface KeyFile {
  /** Its length in bytes when it was opened. */
  readonly length: number
  /** Up to `length` bytes from `position`; fewer at the end of the file. */
  read(position: number, length: number): Buffer
  write(position: number, bytes: Uint8Array): void
  /** Resolves when all writes so far are on stable storage, with when that was, by `performance.now()`. */
  sync(): Promise<number>
  /** May be called again. */
  close(): Promise<void>
}

/** What an operator has asked of a keyring that refused to open. */
export type KeyringRequest = 'adopt' | 'reset'

export interface Volume {
  /** Keeps other processes out until disposed or until this process ends; KEYRING_HELD when another is in. */
  lock(): Promise<AsyncDisposable>
  /** Undefined when there is no file. */
  open(): Promise<KeyFile | undefined>
  /** A new file with this content, which exists whole or not at all. */
  create(content: Buffer): Promise<KeyFile>
  /** Overwrites the file with zeros and removes it. */
  destroy(): Promise<void>
  request(): Promise<KeyringRequest | undefined>
  clearRequest(): Promise<void>
}
