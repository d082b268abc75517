/** A copy of all backups elsewhere, once a week, by the program restic: S3, SFTP, another disk. What is copied is encrypted already; restic encrypts it once more. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Archive, BackupError } from '@sealpost/backup'
import { inheritedEnvironment } from '../postgres/config.ts'
import type { OffSite } from './config.ts'

const run = promisify(execFile)
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024
/** Ten hours: a week's backups over a slow line. */
const COPY_MS_MAX = 36_000_000
const TAG = 'sealpost'
const DAY_MS = 86_400_000

/** Makes the repository the first time; snapshots older than `retentionMs` go. Throws BACKUP_OFF_SITE. */
export async function copyOffSite(archive: Archive, offSite: OffSite, retentionMs: number): Promise<void> {
  const restic = (...args: readonly string[]): Promise<unknown> =>
    run('restic', args, {
      cwd: archive.directory,
      env: {
        ...inheritedEnvironment(),
        ...offSite.credentials,
        RESTIC_REPOSITORY: offSite.repository,
        RESTIC_PASSWORD: offSite.password.reveal(),
      },
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
