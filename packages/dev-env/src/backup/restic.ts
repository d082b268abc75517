/**
 * A copy of all backups elsewhere, once a week, by the program restic: S3, SFTP, another disk. What is copied is encrypted already; restic encrypts it once more. It gets its
 * secrets as files that only this user reads and that are gone when it ends: the variables of a process are for others to see.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Archive, BackupError } from '@sealpost/backup'
import { errorCode } from '@sealpost/errors'
import { inheritedEnvironment } from '../postgres/config.ts'
import type { OffSite } from './config.ts'

const run = promisify(execFile)
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024
/** Ten hours: a week's backups over a slow line. */
const COPY_MS_MAX = 36_000_000
const TAG = 'sealpost'
const DAY_MS = 86_400_000
/** And the process that made it. */
const SECRETS = /^sealpost-restic-(\d+)-/

/** Makes the repository the first time; snapshots older than `retentionMs` go. Throws BACKUP_OFF_SITE. */
export async function copyOffSite(archive: Archive, offSite: OffSite, retentionMs: number): Promise<void> {
  await removeLeftovers()
  await using secrets = await writeSecrets(offSite)
  const restic = (...args: readonly string[]): Promise<unknown> =>
    run('restic', args, {
      cwd: archive.directory,
      env: { ...inheritedEnvironment(), ...secrets.environment, RESTIC_REPOSITORY: offSite.repository },
      timeout: COPY_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
    })
  try {
    await restic('cat', 'config').catch(() => restic('init'))
    await restic('backup', '--quiet', '--no-cache', '--host', TAG, '--tag', TAG, '--exclude', '.draft-*', '.')
    const days = `${String(Math.ceil(retentionMs / DAY_MS))}d`
    await restic('forget', '--quiet', '--no-cache', '--tag', TAG, '--keep-within', days, '--prune')
  } catch (cause) {
    throw new BackupError('BACKUP_OFF_SITE', 'restic could not copy the backups: try it by hand', { cause })
  }
}

interface SecretFiles extends AsyncDisposable {
  /** Says where they are. */
  readonly environment: Readonly<Record<string, string>>
}

async function writeSecrets({ password, s3 }: OffSite): Promise<SecretFiles> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), `sealpost-restic-${String(process.pid)}-`))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const write = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, content, { mode: 0o600 })
    return path
  }
  const key = s3 && `[default]\naws_access_key_id = ${s3.id}\naws_secret_access_key = ${s3.key.reveal()}\n`
  const environment = {
    RESTIC_PASSWORD_FILE: await write('password', password.reveal()),
    ...(key === undefined ? {} : { AWS_SHARED_CREDENTIALS_FILE: await write('s3', key) }),
  }
  const held = stack.move()
  return { environment, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** Secrets of processes that were killed. One process makes one copy at a time, so that its own are left over, too; those of other users are theirs. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(SECRETS.exec(name)?.[1])
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errorCode(error) !== 'ESRCH'
  }
}
