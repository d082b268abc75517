/**
 * Which lost minutes count against the service-level agreement. Minutes are whole, since the epoch; spans hold their first minute and not
 * their last. docs/decisions/0030-what-counts-as-lost.md says how the agreement is read.
 */

/** From the first minute on, up to but without the last. */
export interface Span {
  readonly from: number
  readonly until: number
}

export const MINUTE_MS = 60_000
const HOUR = 60
const DAY = 24 * HOUR
const WEEK = 7 * DAY

/** A shorter loss does not count. */
export const LOSS_MINUTES_MIN = 5

/** The epoch began on a Thursday at 00:00 UTC. */
const THURSDAY = 0
const SUNDAY = 3 * DAY
/** Wednesdays and Saturdays 23:00 to 01:00 Eastern Standard Time, which is UTC−5 all the year round: 04:00 to 06:00 UTC of the day after. */
const URGENT: readonly Span[] = [
  { from: THURSDAY + 4 * HOUR, until: THURSDAY + 6 * HOUR },
  { from: SUNDAY + 4 * HOUR, until: SUNDAY + 6 * HOUR },
]

export function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS)
}

/** The weekly windows of urgent maintenance that touch a span, in order. */
export function urgentWindows({ from, until }: Span): Span[] {
  const windows: Span[] = []
  for (let week = Math.floor(from / WEEK) * WEEK; week < until; week += WEEK)
    for (const window of URGENT) {
      const [begin, end] = [week + window.from, week + window.until]
      if (begin < until && end > from) windows.push({ from: begin, until: end })
    }
  return windows
}

/** Spans of minutes in a row that are not among the good ones. */
export function losses(good: ReadonlySet<number>, { from, until }: Span): Span[] {
  const found: Span[] = []
  let begin: number | undefined
  for (let minute = from; minute <= until; minute++) {
    const lost = minute < until && !good.has(minute)
    if (lost) begin ??= minute
    else if (begin !== undefined) {
      found.push({ from: begin, until: minute })
      begin = undefined
    }
  }
  return found
}

/**
 * How many minutes within `span` count: those of losses of five minutes or more, but not those that lie in an excluded window. How long a
 * loss was is judged as users saw it, windows included. The good minutes must be known five minutes beyond the span, on both sides.
 */
export function countedLoss(lost: readonly Span[], excluded: readonly Span[], span: Span): number {
  let counted = 0
  for (const loss of lost) {
    if (loss.until - loss.from < LOSS_MINUTES_MIN) continue
    for (let minute = Math.max(loss.from, span.from); minute < Math.min(loss.until, span.until); minute++)
      if (!excluded.some(({ from, until }) => minute >= from && minute < until)) counted++
  }
  return counted
}
