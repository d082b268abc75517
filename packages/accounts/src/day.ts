/** Days, because days are all that is kept about when somebody did something. */
const DAY_MS = 86_400_000

/** The day in UTC, `YYYY-MM-DD`, `offsetDays` later (negative: earlier) than the instant `ms` since the epoch. */
export function dayOf(ms: number, offsetDays = 0): string {
  return new Date(ms + offsetDays * DAY_MS).toISOString().slice(0, 10)
}
