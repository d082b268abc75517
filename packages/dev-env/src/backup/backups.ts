/** Taking backups and proving them, one at a time and on record, whoever asks: the server each day, or its owner by `ctl`. */
import { type AuditActor, type AuditDetails, createAuditLog, postgresAuditStore } from '@sealpost/audit'
import {
  type Archive,
  BackupError,
  type BaseBackup,
  noteCopied,
  noteVerified,
  type OnProgress,
  takeBaseBackup,
} from '@sealpost/backup'
import { type Db, openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import type { BackupConfig, OffSite } from './config.ts'
import { drill, type DrillResult } from './drill.ts'
import { copyOffSite } from './restic.ts'
import { roleFor } from './role-for.ts'

export interface BackupsOptions {
  readonly archive: Archive
  readonly config: BackupConfig
  /** Of a user with REPLICATION, or a superuser. */
  readonly databaseUrl: string
  readonly dataDir: string
  readonly actor: AuditActor
  readonly clock: Clock
  readonly random: Random
  readonly onProgress?: OnProgress | undefined
}

export interface TakenBackup {
  readonly base: BaseBackup
  /** What was too old. */
  readonly removed: { readonly bases: number; readonly segments: number }
}

/** "backups!" in ASCII as an int8. */
const LOCK = 0x6261_636b_7570_7321n

/** Takes a base backup, and removes what is older than it may get. Throws BACKUP_BUSY, and what stands in the way. */
export function runBackup(options: BackupsOptions): Promise<TakenBackup> {
  const { archive, config, databaseUrl, clock, dataDir } = options
  return recordedAlone(options, 'backup.run', async () => {
    const base = await takeBaseBackup({
      url: databaseUrl,
      archive,
      recipients: config.recipients,
      dataDir,
      clock,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    })
    const now = clock.now()
    const removed = await archive.prune(new Date(now - config.retentionMs), new Date(now))
    return { result: { base, removed }, details: { base: base.name } }
  })
}

/** Restores the newest as a drill. `identity`: as age-keygen writes it. Throws BACKUP_BUSY, and what is wrong. */
export function verifyBackup(options: BackupsOptions, identity: string): Promise<DrillResult> {
  const { archive, clock, config } = options
  return recordedAlone(options, 'backup.verify', async () => {
    const { canary, programs, keyringFile } = config
    const result = await drill({ ...options, identity, canary, programs, keyringFile })
    await noteVerified(archive, { at: clock.now(), seconds: result.seconds })
    return { result, details: toDetails(result) }
  })
}

/** For the audit log. */
function toDetails({ base, seconds, latest, tried }: DrillResult): AuditDetails {
  return { base, seconds: Math.round(seconds), tables: latest.tables, ...tried }
}

/** Copies all backups elsewhere. Throws BACKUP_BUSY and BACKUP_OFF_SITE. */
export function copyBackups(options: BackupsOptions, offSite: OffSite): Promise<void> {
  const { archive, clock, config } = options
  return recordedAlone(options, 'backup.copy', async () => {
    await copyOffSite(archive, offSite, config.retentionMs)
    await noteCopied(archive, clock.now())
    return { result: undefined }
  })
}

async function recordedAlone<T>(
  { databaseUrl, actor, clock }: BackupsOptions,
  action: string,
  work: () => Promise<{ readonly result: T; readonly details?: AuditDetails }>,
): Promise<T> {
  await using db: Db = await openDb({
    url: databaseUrl,
    ...(await roleFor(databaseUrl, 'sealpost_api')),
    poolSize: 1,
  })
  await using lock = await db.lock(LOCK, () => undefined)
  if (lock === undefined) throw new BackupError('BACKUP_BUSY', 'Another backup or drill is under way')
  const begun = await createAuditLog({ store: postgresAuditStore(db), clock }).begin({ actor, action })
  try {
    const { result, details } = await work()
    await begun.done(details)
    return result
  } catch (error) {
    await begun.refused(errorCode(error)).catch(() => undefined) // What failed first is what is told.
    throw error
  }
}
