/**
 * A program: probes all components each minute from outside the server's processes, and reports what it found. The server starts one for itself; an
 * operator starts others elsewhere, with a key of scope `status:probe`. It ends when its standard input does, if the server reads what it says.
 */
import { systemClock } from '@sealpost/runtime'
import type { ProbeResult } from './component.ts'
import { type ProberConfig, readConfig } from './config.ts'
import { MINUTE_MS, minuteOf } from './minutes.ts'
import { probeAll } from './probes/probe-all.ts'

export interface ProbeReport {
  /** RFC 3339. */
  readonly at: string
  readonly results: readonly ProbeResult[]
}

/** A day's: what is older is not taken any more. */
const UNREPORTED_MAX = 24 * 60
const REPORT_MS_MAX = 10_000

type Report = (report: ProbeReport) => Promise<boolean>

/** What could not be reported waits, the newest day of it. */
async function run({ targets }: Pick<ProberConfig, 'targets'>, report: Report): Promise<void> {
  const unreported: ProbeReport[] = []
  for (;;) {
    const minute = minuteOf(systemClock.now())
    const results = await probeAll(targets)
    unreported.push({ at: new Date(minute * MINUTE_MS).toISOString(), results })
    if (unreported.length > UNREPORTED_MAX) unreported.shift()
    while (unreported[0] !== undefined && (await report(unreported[0]))) unreported.shift()
    await until((minute + 1) * MINUTE_MS)
  }
}

function until(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  systemClock.after(Math.max(0, ms - systemClock.now()), resolve)
  return promise
}

/** False: to be tried again. What is refused as it is will be refused again. */
function reportByHttp({ url, key }: NonNullable<ProberConfig['report']>): Report {
  return async (report) => {
    try {
      const response = await fetch(new URL('/v1/status/probes', url), {
        method: 'POST',
        headers: { authorization: `Bearer ${key.reveal()}`, 'content-type': 'application/json' },
        body: JSON.stringify(report),
        redirect: 'error',
        signal: AbortSignal.timeout(REPORT_MS_MAX),
      })
      await response.body?.cancel()
      if (!response.ok) process.stderr.write(`The report was answered with ${String(response.status)}\n`)
      return response.ok || response.status === 422 || response.status === 400
    } catch {
      process.stderr.write('The report reached nobody; it is tried again\n')
      return false
    }
  }
}

const toParent: Report = async (report) => {
  process.stdout.write(`${JSON.stringify(report)}\n`)
  return true
}

if (import.meta.main) {
  const config = readConfig()
  if (config.report === undefined) process.stdin.on('end', () => process.exit(0)).resume()
  await run(config, config.report === undefined ? toParent : reportByHttp(config.report))
}
