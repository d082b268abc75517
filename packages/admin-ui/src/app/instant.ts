/** The instant (RFC 3339, UTC) of what a field of date and time says where the reader is; empty for what is none. */
export function toInstant(local: string): string {
  const time = new Date(local)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString()
}
