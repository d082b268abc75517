/** How the log of Postgres comes into the archive: the embedded one brings it itself, of another one it is received. */
import { type Archive, receiveLog } from '@sealpost/backup'
import { openDb, sql } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Clock } from '@sealpost/runtime'
import type { BackupConfig } from './config.ts'

export interface WatchedLog extends AsyncDisposable {
  readonly isLogFailing: () => Promise<boolean>
  /** The segment that comes next. Undefined: nobody knows, or the embedded Postgres does. */
  readonly nextSegment: () => string | undefined
}

export interface WatchLogOptions {
  readonly archive: Archive
  readonly config: BackupConfig
  readonly databaseUrl: string
  readonly clock: Clock
  readonly log: Log
}

/** Throws BACKUP_SETTINGS, DbError. */
export async function watchLog(options: WatchLogOptions): Promise<WatchedLog> {
  return options.config.databaseUrl === undefined ? await watchArchiver(options) : await receive(options)
}

async function watchArchiver({ databaseUrl }: WatchLogOptions): Promise<WatchedLog> {
  const db = await openDb({ url: databaseUrl, poolSize: 1 })
  return {
    isLogFailing: async () => {
      const [archiver] = await db.query<{ failing: boolean }>(sql`
        select coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing from pg_stat_archiver`)
      return archiver?.failing === true
    },
    nextSegment: () => undefined,
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

async function receive({ archive, config, databaseUrl, clock, log }: WatchLogOptions): Promise<WatchedLog> {
  const onError = (error: unknown): void => log.error('backup_log_failed', { code: errorCode(error) })
  const { recipients } = config
  const receiver = await receiveLog({ url: databaseUrl, archive, recipients, clock, onError })
  return {
    isLogFailing: () => Promise.resolve(receiver.failing),
    nextSegment: () => receiver.receiving,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
}
