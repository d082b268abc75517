/** The service-level agreement in numbers: target, credits, deadlines. All whole numbers, so that no boundary depends on rounding. */

/** A month has 30 × 24 × 60 minutes, whatever the calendar says. */
export const MONTH_MINUTES = 30 * 24 * 60
/** 99.9 %, in tenths of a percent. */
export const TARGET_PERMILLE = 999

/** Per mille of the month's fee: 5 % below the target, 2.5 % more for each further whole percent, at most the whole fee. */
const CREDIT_BELOW = 50
const CREDIT_STEP = 25
const CREDIT_MAX = 1000
/** Of mailboxes: 5 % for each whole two hours, at most 15 %. */
const MAILBOX_STEP = 50
const MAILBOX_STEP_MINUTES = 120
const MAILBOX_MAX = 150

const DAY_MS = 86_400_000
/** After the month's end. */
const CLAIM_MS = 7 * DAY_MS
const REPORT_MS = 15 * DAY_MS
/** Maintenance is announced so long before. */
export const NOTICE_MS = 2 * DAY_MS

/** Percent, rounded down to thousandths so that nothing below the target looks like the target. */
export function availability(lostMinutes: number): number {
  const kept = Math.max(0, MONTH_MINUTES - lostMinutes)
  return Math.floor((kept * 100_000) / MONTH_MINUTES) / 1000
}

/** What a user of the failing server may have back, in tenths of a percent of the month's fee. */
export function credit(lostMinutes: number): number {
  const lost = Math.min(lostMinutes, MONTH_MINUTES)
  // How far below the target, in thousandths of a minute.
  const below = lost * 1000 - MONTH_MINUTES * (1000 - TARGET_PERMILLE)
  if (below <= 0) return 0
  const percents = Math.floor(below / (MONTH_MINUTES * 10))
  return Math.min(CREDIT_MAX, CREDIT_BELOW + CREDIT_STEP * percents)
}

/** The same of a mailbox that could not be reached. */
export function mailboxCredit(lostMinutes: number): number {
  return Math.min(MAILBOX_MAX, MAILBOX_STEP * Math.floor(lostMinutes / MAILBOX_STEP_MINUTES))
}

/** A calendar month in UTC. */
export interface Month {
  /** YYYY-MM. */
  readonly name: string
  /** Milliseconds since the epoch; `until` is the first instant of the next month. */
  readonly from: number
  readonly until: number
}

export const MONTH = /^(?:20\d\d)-(?:0[1-9]|1[0-2])$/

/** `name` matches MONTH. */
export function monthOf(name: string): Month {
  const [year, month] = [Number(name.slice(0, 4)), Number(name.slice(5))]
  return { name, from: Date.UTC(year, month - 1), until: Date.UTC(year, month) }
}

export function monthAt(ms: number): Month {
  return monthOf(new Date(ms).toISOString().slice(0, 7))
}

/** Whether credit for a month may be claimed now: from its beginning until seven days after its end. */
export function mayClaim(month: Month, now: number): 'yes' | 'early' | 'late' {
  if (now < month.from) return 'early'
  return now < month.until + CLAIM_MS ? 'yes' : 'late'
}

/** Until when the report of an incident is due: milliseconds since the epoch. */
export function reportDue(endedAt: number): number {
  return endedAt + REPORT_MS
}
