/** The archive: for the embedded Postgres a directory that its user may write the log to; otherwise we write it ourselves. */
import { chown, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { Archive, archivingSettings } from '@sealpost/backup'
import { findPostgresUser } from '../postgres/binaries.ts'
import { assertReachable } from '../postgres/reachable.ts'
import type { BackupConfig } from './config.ts'

export interface OpenArchive {
  readonly archive: Archive
  /** With which the embedded Postgres archives its log. */
  readonly settings: Readonly<Record<string, string>>
}

/** Undefined when no backups are made. */
export async function openArchive({
  directory,
  recipients,
  databaseUrl,
}: BackupConfig): Promise<OpenArchive | undefined> {
  if (directory === undefined) return undefined
  await mkdir(directory, { recursive: true })
  const archive = new Archive(await realpath(directory))
  const user = databaseUrl === undefined ? await findPostgresUser() : undefined
  await archive.prepare(user === undefined ? 0o700 : 0o711)
  if (user !== undefined) {
    for (const path of [archive.wal, join(import.meta.dirname, 'x')]) await assertReachable(path, user)
    await chown(archive.wal, user.uid, user.gid)
  }
  return { archive, settings: archivingSettings(archive.wal, recipients) }
}
