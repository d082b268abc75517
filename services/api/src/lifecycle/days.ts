/** Days in UTC, `YYYY-MM-DD`: the same words in Postgres, in JSON and here, in their order. */
const DAY_MS = 86_400_000

/** `days` may be negative. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10)
}
