/** The data directory (CONTRACT): made if missing, closed to other users, held by one process. */
import { chmod, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
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

/** Throws `DATA_DIR_HELD` if another process has it. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  await mkdir(path, { recursive: true })
  const real = await realpath(path)
  // As root we run Postgres as another user, who has to pass through.
  await chmod(real, process.getuid?.() === 0 ? 0o711 : 0o700)
  await takeDirectory(real)
  return locate(real)
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
