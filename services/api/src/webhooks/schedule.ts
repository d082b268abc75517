/** When a delivery that failed is tried again. */
const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** Pauses after each attempt: 72 hours in all, then it is given up. */
const PAUSES_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
  10 * HOUR_MS,
  12 * HOUR_MS,
  12 * HOUR_MS,
  12 * HOUR_MS,
  12 * HOUR_MS,
] as const

/** A receiver may ask for a longer pause, up to this. */
const RETRY_AFTER_MS_MAX = HOUR_MS

/** In milliseconds, spread by up to a tenth (`fraction` from 0 to 1); undefined: this was the last of `attempts`. */
export function nextPause(
  attempts: number,
  fraction: number,
  retryAfterMs: number | undefined,
): number | undefined {
  const pause = PAUSES_MS[attempts - 1]
  if (pause === undefined) return undefined
  const asked = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX)
  return Math.max(pause, asked) + Math.round((pause * fraction) / 10)
}
