/** The data directory (CONTRACT): made if missing, closed to other users, held by one process. */
import { chmod, mkdir, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { OperationalError, errorCode } from '@sealpost/errors'
import { takeDirectory } from './lock.ts'

export interface DataDirectory {
  /** Absolute, without symbolic links. */
  readonly path: string
  /** The embedded cluster. */
  readonly postgres: string
  /** Where the embedded Postgres listens. */
  readonly run: string
  readonly tls: string
  readonly controlSocket: string
}

/** Of directories that all users share, such as /tmp. */
const STICKY = 0o1000

/** Throws `DATA_DIR_HELD` if another process has it, `DATA_DIR_UNUSABLE` if it cannot be made or is not ours to close to other users. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const real = await prepare(path)
  await takeDirectory(real)
  return locate(real)
}

async function prepare(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true })
    const real = await realpath(path)
    if (((await stat(real)).mode & STICKY) !== 0) throw unusable(path, 'is shared by all users')
    // As root we run Postgres as another user, who has to pass through.
    await chmod(real, process.getuid?.() === 0 ? 0o711 : 0o700)
    return real
  } catch (error) {
    if (error instanceof OperationalError) throw error
    throw unusable(path, `cannot be made or belongs to another user (${errorCode(error)})`)
  }
}

function unusable(path: string, why: string): OperationalError {
  return new OperationalError(
    'DATA_DIR_UNUSABLE',
    `The data directory ${resolve(path)} ${why}: choose another SEALPOST_DATA_DIR`,
  )
}

/** The same without making or holding it. `path` must be absolute. */
export function locate(path: string): DataDirectory {
  return {
    path,
    postgres: join(path, 'postgres'),
    run: join(path, 'run'),
    tls: join(path, 'tls'),
    controlSocket: join(path, 'ctl.sock'),
  }
}
