/** Backups in a process of their own, beside a Postgres that is not the embedded one. */
import { realpath } from 'node:fs/promises'
import type { EnvReader } from '@sealpost/config'
import { ConfigError } from '@sealpost/errors'
import type { Platform, RunningService } from '@sealpost/service'
import { type BackupConfig, readBackupConfig } from './config.ts'
import { keepBackups } from './daily.ts'
import { openArchive } from './open-archive.ts'
import { watchLog } from './watch-log.ts'

const NEEDED = 'BACKUP_DIR and BACKUP_RECIPIENTS must be set'

/** Ready while the log comes into the archive. Throws what is wrong with the settings of Postgres. */
export async function createBackupService(config: BackupConfig, platform: Platform): Promise<RunningService> {
  await using stack = new AsyncDisposableStack()
  const opened = await openArchive(config)
  if (opened === undefined) throw new ConfigError([NEEDED])
  const parts = { ...platform, archive: opened.archive, config, dataDir: await realpath(platform.dataDir) }
  const { isLogFailing, nextSegment } = stack.use(await watchLog(parts))
  stack.use(await keepBackups({ ...parts, isLogFailing, nextSegment }))
  const held = stack.move()
  return {
    http: () => Promise.resolve(),
    ready: async () => !(await isLogFailing()),
    addresses: [],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** For a process of its own. */
export function readBackupServiceConfig(env: EnvReader): BackupConfig {
  const config = readBackupConfig(env)
  if (config.directory === undefined) env.problem(NEEDED)
  return config
}
