/** The secret by which the processes of one deployment know each other: a file in the data directory, made by whoever comes first. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { link, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '@sealpost/runtime'
import { PortError } from './port-error.ts'

/** Its name in the data directory. Processes on different machines need the same file each. */
export const PORT_SECRET_FILE = 'ports.key'

const SECRET_BYTES = 32
const SECRET = /^[\w-]{43,255}$/
const FILE_BYTES_MAX = 1024

export interface PortSecret {
  /** The value of an Authorization header. */
  readonly authorization: string
  /** Whether a request's Authorization header shows the secret; takes the same time whatever it is. */
  isShownBy(authorization: string | undefined): boolean
}

/** Reads the secret, or makes it. Throws PORT_SECRET_UNUSABLE when it is too short, or when its file is open to other users. */
export async function openPortSecret(dataDir: string, random: Pick<Random, 'token'>): Promise<PortSecret> {
  const path = join(dataDir, PORT_SECRET_FILE)
  const secret = (await read(path)) ?? (await make(dataDir, path, random))
  if (!SECRET.test(secret)) throw new PortError('PORT_SECRET_UNUSABLE')
  const authorization = `Bearer ${secret}`
  const expected = digest(authorization)
  return {
    authorization,
    isShownBy: (shown) => timingSafeEqual(digest(shown ?? ''), expected),
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r')
    if (((await file.stat()).mode & 0o077) !== 0) throw new PortError('PORT_SECRET_UNUSABLE')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES_MAX))
    return buffer.toString('utf8', 0, bytesRead).trimEnd()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Written whole beside its place, then linked to it: of many that come at once, one wins, and nobody reads half of it. */
async function make(dataDir: string, path: string, random: Pick<Random, 'token'>): Promise<string> {
  await mkdir(dataDir, { recursive: true })
  const draft = `${path}.${random.token(6)}`
  try {
    await writeFile(draft, `${random.token(SECRET_BYTES)}\n`, { mode: 0o600, flush: true, flag: 'wx' })
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  return (await read(path)) ?? ''
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
