/** Looks at the processes of a server again and again: memory, processor, and how late their event loops are. */
import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { readCoreBusySeconds, readCpuSeconds, readMemoryBytes, readPrivateBytes } from '../proc.ts'
import { trendOf, type Sample, type Trend } from '../trend.ts'

export interface Watched {
  readonly name: string
  /** With what it has started. */
  readonly pid: number
  /** Of a process of ours. */
  readonly metricsUrl: string | undefined
}

export interface ProcessReport {
  readonly name: string
  /** Of private memory, in bytes: what is shared between processes, or is a file's, is bounded by what it is. */
  readonly memory: Trend
  /** In the second half of the time: whether what grew has come to rest. */
  readonly memoryLate: Trend
  /** All of it, at the end; what processes share counts once. */
  readonly allBytes: number
  /** Cores in use. */
  readonly cores: number
  /** Of the delays of its event loop, milliseconds: 99 of 100 are below it, in the median of all stretches and in the worst. Undefined: it has none. */
  readonly delayMs: { readonly median: number; readonly worst: number } | undefined
}

export interface WatchReport {
  readonly processes: readonly ProcessReport[]
  readonly seconds: number
  readonly loadCores: number
  /** What others took of the machine. */
  readonly foreignCores: number
}

const DELAY = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m

interface Kept {
  readonly memory: Sample[]
  readonly delaysMs: number[]
  readonly cpuSeconds: number
}

/** From now on. */
export class Watch {
  readonly #watched: readonly Watched[]
  readonly #began = performance.now()
  readonly #kept: ReadonlyMap<Watched, Kept>
  readonly #load = readCpuSeconds([process.pid])
  readonly #busy = busySeconds()

  private constructor(watched: readonly Watched[]) {
    this.#watched = watched
    const begin = ({ pid }: Watched): Kept => ({
      memory: [],
      delaysMs: [],
      cpuSeconds: readCpuSeconds([pid]),
    })
    this.#kept = new Map(watched.map((each) => [each, begin(each)]))
  }

  /** Forgets how late event loops were before. */
  static async begin(watched: readonly Watched[]): Promise<Watch> {
    await Promise.all(watched.map(readDelay))
    return new Watch(watched)
  }

  async sample(): Promise<void> {
    for (const each of this.#watched) {
      const kept = this.#kept.get(each)
      const delay = await readDelay(each)
      if (delay !== undefined) kept?.delaysMs.push(delay * 1_000)
      kept?.memory.push({ atSeconds: this.#seconds, value: readPrivateBytes([each.pid]) })
    }
  }

  /** Private memory of each, as sampled last. */
  latest(): (readonly [name: string, bytes: number])[] {
    return [...this.#kept].map(([{ name }, { memory }]) => [name, memory.at(-1)?.value ?? 0])
  }

  report(): WatchReport {
    const seconds = this.#seconds
    const used = [...this.#kept].map(([{ pid }, kept]) => readCpuSeconds([pid]) - kept.cpuSeconds)
    const load = readCpuSeconds([process.pid]) - this.#load
    const all = used.reduce((sum, each) => sum + each, load)
    return {
      seconds,
      loadCores: load / seconds,
      foreignCores: Math.max(0, busySeconds() - this.#busy - all) / seconds,
      processes: [...this.#kept].map(([{ name, pid }, { memory, delaysMs }], index) => ({
        name,
        memory: trendOf(memory),
        memoryLate: trendOf(memory.slice(memory.length / 2)),
        allBytes: readMemoryBytes([pid]),
        cores: (used[index] ?? 0) / seconds,
        delayMs: delaysMs.length === 0 ? undefined : middleAndWorst(delaysMs),
      })),
    }
  }

  get #seconds(): number {
    return (performance.now() - this.#began) / 1_000
  }
}

function busySeconds(): number {
  return cpus()
    .map((_, core) => readCoreBusySeconds(core))
    .reduce((sum, each) => sum + each, 0)
}

/** Seconds, since it was asked last. */
async function readDelay({ metricsUrl }: Watched): Promise<number | undefined> {
  if (metricsUrl === undefined) return undefined
  const text = await (await fetch(metricsUrl)).text()
  return Number(DELAY.exec(text)?.[1])
}

/** For the longest collection. */
const COLLECT_MS = 5_000

/** Bytes that each process of ours has in use once everything else was collected (bench/servers/collectable.ts), as it writes them there; threads of its own left out. */
export async function readInUse(
  watched: readonly Watched[],
  directory: string,
): Promise<Map<string, number>> {
  const ours = watched.filter(({ metricsUrl }) => metricsUrl !== undefined)
  for (const { pid } of ours) process.kill(pid, 'SIGUSR2')
  await pause(COLLECT_MS)
  const inUse = new Map<string, number>()
  for (const { name, pid } of ours)
    inUse.set(name, Number(await readFile(join(directory, String(pid)), 'utf8')))
  return inUse
}

function middleAndWorst(values: readonly number[]): { median: number; worst: number } {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, worst: sorted.at(-1) ?? 0 }
}
