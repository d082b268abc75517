/** Dumps of this process (core(5)) hold no memory, whoever writes them and whatever limits are set: keys and messages are in it. Linux only; children inherit it. */
import { writeFileSync } from 'node:fs'

const FILTER = '/proc/self/coredump_filter'
const NO_MAPPINGS = '0'

export function keepMemoryOutOfDumps(): void {
  try {
    writeFileSync(FILTER, NO_MAPPINGS)
  } catch {
    // Elsewhere there is none, or a container does not let us: `ctl doctor` says so.
  }
}
