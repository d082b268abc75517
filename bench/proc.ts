/** What a process tree has used, read from /proc (proc(5)): processor seconds and memory, and how busy one core was in all. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: the unit of the counters in /proc is a hundredth of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

function readStat(pid: number): ProcessStat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined // it ended between the listing and the reading
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3]) // numbered as in proc(5)
  return { pid, parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) }
}

/** The processes in `roots` and all their descendants. */
function treeOf(roots: readonly number[]): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>()
  const found: ProcessStat[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined
    if (stat === undefined) continue
    if (roots.includes(pid)) found.push(stat)
    else children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat])
  }
  for (const stat of found) found.push(...(children.get(stat.pid) ?? [])) // grows while it is walked: breadth first
  return found
}

/** Process ids of those that a process has started and that have not ended. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    return Number.isInteger(pid) && readStat(pid)?.parent === parent ? [pid] : []
  })
}

/** Processor seconds of a process tree so far: user and system, with those of children that have ended. */
export function readCpuSeconds(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, stat) => sum + stat.ticks, 0) / TICKS_PER_SECOND
}

/**
 * Bytes of memory that a process tree takes. A page that several processes share (Postgres shares its buffers) counts once in the
 * sum: each has its part of it (Pss).
 */
export function readMemoryBytes(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, { pid }) => sum + readProportionalBytes(pid), 0)
}

/** Bytes of resident memory of a process tree, the sum of what each process maps: pages that several share count in each (`VmRSS`). */
export function readResidentBytes(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, { pid }) => sum + readStatusBytes(pid), 0)
}

/** Bytes of resident memory of one process (`VmRSS`), those of what it has started left out. */
export function readProcessBytes(pid: number): number {
  return readStatusBytes(pid)
}

/** Bytes of memory of a process tree that are no file's and are shared with nobody (`RssAnon`). */
export function readPrivateBytes(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, { pid }) => sum + readStatusBytes(pid, 'RssAnon'), 0)
}

/** The most bytes of memory that one process ever had resident at once (`VmHWM`). */
export function readPeakBytes(pid: number): number {
  return readStatusBytes(pid, 'VmHWM')
}

function readStatusBytes(pid: number, name: 'VmRSS' | 'VmHWM' | 'RssAnon' = 'VmRSS'): number {
  try {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm')
    return Number(line.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024
  } catch {
    return 0 // it ended meanwhile
  }
}

function readProportionalBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]) * 1024
  } catch {
    return 0 // it ended meanwhile
  }
}

/** Bytes that a process tree has caused to be written to storage so far (`write_bytes`), those of children that have ended left out. */
export function readWrittenBytes(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, { pid }) => sum + readProcessWrites(pid), 0)
}

function readProcessWrites(pid: number): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1])
  } catch {
    return 0 // it ended meanwhile
  }
}

/** Seconds a core has been busy since boot, whoever used it: shows whether a stranger took part of the core while we measured. */
export function readCoreBusySeconds(core: number): number {
  const line = readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .find((text) => text.startsWith(`cpu${core} `))
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (line ?? '')
    .split(' ')
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}
