/** A volume of a few megabytes that a test fills: tmpfs, which needs root. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, rmdir, stat, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'

const PREFIX = 'sealpost-volume-'
const BALLAST = 'ballast'
/** Of what a file system allots at a time. */
const BLOCK_BYTES = 4096

const run = promisify(execFile)

export class SmallVolume implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async mount(bytes: number): Promise<SmallVolume> {
    await clearKilledRuns()
    const path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
    } catch (cause) {
      await rmdir(path)
      throw new Error('a tmpfs cannot be mounted here', { cause })
    }
    await chmod(path, 0o711)
    return new SmallVolume(path)
  }

  /** Not a byte is left, or as many as told. */
  async fill(leaveBytes = 0): Promise<void> {
    const { bavail, bsize } = await statfs(this.path)
    const ballast = join(this.path, BALLAST)
    for (let blocks = bavail * (bsize / BLOCK_BYTES); blocks > 0; blocks >>>= 1)
      await writeFile(ballast, Buffer.alloc(blocks * BLOCK_BYTES), { flag: 'a' }).catch(isFull)
    if (leaveBytes > 0) await truncate(ballast, (await stat(ballast)).size - leaveBytes)
  }

  async free(): Promise<void> {
    await rm(join(this.path, BALLAST), { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unmount(this.path)
  }
}

/** Why no volume can be mounted here, if none can. */
export async function whyNoVolume(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount'
  try {
    await using volume = await SmallVolume.mount(BLOCK_BYTES)
    await volume.free()
    return undefined
  } catch (error) {
    return String(error)
  }
}

async function unmount(path: string): Promise<void> {
  await run('umount', ['-l', path]) // lazily: whoever still writes there is about to end
  await rmdir(path)
}

/** A run that was killed leaves its volumes behind. */
async function clearKilledRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : 0
    if (pid > 0 && !isAlive(pid)) await unmount(join(tmpdir(), name)).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function isFull(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
}

/** Postgres with its supervisor, on a volume of its own. */
export async function postgresOn(volume: SmallVolume, socketParent: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    directory: join(volume.path, 'postgres'),
    socketDirectory: join(socketParent, 'run'),
    clock: systemClock,
    random: systemRandom,
    unsynced: true,
  })
}
