/** What machines of other sizes hold, derived from what one measured load used (docs/benchmarks.md has the derivation). */

export interface Used {
  readonly name: string
  /** Cores in use, and memory, under the measured load. */
  readonly cores: number
  readonly bytes: number
  /** It has one process with one thread that decides, however many cores there are. */
  readonly isOne: boolean
}

export interface Size {
  readonly cores: number
  /** How many times the measured load. */
  readonly factor: number
  /** What ends it: a process that is one, or the machine. */
  readonly limit: string
  readonly bytes: number
}

/** Of the machine, and of a thread: above it things wait for each other, and the rest is for bursts. */
const BUSY_MAX = 0.7
/** Of an idle session (`npm run bench -- idle`). */
const SESSION_BYTES = 55_000

export function sizeOf(cores: number, used: readonly Used[], sessions: number): Size {
  const total = used.reduce((sum, each) => sum + each.cores, 0)
  const limits = [
    { limit: 'the machine', factor: (BUSY_MAX * cores) / total },
    ...used.filter(({ isOne }) => isOne).map((each) => ({ limit: each.name, factor: BUSY_MAX / each.cores })),
  ]
  const { factor, limit } = limits.reduce((least, each) => (each.factor < least.factor ? each : least))
  const measured = used.reduce((sum, { bytes }) => sum + bytes, 0)
  return { cores, factor, limit, bytes: measured + Math.max(0, factor - 1) * sessions * SESSION_BYTES }
}
