/** A key of 32 bytes in a file beside the keyring, as little backed up as that: what is derived from it or sealed under it is worthless without it. */
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Random, syncDirectory } from '@sealpost/runtime'

const KEY_BYTES = 32
const MODE_FILE = 0o600
const MODE_DIRECTORY = 0o700

/** Reads the key, or makes one when there is none of the right size. Only one process may hold the directory. */
export async function openKeyFile(path: string, random: Pick<Random, 'bytes'>): Promise<Buffer> {
  return (await read(path)) ?? (await make(path, random.bytes(KEY_BYTES)))
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(KEY_BYTES + 1))
    return bytesRead === KEY_BYTES ? buffer.subarray(0, KEY_BYTES) : undefined
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written whole beside its place: a crash leaves the old state or the new one. */
async function make(path: string, key: Buffer): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: MODE_DIRECTORY })
  const draft = `${path}.new`
  await rm(draft, { force: true })
  {
    await using file = await open(draft, 'wx', MODE_FILE)
    await file.writeFile(key)
    await file.sync()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
  return key
}
