/** V8's collector, on demand: Node shows it only to programs that were started with a flag. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let shown: NodeJS.GCFunction | undefined

function collector(): NodeJS.GCFunction {
  if (shown !== undefined) return shown
  setFlagsFromString('--expose-gc')
  shown = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  return shown
}

/** Everything, and what is free goes back to the system: measured, 0.1 s after a start. */
export function collectAll(): void {
  collector()({ type: 'major', flavor: 'last-resort', execution: 'sync' })
}

/** What was made lately and is not used any more: a few milliseconds. With it goes what native code holds for such objects. */
export function collectYoung(): void {
  collector()({ type: 'minor', execution: 'sync' })
}
