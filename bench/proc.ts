/** What a process tree has used, read from /proc (proc(5)): processor seconds and resident memory, and how busy one core was in all. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: the unit of the counters in /proc is a hundredth of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
  readonly residentBytes: number
}

/** Processor seconds (user and system, with those of children that have ended) and resident bytes of a process tree at one moment. */
export interface TreeUsage {
  readonly cpuSeconds: number
  readonly residentBytes: number
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
  return {
    pid,
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
    residentBytes: field(24) * PAGE_BYTES,
  }
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

/**
 * Shared pages are counted in each process that maps them, so a server of several processes (ours, with its Postgres)
 * looks larger here than it is, never smaller.
 */
export function readTree(roots: readonly number[]): TreeUsage {
  const processes = treeOf(roots)
  return {
    cpuSeconds: processes.reduce((sum, stat) => sum + stat.ticks, 0) / TICKS_PER_SECOND,
    residentBytes: processes.reduce((sum, stat) => sum + stat.residentBytes, 0),
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
