/**
 * One process for each data directory. Node has no flock; a lock file that is deleted when stale can be deleted by two at once, and then both hold
 * it. So locks are numbered and never deleted by their holder: `sealpost.pid.N` belongs to the process it names, the highest number counts, and
 * to follow a dead holder is to make number N+1 by a hard link, which the file system grants to one of any number of racing processes.
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import { describeProcess, isRunning } from './process-identity.ts'

const PREFIX = 'sealpost.pid.'

/** Each round somebody else won or ended: more than a few mean that something restarts Sealpost in a loop. */
const ROUNDS_MAX = 100

/**
 * Takes the directory for this process, for its life. Throws `DATA_DIR_HELD`, which says who has it.
 * Nothing is to be released: the lock of a process that has ended counts for nothing.
 */
export async function takeDirectory(directory: string): Promise<void> {
  const own = join(directory, `.${PREFIX}${randomUUID()}`)
  const mine = await describeProcess(process.pid)
  await writeFile(own, `${mine}\n`, { mode: 0o600, flush: true })
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const last = await lastNumber(directory)
      await assertFree(directory, last)
      if (await claim(directory, own, last + 1)) return
    }
  } finally {
    await rm(own, { force: true })
  }
  throw new OperationalError('DATA_DIR_HELD', `The data directory ${directory} is held by other processes`)
}

async function claim(directory: string, own: string, number: number): Promise<boolean> {
  const path = pathOf(directory, number)
  try {
    await link(own, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  // Whoever looked long ago may make a number that was used and cleared away since; the higher one tells.
  const numbers = await numbersIn(directory)
  if (numbers.some((other) => other > number)) {
    await rm(path, { force: true })
    return false
  }
  for (const old of numbers) if (old < number) await rm(pathOf(directory, old), { force: true })
  return true
}

/** Whether a running process holds the directory. */
export async function isDirectoryTaken(directory: string): Promise<boolean> {
  return (await holderOf(directory, await lastNumber(directory))) !== undefined
}

async function assertFree(directory: string, number: number): Promise<void> {
  const pid = await holderOf(directory, number)
  if (pid === undefined) return
  throw new OperationalError(
    'DATA_DIR_HELD',
    `The data directory ${directory} is held by the running Sealpost with process id ${pid}: stop that one, or choose another SEALPOST_DATA_DIR`,
  )
}

/** The id of the process that holds this lock, if it still runs. */
async function holderOf(directory: string, number: number): Promise<string | undefined> {
  const holder = (await readFile(pathOf(directory, number), 'utf8').catch(() => '')).trim()
  return (await isRunning(holder)) ? holder.split(' ')[0] : undefined
}

async function lastNumber(directory: string): Promise<number> {
  return Math.max(0, ...(await numbersIn(directory)))
}

async function numbersIn(directory: string): Promise<number[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => Number(name.slice(PREFIX.length)))
    .filter((number) => Number.isSafeInteger(number) && number > 0)
}

function pathOf(directory: string, number: number): string {
  return join(directory, `${PREFIX}${String(number)}`)
}
