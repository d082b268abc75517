/** An upgrade that changes the database begins with a backup of it as it was; without one it does not begin. */
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Clock } from '@sealpost/runtime'
import { pendingMigrations } from '@sealpost/service'
import { type BackupsOptions, runBackup } from './backups.ts'
import { openArchive } from './open-archive.ts'
import { watchLog } from './watch-log.ts'

export type BeforeUpgradeOptions = Omit<BackupsOptions, 'actor' | 'archive'> & { readonly log: Log }

/** A drill, a copy elsewhere or another backup may be under way. */
const BUSY_MS_MAX = 600_000
const BUSY_PAUSE_MS = 2_000

/** Whether the database is ours already, and an older version. */
export async function isUpgrade(ownerUrl: string): Promise<boolean> {
  const { installed, names } = await pendingMigrations(ownerUrl)
  return installed && names.length > 0
}

/** Of a Postgres of one's own, whose log is received meanwhile: by this process where no other does. Throws what stands in the way. */
export async function backUpBeforeUpgrade(options: BeforeUpgradeOptions): Promise<void> {
  const opened = await openArchive(options.config)
  if (opened === undefined) return
  const { archive } = opened
  await using _ = await watchLog({ ...options, archive })
  await unlessBusy(options.clock, () => runBackup({ ...options, archive, actor: { kind: 'system' } }))
}

async function unlessBusy<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const until = clock.monotonic() + BUSY_MS_MAX
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (errorCode(error) !== 'BACKUP_BUSY' || clock.monotonic() >= until) throw error
      await new Promise<void>((resolve) => void clock.after(BUSY_PAUSE_MS, resolve))
    }
  }
}
