/** An upgrade that changes the database begins with a backup of it as it was; without one it does not begin. */
import type { Log } from '@sealpost/log'
import { pendingMigrations } from '@sealpost/service'
import { type BackupsOptions, runBackup } from './backups.ts'
import { openArchive } from './open-archive.ts'
import { watchLog } from './watch-log.ts'

export type BeforeUpgradeOptions = Omit<BackupsOptions, 'actor' | 'archive'> & {
  /** Of who sees which migrations have run: the database of `databaseUrl`. */
  readonly ownerUrl: string
  readonly log: Log
}

/** Whether the database is ours already, and an older version. */
export async function isUpgrade(ownerUrl: string): Promise<boolean> {
  const { installed, names } = await pendingMigrations(ownerUrl)
  return installed && names.length > 0
}

/** Of a Postgres of one's own, whose log is received meanwhile: by this process where no other does. Whether there was anything to back up. Throws what stands in the way. */
export async function backUpBeforeUpgrade(options: BeforeUpgradeOptions): Promise<boolean> {
  if (!(await isUpgrade(options.ownerUrl))) return false
  const opened = await openArchive(options.config)
  if (opened === undefined) return false
  const { archive } = opened
  await using _ = await watchLog({ ...options, archive })
  await runBackup({ ...options, archive, actor: { kind: 'system' } })
  return true
}
