/** The prober that the server starts for itself, as a process of its own: started again when it ends, ended with the server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock } from '@sealpost/runtime'
import { COMPONENTS, type Component, type ProbeResult } from './component.ts'

export interface ProbeChildOptions {
  /** All that it is told of: variables as status/config.ts reads them. */
  readonly environment: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly onReport: (at: number, results: readonly ProbeResult[]) => void
  /** It ended, or said what nobody understands. */
  readonly onTrouble: (code: string) => void
}

/** When all listeners are there, after a start. */
const START_MS = 10_000
const RESTART_MS = 10_000

export function startProbeChild(options: ProbeChildOptions): Disposable {
  let child: ChildProcess | undefined
  let again: Disposable | undefined = options.clock.after(START_MS, () => {
    again = undefined
    start()
  })
  let stopped = false
  const start = (): void => {
    child = spawn(process.execPath, [join(import.meta.dirname, 'prober.ts')], {
      env: { ...options.environment },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const ended = (): void => {
      if (stopped || again !== undefined) return
      options.onTrouble('PROBER_ENDED')
      again = options.clock.after(RESTART_MS, () => {
        again = undefined
        start()
      })
    }
    child.on('error', ended).on('exit', ended)
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => take(line, options))
  }
  return {
    [Symbol.dispose]: () => {
      stopped = true
      again?.[Symbol.dispose]()
      child?.kill()
    },
  }
}

function take(line: string, { onReport, onTrouble }: ProbeChildOptions): void {
  const report = readReport(line)
  if (report === undefined) onTrouble('PROBER_UNREADABLE')
  else onReport(report.at, report.results)
}

function readReport(line: string): { at: number; results: ProbeResult[] } | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const { at, results } = (value ?? {}) as { at?: unknown; results?: unknown }
  const time = typeof at === 'string' ? Date.parse(at) : Number.NaN
  if (Number.isNaN(time) || !Array.isArray(results)) return undefined
  const known = results.filter(isResult)
  return known.length === results.length ? { at: time, results: known } : undefined
}

function isResult(value: unknown): value is ProbeResult {
  const { component, good } = (value ?? {}) as { component?: unknown; good?: unknown }
  return typeof good === 'boolean' && COMPONENTS.includes(component as Component)
}
