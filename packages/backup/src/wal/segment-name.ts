/** Names of what Postgres archives: segments, histories of timelines, and notes of base backups. */

/** How the archived form of a name ends: half of SHA-256 of what it holds, so that the same is told from another. */
const ARCHIVED =
  /^([0-9A-F]{8}(?:[0-9A-F]{16}(?:\.partial|\.[0-9A-F]{8}\.backup)?|\.history))-([0-9a-f]{32})\.gz\.age$/
const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/
/** What initdb makes. */
export const SEGMENT_BYTES = 16 * 1024 * 1024
/** The last part of a name begins anew after 4 GB. */
const SEGMENTS_EACH = 256

export function archivedName(name: string, digest: string): string {
  return `${name}-${digest}.gz.age`
}

/** The name that Postgres knows it by. */
export function nameOfArchived(file: string): string | undefined {
  return ARCHIVED.exec(file)?.[1]
}

export interface Segment {
  readonly timeline: number
  /** Rising by one from segment to segment. */
  readonly number: number
}

export function parseSegment(name: string): Segment | undefined {
  const [whole, timeline = '', high = '', low = ''] = SEGMENT.exec(name) ?? []
  if (whole === undefined) return undefined
  return {
    timeline: Number.parseInt(timeline, 16),
    number: Number.parseInt(high, 16) * SEGMENTS_EACH + Number.parseInt(low, 16),
  }
}

export function formatSegment({ timeline, number }: Segment): string {
  const parts = [timeline, Math.floor(number / SEGMENTS_EACH), number % SEGMENTS_EACH]
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('')
}

/** The one that holds a position of the log; of a position between two the one that ends there, as in pg_walfile_name. */
export function segmentAt(timeline: number, position: bigint): string {
  return formatSegment({ timeline, number: Number((position - 1n) / BigInt(SEGMENT_BYTES)) })
}
