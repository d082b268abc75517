/** A base backup a day and a drill after it, a copy elsewhere each week, for as long as the server runs; figures about both; a word in the log when they are late. */
import { readFile } from 'node:fs/promises'
import { lastCopied, lastVerified } from '@sealpost/backup'
import { openDb, sql, type Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import { type BackupsOptions, copyBackups, runBackup, verifyBackup } from './backups.ts'

export interface DailyOptions extends Omit<BackupsOptions, 'actor' | 'onProgress'> {
  readonly log: Log
  readonly metrics: Metrics
  /** How often it is looked whether something is due. */
  readonly everyMs?: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A day, and what one may take. */
const LATE_MS = 26 * HOUR_MS
const EVERY_MS = 300_000
const COPY_EVERY_MS = 7 * DAY_MS

/** Disposing waits for nothing: what is cut off is begun anew by the next start. */
export async function keepBackups(options: DailyOptions): Promise<AsyncDisposable> {
  const { clock, log, databaseUrl } = options
  await using stack = new AsyncDisposableStack()
  const db = stack.use(await openDb({ url: databaseUrl, poolSize: 1 }))
  const gauges = gaugesOf(options)
  const began = clock.now()
  let running = false
  const turn = async (): Promise<void> => {
    if (running) return
    running = true
    for (const step of [backUp, prove, copy])
      await step(options).catch((error: unknown) => log.error('backup_failed', { code: errorCode(error) }))
    running = false
    await show(options, gauges, db)
    await complain(options, began)
  }
  await show(options, gauges, db)
  const first = clock.after(0, () => void turn().catch(() => undefined))
  stack.use(first)
  stack.use(clock.every(options.everyMs ?? EVERY_MS, turn))
  return stack.move()
}

type Times = { readonly base: number | undefined; readonly verified: number | undefined }

async function timesOf({ archive }: DailyOptions): Promise<Times> {
  const [newest] = await archive.bases()
  const verified = await lastVerified(archive)
  return {
    base: newest === undefined ? undefined : Date.parse(newest.manifest.endedAt),
    verified: verified?.at,
  }
}

async function backUp(options: DailyOptions): Promise<void> {
  const { base } = await timesOf(options)
  if (base !== undefined && options.clock.now() - base < DAY_MS) return
  await runBackup({ ...options, actor: { kind: 'system' } })
}

async function prove(options: DailyOptions): Promise<void> {
  const { identityFile } = options.config
  const { base, verified } = await timesOf(options)
  if (identityFile === undefined || base === undefined || (verified !== undefined && verified > base)) return
  await verifyBackup({ ...options, actor: { kind: 'system' } }, await readFile(identityFile, 'utf8'))
}

async function copy(options: DailyOptions): Promise<void> {
  const { offSite } = options.config
  if (offSite === undefined) return
  const copied = await lastCopied(options.archive)
  if (copied !== undefined && options.clock.now() - copied < COPY_EVERY_MS) return
  await copyBackups({ ...options, actor: { kind: 'system' } }, offSite)
}

function gaugesOf({ metrics }: DailyOptions) {
  return {
    base: metrics.gauge('backup_last_base_timestamp_seconds', 'End of the newest base backup'),
    verified: metrics.gauge(
      'backup_last_verified_timestamp_seconds',
      'When a backup was last restored and found whole',
    ),
    restore: metrics.gauge('backup_restore_seconds', 'How long the last restore of a drill took'),
    copied: metrics.gauge(
      'backup_last_copied_timestamp_seconds',
      'When all backups were last copied elsewhere',
    ),
    failing: metrics.gauge('backup_log_failing', 'Whether the last attempt to archive the log failed'),
  }
}

async function show(options: DailyOptions, gauges: ReturnType<typeof gaugesOf>, db: Db): Promise<void> {
  const { base } = await timesOf(options)
  const verified = await lastVerified(options.archive)
  if (base !== undefined) gauges.base.set(base / 1000)
  if (verified !== undefined) {
    gauges.verified.set(verified.at / 1000)
    gauges.restore.set(verified.seconds)
  }
  const copied = await lastCopied(options.archive)
  if (copied !== undefined) gauges.copied.set(copied / 1000)
  const [archiver] = await db.query<{ failing: boolean }>(sql`
    select coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing from pg_stat_archiver`)
  gauges.failing.set(archiver?.failing === true ? 1 : 0)
}

async function complain(options: DailyOptions, began: number): Promise<void> {
  const { clock, log, config } = options
  const { base, verified } = await timesOf(options)
  const isLate = (at: number | undefined): boolean => clock.now() - (at ?? began) > LATE_MS
  if (isLate(base)) log.error('backup_overdue')
  if (config.identityFile !== undefined && isLate(verified)) log.error('backup_unverified')
}
