/** A secret in a file of its own: made once by whoever comes first, the same for all who come later, readable by its owner alone. */
import { constants } from 'node:fs'
import { link, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import type { Random } from './random.ts'
import { syncDirectory } from './sync-directory.ts'

const FILE_BYTES_MAX = 4096
const DRAFT_BYTES = 6

/** Reads the file, or makes it with what `make` returns. Without the line end. Throws SECRET_FILE_OPEN when others than its owner may read it. */
export async function openSecretFile(
  path: string,
  random: Pick<Random, 'token'>,
  make: () => string | Promise<string>,
): Promise<string> {
  return (await read(path)) ?? (await create(path, `${path}.${random.token(DRAFT_BYTES)}`, await make()))
}

/** Writes another secret over the one that the file holds, in its place, so that the disk keeps nothing of it; on disk when it resolves. It must not be shorter. */
export async function overwriteSecretFile(path: string, secret: string): Promise<void> {
  await using file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  await file.write(`${secret}\n`, 0)
  await file.datasync()
}

async function read(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r')
    if (((await file.stat()).mode & 0o077) !== 0)
      throw new OperationalError(
        'SECRET_FILE_OPEN',
        'A file with a secret can be read by others than its owner',
      )
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES_MAX))
    return buffer.toString('utf8', 0, bytesRead).trimEnd()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Written whole beside its place, then linked to it: of many that come at once, one wins, and nobody reads half of it. */
async function create(path: string, draft: string, secret: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  try {
    await writeFile(draft, `${secret}\n`, { mode: 0o600, flush: true, flag: 'wx' })
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  await syncDirectory(dirname(path))
  return (await read(path)) ?? ''
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code
}
