/** RFC 5322 §3.3: a date, in UTC, so that it tells nothing about where. */

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** @param ms since the epoch */
export function formatDate(ms: number): string {
  const date = new Date(ms)
  const day = `${DAYS[date.getUTCDay()] ?? ''}, ${String(date.getUTCDate())} ${MONTHS[date.getUTCMonth()] ?? ''}`
  return `${day} ${String(date.getUTCFullYear())} ${date.toISOString().slice(11, 19)} +0000`
}
