import { constants, readSync, writeSync } from 'node:fs'
import { chmod, lstat, mkdir, open, rename, rm, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '@sealpost/runtime'
import { holdDirectory } from './directory-lock.ts'
import { SyncThread } from './sync-thread.ts'
import type { KeyFile, KeyringRequest, Volume } from './volume.ts'

const FILE = 'keyring.slots'
const FILE_NEW = 'keyring.new'
const REQUESTS: readonly KeyringRequest[] = ['adopt', 'reset']
const WIPE_BYTES = 1 << 20

/** Owner only, never through a symbolic link. */
const MODE_DIRECTORY = 0o700
const MODE_FILE = 0o600
const READ_WRITE = constants.O_RDWR | constants.O_NOFOLLOW
const CREATE = READ_WRITE | constants.O_CREAT | constants.O_EXCL

/** A directory of its own on a disk that is never backed up and never snapshotted. */
export async function diskVolume(directory: string): Promise<Volume> {
  await mkdir(directory, { recursive: true, mode: MODE_DIRECTORY })
  await chmod(directory, MODE_DIRECTORY)
  const path = join(directory, FILE)
  return {
    lock: () => holdDirectory(directory),
    open: async () => {
      const handle = await openExisting(path)
      return handle === undefined ? undefined : keyFile(handle)
    },
    create: async (content) => {
      const fresh = join(directory, FILE_NEW)
      await rm(fresh, { force: true })
      const handle = await open(fresh, CREATE, MODE_FILE)
      writeAll(handle, 0, content)
      await handle.sync()
      await rename(fresh, path)
      await syncDirectory(directory)
      return keyFile(handle)
    },
    destroy: async () => {
      const handle = await openExisting(path)
      if (handle === undefined) return
      await overwrite(handle)
      await unlink(path)
      await syncDirectory(directory)
    },
    request: async () => {
      for (const request of REQUESTS) if (await exists(requestPath(directory, request))) return request
      return undefined
    },
    clearRequest: async () => {
      for (const request of REQUESTS) await rm(requestPath(directory, request), { force: true })
      await syncDirectory(directory)
    },
  }
}

/** Lets the next opening take over a keyring that belongs to another database or was copied back: rows without a key and keys without a row go. */
export function requestAdopt(directory: string): Promise<void> {
  return leaveRequest(directory, 'adopt')
}

/** Lets the next opening that would refuse begin with an empty keyring instead: all undelivered messages are lost. */
export function requestReset(directory: string): Promise<void> {
  return leaveRequest(directory, 'reset')
}

async function leaveRequest(directory: string, request: KeyringRequest): Promise<void> {
  await mkdir(directory, { recursive: true, mode: MODE_DIRECTORY })
  await using handle = await open(
    requestPath(directory, request),
    constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW,
    MODE_FILE,
  )
  await handle.sync()
  for (const other of REQUESTS)
    if (other !== request) await rm(requestPath(directory, other), { force: true })
  await syncDirectory(directory)
}

function requestPath(directory: string, request: KeyringRequest): string {
  return join(directory, `${request}.request`)
}

async function keyFile(handle: FileHandle): Promise<KeyFile> {
  await handle.chmod(MODE_FILE)
  const { size } = await handle.stat()
  const thread = new SyncThread(handle.fd)
  return {
    length: size,
    read: (position, length) => readAll(handle, position, length),
    write: (position, bytes) => writeAll(handle, position, bytes),
    sync: () => thread.sync(),
    close: async () => {
      await thread[Symbol.asyncDispose]()
      await handle.close()
    },
  }
}

function readAll({ fd }: FileHandle, position: number, length: number): Buffer {
  const target = Buffer.allocUnsafe(length)
  for (let filled = 0; filled < length;) {
    const bytesRead = readSync(fd, target, filled, length - filled, position + filled)
    if (bytesRead === 0) return target.subarray(0, filled)
    filled += bytesRead
  }
  return target
}

function writeAll({ fd }: FileHandle, position: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(fd, bytes, written, bytes.length - written, position + written)
}

async function overwrite(handle: FileHandle): Promise<void> {
  await using owned = handle
  const { size } = await owned.stat()
  const zeros = Buffer.alloc(WIPE_BYTES)
  for (let position = 0; position < size; position += WIPE_BYTES)
    writeAll(owned, position, zeros.subarray(0, Math.min(WIPE_BYTES, size - position)))
  await owned.sync()
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, READ_WRITE)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT'
}
