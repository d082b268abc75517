/**
 * The transparency report: how many requests came, were refused, were produced, by kind, in half a year that is over. What is less than five is a range, and
 * there are no sums from which it could be computed; a report is published once and stays, so that nobody learns from a change what came when.
 */
import type { Clock } from '@sealpost/runtime'
import { dayOf } from '../day.ts'
import type { DocumentSigner } from './document-signer.ts'
import { LEGAL_KINDS, type LegalCount, type LegalStore } from './store.ts'

/** Fewer than these are not told apart, unless there were none. */
export const COUNT_FLOOR = 5
const RESULTS = ['received', 'refused', 'produced'] as const

export interface TransparencyReport {
  readonly schema: 'urn:sealpost:transparency:1'
  readonly server: string
  /** First and last day. */
  readonly from: string
  readonly until: string
  readonly published_on: string
  /** The next report is there on this day at the latest. If it is not, ask why. */
  readonly next_on: string
  readonly counts: readonly {
    readonly kind: string
    readonly result: string
    readonly min: number
    readonly max: number
  }[]
}

export interface TransparencyOptions {
  readonly store: Pick<LegalStore, 'counts' | 'report' | 'findReport'>
  readonly signer: DocumentSigner
  readonly server: string
  readonly clock: Pick<Clock, 'now'>
}

/** The signed report of the last half year that is over, as JSON: made by who asks first. */
export async function currentReport({ store, signer, server, clock }: TransparencyOptions): Promise<string> {
  const today = dayOf(clock.now())
  const [from, until] = lastHalfYear(today)
  const published = await store.findReport(from)
  if (published !== undefined) return published
  const report: TransparencyReport = {
    schema: 'urn:sealpost:transparency:1',
    server,
    from,
    until: dayOf(Date.parse(until), -1),
    published_on: today,
    next_on: halfYearAfter(until),
    counts: inRanges(await store.counts(from, until)),
  }
  return store.report(from, JSON.stringify(signer.sign(report), undefined, 2))
}

/** Every kind and result, so that it does not show which there were. */
function inRanges(counts: readonly LegalCount[]): TransparencyReport['counts'] {
  return LEGAL_KINDS.flatMap((kind) =>
    RESULTS.map((result) => {
      const count = counts.find((each) => each.kind === kind && each.result === result)?.count ?? 0
      const small = count > 0 && count < COUNT_FLOOR
      return { kind, result, min: small ? 1 : count, max: small ? COUNT_FLOOR - 1 : count }
    }),
  )
}

/** First day of the half year before the current one, and of the current one. */
function lastHalfYear(today: string): [from: string, until: string] {
  const year = Number(today.slice(0, 4))
  const [first, second] = [`${String(year)}-01-01`, `${String(year)}-07-01`]
  return today < second ? [`${String(year - 1)}-07-01`, first] : [first, second]
}

function halfYearAfter(day: string): string {
  const year = Number(day.slice(0, 4))
  return day.endsWith('01-01') ? `${String(year)}-07-01` : `${String(year + 1)}-01-01`
}
