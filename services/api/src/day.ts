/** Days in UTC, `YYYY-MM-DD`, and pages of what is ordered by them. */
import { AccountError, dayOf } from '@sealpost/accounts'

export { dayOf }

export function addDays(day: string, days: number): string {
  return dayOf(Date.parse(day), days)
}

/** Where a page ended that is ordered by day or time and id, the newest first. */
export interface Place {
  /** A day, or a time in RFC 3339. */
  readonly at: string
  readonly id: string
}

const CURSOR = /^([12]\d{3}-\d\d-\d\d(?:T[\d:.]+Z)?) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** Opaque to clients. */
export function formatPlace({ at, id }: Place): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

/** Throws CURSOR_MALFORMED. */
export function parsePlace(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const [, at, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined || !isInCalendar(at)) throw new AccountError('CURSOR_MALFORMED')
  return { at, id }
}

/** JavaScript reads the 30th of February as a day in March; Postgres does not. */
function isInCalendar(at: string): boolean {
  const ms = Date.parse(at)
  return !Number.isNaN(ms) && dayOf(ms) === at.slice(0, 10)
}
