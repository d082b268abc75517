/**
 * A segment of Postgres' log without what stands between its pages, so that records that go over a page's end are whole. Pages of 8 KiB begin with 24 bytes
 * of their own, the first of a segment with 40 (access/xlog_internal.h of Postgres).
 */
const PAGE_BYTES = 8_192
const HEAD_BYTES = 24
const FIRST_HEAD_BYTES = 40

/** Names of segments, as in `pg_wal` and as `archive_command` gives them. */
export const isSegment = (name: string): boolean => /^[0-9A-F]{24}(?:\.partial)?$/.test(name)

export function withoutPageHeads(segment: Buffer): Buffer {
  const bodies: Buffer[] = []
  for (let at = 0; at < segment.length; at += PAGE_BYTES)
    bodies.push(segment.subarray(at + (at === 0 ? FIRST_HEAD_BYTES : HEAD_BYTES), at + PAGE_BYTES))
  return Buffer.concat(bodies)
}
