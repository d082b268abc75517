/** Days in UTC, `YYYY-MM-DD`, and pages of what is ordered by them. */
import { AccountError } from '@sealpost/accounts'

const DAY_MS = 86_400_000

/** The day `offsetDays` later (negative: earlier) than the instant `ms` since the epoch. */
export function dayOf(ms: number, offsetDays = 0): string {
  return new Date(ms + offsetDays * DAY_MS).toISOString().slice(0, 10)
}

export function addDays(day: string, days: number): string {
  return dayOf(Date.parse(day), days)
}

/** Where a page ended that is ordered by day or time and id, the newest first. */
export interface Place {
  /** A day, or a time in RFC 3339. */
  readonly at: string
  readonly id: string
}

const CURSOR = /^(\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?) ([0-9a-f-]{36})$/

/** Opaque to clients. */
export function formatPlace({ at, id }: Place): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

/** Throws CURSOR_MALFORMED. */
export function parsePlace(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const [, at, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined || Number.isNaN(Date.parse(at)))
    throw new AccountError('CURSOR_MALFORMED')
  return { at, id }
}
