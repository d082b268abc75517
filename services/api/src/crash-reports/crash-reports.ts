/** Takes crash reports of clients: scrubbed first, then grouped by what kind of crash it is, kept for 30 days. */
import { createHash } from 'node:crypto'
import { dayOf } from '@sealpost/accounts'
import type { Clock } from '@sealpost/runtime'
import { scrub } from './scrub.ts'
import type { CrashGroup, CrashOrigin, CrashStore, CrashTrace } from './store.ts'

const KEPT_DAYS = 30
/** Lines of a trace that say what kind of crash it is. */
const SIGNATURE_LINES = 8
const TITLE_CHARS_MAX = 200

export interface CrashReports {
  /** What kind of crash it is; the report is dropped when there are too many kinds. */
  take(report: CrashOrigin & { readonly trace: string }): Promise<string>
  groups(limit: number): Promise<CrashGroup[]>
  traces(signature: string): Promise<CrashTrace[]>
  eraseOld(): Promise<void>
}

export function createCrashReports(store: CrashStore, clock: Pick<Clock, 'now'>): CrashReports {
  return {
    groups: (limit) => store.groups(limit),
    traces: (signature) => store.traces(signature),
    eraseOld: () => store.erase(dayOf(clock.now(), -KEPT_DAYS)),
    async take({ application, version, platform, trace }) {
      const scrubbed = scrub(trace)
      const signature = signatureOf(scrubbed)
      await store.add({
        signature,
        day: dayOf(clock.now()),
        application,
        version: scrub(version),
        platform: scrub(platform),
        title: titleOf(scrubbed),
        trace: scrubbed,
      })
      return signature
    },
  }
}

/** The exception and where it came from, without numbers of lines, addresses in memory and counters. */
export function signatureOf(scrubbed: string): string {
  const lines = scrubbed
    .split('\n')
    .map((line) => line.trim().replaceAll(/0x[0-9a-f]+|\d+/gi, '#'))
    .filter((line) => line !== '')
    .slice(0, SIGNATURE_LINES)
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32)
}

function titleOf(scrubbed: string): string {
  const first = scrubbed.split('\n').find((line) => line.trim() !== '') ?? ''
  return first.trim().slice(0, TITLE_CHARS_MAX)
}
