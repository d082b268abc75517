/** Tells a process from a later one that got the same number. */
import { readFile } from 'node:fs/promises'

/** `pid start boot`: `start` in clock ticks since boot (proc(5), field 22 of stat), `boot` of this boot. `-` where there is no /proc. */
export async function describeProcess(pid: number): Promise<string> {
  const [stat, boot] = await Promise.all([
    read(`/proc/${String(pid)}/stat`),
    read('/proc/sys/kernel/random/boot_id'),
  ])
  // The second field is the program's name in parentheses, which may hold anything.
  const start = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return [String(pid), start ?? '-', boot?.trim() ?? '-'].join(' ')
}

/**
 * Whether the process that a description names still runs.
 * NOTE: one in another container is not seen. Two containers must not share a data directory.
 */
export async function isRunning(description: string): Promise<boolean> {
  const pid = Number(description.split(' ')[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return description === (await describeProcess(pid))
}

async function read(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined)
}
