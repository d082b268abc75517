/** When a certificate expires, and when its owner is told before. */
import type { CertificateSummary } from '@sealpost/openpgp'
import type { ReminderDays } from './store.ts'

/** The longest notice. */
export const REMINDER_DAYS_MAX = 30
/** Later than this nobody needs to be told, and no calendar is asked. */
const SECONDS_MAX = Date.UTC(10_000, 0) / 1000

/** The day in UTC, YYYY-MM-DD; undefined: never. */
export function expiryDay({ expires }: CertificateSummary): string | undefined {
  if (expires === undefined || expires >= SECONDS_MAX) return undefined
  return new Date(expires * 1000).toISOString().slice(0, 10)
}

/** Which notice it is time for, so many days before; undefined: too early, or too late. */
export function reminderDays(left: number): ReminderDays | undefined {
  if (left < 1 || left > REMINDER_DAYS_MAX) return undefined
  return left > 7 ? 30 : left > 1 ? 7 : 1
}
