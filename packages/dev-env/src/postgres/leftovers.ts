/**
 * Ends what a killed Sealpost left running on a cluster. A postmaster found there is stopped rather than adopted: ours then runs with the
 * settings of this version, as our child, so that its end is an event and not a guess; a fast stop costs well under a second.
 */
import { execFile } from 'node:child_process'
import { readFile, readdir, readlink, realpath, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as wait } from 'node:timers/promises'
import { OperationalError } from '@sealpost/errors'

/** Fast stop, immediate stop, kill: each gets its time before the next. */
const MEASURES = [
  { signal: 'SIGINT', ms: 8_000 },
  { signal: 'SIGQUIT', ms: 3_000 },
  { signal: 'SIGKILL', ms: 3_000 },
] as const

const POLL_MS = 20

/** The file in which a postmaster says where it is and how far it came. */
export const PID_FILE = 'postmaster.pid'

/**
 * Stops every Postgres process on `directory`. The caller holds the lock of the data directory, so all of them are leftovers.
 * Afterwards the pid file is gone too: what it names is at best a stranger that got the same number.
 * Throws `POSTGRES_LEFTOVER` if one of them cannot be ended.
 */
export async function stopLeftovers(directory: string): Promise<void> {
  for (const { signal, ms } of MEASURES) {
    const pids = await processesOn(directory)
    if (pids.length === 0) return await rm(join(directory, PID_FILE), { force: true })
    const postmaster = await postmasterPid(directory)
    // Only a postmaster can end its children in good order; without one they end themselves, unless they hang.
    const targets =
      signal !== 'SIGKILL' && postmaster !== undefined && pids.includes(postmaster) ? [postmaster] : pids
    for (const pid of targets) sendSignal(pid, signal)
    await waitUntilGone(directory, ms)
  }
  if ((await processesOn(directory)).length === 0) return await rm(join(directory, PID_FILE), { force: true })
  throw new OperationalError('POSTGRES_LEFTOVER', `Another Postgres runs on ${directory} and does not end`)
}

async function waitUntilGone(directory: string, ms: number): Promise<void> {
  const deadline = performance.now() + ms
  while (performance.now() < deadline && (await processesOn(directory)).length > 0) await wait(POLL_MS)
}

/** The pid that the first line of the pid file names. */
export async function postmasterPid(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, PID_FILE), 'utf8').catch(() => '')
  const pid = Number.parseInt(text.split('\n')[0] ?? '', 10)
  return pid > 0 ? pid : undefined
}

/** Postgres processes whose working directory is the cluster, which is how Postgres runs, postmaster and children alike. */
async function processesOn(directory: string): Promise<number[]> {
  const real = await realpath(directory)
  if (process.platform !== 'linux') return await processesByCommand(real)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => ((await worksIn(pid, real)) ? Number(pid) : undefined)),
  )
  return found.filter((pid) => pid !== undefined)
}

async function worksIn(pid: string, directory: string): Promise<boolean> {
  try {
    const [cwd, program] = await Promise.all([readlink(`/proc/${pid}/cwd`), readlink(`/proc/${pid}/exe`)])
    return cwd === directory && basename(program).startsWith('postgres')
  } catch {
    return false
  }
}

/** Without /proc: the postmaster by its command line; its children end with it. */
async function processesByCommand(directory: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,command='])
  return stdout
    .split('\n')
    .filter((line) => line.includes(`postgres -D ${directory} `))
    .map((line) => Number.parseInt(line, 10))
}

/** A process that ended in the meantime is what we wanted. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
