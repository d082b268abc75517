/**
 * Keeps a second process of this host out of a keyring's directory. Node has no flock, so the lock names its process exactly (id,
 * start time, boot, pid namespace): a lock whose process is gone is stale. What this cannot see (another host or container on the
 * same volume), the database's lease and the epoch in the header catch.
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, readlink, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyringError } from './keyring-error.ts'

const LOCK = 'keyring.lock'
const TRIES = 5

export async function holdDirectory(directory: string): Promise<AsyncDisposable> {
  const path = join(directory, LOCK)
  const mine = await describeProcess(process.pid)
  const own = join(directory, `${LOCK}.${randomUUID()}`)
  try {
    await writeFile(own, mine, { mode: 0o600, flush: true })
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await claim(own, path)) return { [Symbol.asyncDispose]: () => release(path, mine) }
      const holder = await read(path)
      if (holder !== undefined && (await isAlive(holder))) throw new KeyringError('KEYRING_HELD')
      if (holder !== undefined) await clearStale(path, holder)
    }
    throw new KeyringError('KEYRING_HELD')
  } finally {
    await rm(own, { force: true })
  }
}

/** Atomic: a hard link is made only when the name is free. */
async function claim(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Takes the stale lock away; if another process was faster and the lock is a new one, puts it back. */
async function clearStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await read(aside)) !== stale) await claim(aside, path)
  await rm(aside, { force: true })
}

async function release(path: string, mine: string): Promise<void> {
  if ((await read(path)) === mine) await unlink(path)
}

/** `pid start-time boot-id pid-namespace`; what the system does not tell is `-`. */
async function describeProcess(pid: number): Promise<string> {
  const boot = await read('/proc/sys/kernel/random/boot_id')
  const namespace = await readlink('/proc/self/ns/pid').catch(() => undefined)
  return [String(pid), await startTime(pid), boot?.trim() ?? '-', namespace ?? '-'].join(' ')
}

/** A process of another boot or another pid namespace cannot be seen from here; the lease decides about it. */
async function isAlive(holder: string): Promise<boolean> {
  const pid = Number(holder.split(' ')[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder === (await describeProcess(pid))
}

/** Clock ticks between boot and the start of the process (proc(5), field 22 of stat). */
async function startTime(pid: number): Promise<string> {
  const stat = await read(`/proc/${String(pid)}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-'
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
