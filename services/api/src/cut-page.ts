import type { Page } from '@sealpost/accounts'

/** A page of `limit` of the rows, of which one more was asked for to know whether another page comes; `cursorOf` is asked of its last one. */
export function cutPage<T>(rows: readonly T[], limit: number, cursorOf: (last: T) => string): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : undefined }
}
