/** A base backup a day and a drill after it, a copy elsewhere each week, for as long as the server runs; figures about both; a word in the log when they are late. */
import { gapAfter, lastCopied, lastVerified } from '@sealpost/backup'
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { WatchedLog } from './watch-log.ts'
import { type BackupsOptions, copyBackups, runBackup, verifyBackup } from './backups.ts'

export interface DailyOptions
  extends Omit<BackupsOptions, 'actor' | 'onProgress'>, Pick<WatchedLog, 'isLogFailing' | 'nextSegment'> {
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
  const { clock, log } = options
  await using stack = new AsyncDisposableStack()
  const gauges = gaugesOf(options)
  gauges.readable.set(0)
  const began = clock.now()
  let running = false
  const attempt = (step: typeof show): Promise<void> =>
    step(options, gauges).catch((error: unknown) => log.error('backup_failed', { code: errorCode(error) }))
  const turn = async (): Promise<void> => {
    if (running) return
    running = true
    for (const step of [backUp, prove, copy, show]) await attempt(step)
    running = false
    await complain(options, began)
  }
  await attempt(show)
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
  const isFresh = base !== undefined && options.clock.now() - base < DAY_MS
  if (isFresh && !(await isCutOff(options))) return
  await runBackup({ ...options, actor: { kind: 'system' } })
}

/** Whether the newest base can be restored to no moment that is still to come, since a part of the log is missing. */
async function isCutOff({ archive, nextSegment }: DailyOptions): Promise<boolean> {
  const [newest] = await archive.bases()
  const segments = new Set([...(await archive.archived()), nextSegment() ?? ''])
  return newest !== undefined && gapAfter(newest, segments) !== undefined
}

async function prove(options: DailyOptions, gauges: Gauges): Promise<void> {
  const { identity } = options.config
  const { base, verified } = await timesOf(options)
  if (identity === undefined || base === undefined || (verified !== undefined && verified > base)) return
  try {
    await verifyBackup({ ...options, actor: { kind: 'system' } }, identity.reveal())
    gauges.readable.set(0)
  } catch (error) {
    if (errorCode(error) === 'BACKUP_READABLE') gauges.readable.set(1)
    throw error
  }
}

async function copy(options: DailyOptions): Promise<void> {
  const { offSite } = options.config
  if (offSite === undefined) return
  const copied = await lastCopied(options.archive)
  if (copied !== undefined && options.clock.now() - copied < COPY_EVERY_MS) return
  await copyBackups({ ...options, actor: { kind: 'system' } }, offSite)
}

type Gauges = ReturnType<typeof gaugesOf>

function gaugesOf({ metrics }: DailyOptions) {
  return {
    base: metrics.gauge('backup_last_base_timestamp_seconds', 'End of the newest base backup'),
    verified: metrics.gauge(
      'backup_last_verified_timestamp_seconds',
      'When a backup was last restored and found whole',
    ),
    restore: metrics.gauge('backup_restore_seconds', 'How long the last restore of a drill took'),
    readable: metrics.gauge(
      'backup_delivered_readable',
      'Whether the last drill could read something that was delivered',
    ),
    copied: metrics.gauge(
      'backup_last_copied_timestamp_seconds',
      'When all backups were last copied elsewhere',
    ),
    failing: metrics.gauge('backup_log_failing', 'Whether the last attempt to archive the log failed'),
  }
}

async function show(options: DailyOptions, gauges: Gauges): Promise<void> {
  const { base } = await timesOf(options)
  const verified = await lastVerified(options.archive)
  if (base !== undefined) gauges.base.set(base / 1000)
  if (verified !== undefined) {
    gauges.verified.set(verified.at / 1000)
    gauges.restore.set(verified.seconds)
  }
  const copied = await lastCopied(options.archive)
  if (copied !== undefined) gauges.copied.set(copied / 1000)
  gauges.failing.set((await options.isLogFailing()) ? 1 : 0)
}

async function complain(options: DailyOptions, began: number): Promise<void> {
  const { clock, log, config } = options
  const { base, verified } = await timesOf(options)
  const isLate = (at: number | undefined): boolean => clock.now() - (at ?? began) > LATE_MS
  if (isLate(base)) log.error('backup_overdue')
  if (config.identity !== undefined && isLate(verified)) log.error('backup_unverified')
}
