/** One run of the Postgres server as our child. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { OperationalError } from '@sealpost/errors'
import type { PostgresBinaries, PostgresUser } from './binaries.ts'
import { PID_FILE } from './leftovers.ts'
import { POSTGRES_ENV } from './run-program.ts'

export interface Postmaster {
  readonly pid: number
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Waits half a second for sessions to end, then ends them; writes a checkpoint. Harder means if that takes too long. */
  stop(): Promise<void>
}

export interface PostmasterOptions {
  readonly binaries: Pick<PostgresBinaries, 'postgres'>
  readonly user: PostgresUser | undefined
  readonly directory: string
  readonly settings: Readonly<Record<string, string>>
  /** For the commands that Postgres runs. */
  readonly environment?: Readonly<Record<string, string>>
  /** How long it may take until it accepts connections. */
  readonly readyMsMax?: number
}

/** Recovery after a crash replays the WAL of at most one checkpoint, which takes seconds; this is for slow disks. */
const READY_MS_MAX = 120_000
const READY_POLL_MS = 10

/** Sessions that are saying goodbye may finish; one that is ended instead would look like a failure to its client. */
const SMART_STOP_MS = 500
const FAST_STOP_MS = 6_000
const IMMEDIATE_STOP_MS = 1_500

/** What is kept of the server's log, to be shown if it does not start. It is never passed on otherwise. */
const LOG_CHARS_MAX = 4_000

/** Starts Postgres and resolves when it accepts connections. Throws `POSTGRES_START` with the end of its log. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { binaries, user, directory, settings } = options
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(binaries.postgres, ['-D', directory, ...args], {
    cwd: directory,
    env: { ...POSTGRES_ENV, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A session of its own: Ctrl-C at the terminal must not stop the database under the streams that are being sealed.
    detached: true,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  })
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  const readLog = keepLog(child)
  await Promise.race([ended, untilReady(child, directory, options.readyMsMax ?? READY_MS_MAX)])
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    return { pid: child.pid, ended, stop: () => stop(child, ended) }
  throw new OperationalError('POSTGRES_START', `The embedded Postgres does not start:\n${readLog()}`)
}

/** `postmaster.pid` says on its eighth line how far the server is; `pg_ctl -w` reads the same. */
async function untilReady(child: ChildProcess, directory: string, msMax: number): Promise<void> {
  const deadline = performance.now() + msMax
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const lines = (await readFile(join(directory, PID_FILE), 'utf8').catch(() => '')).split('\n')
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return
    await wait(READY_POLL_MS)
  }
  child.kill('SIGQUIT')
}

function keepLog(child: ChildProcess): () => string {
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-LOG_CHARS_MAX)
  })
  child.once('error', (error) => {
    log += error.message
  })
  return () => log.trim()
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return await ended
  const harder = [
    setTimeout(() => child.kill('SIGINT'), SMART_STOP_MS),
    setTimeout(() => child.kill('SIGQUIT'), SMART_STOP_MS + FAST_STOP_MS),
    setTimeout(() => child.kill('SIGKILL'), SMART_STOP_MS + FAST_STOP_MS + IMMEDIATE_STOP_MS),
  ]
  child.kill('SIGTERM')
  await ended
  for (const timer of harder) clearTimeout(timer)
}
