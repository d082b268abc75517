/** Idempotency keys in memory: the plain model of the Postgres store. */
import type { IdempotencyStore } from './store.ts'

export function memoryIdempotency(): IdempotencyStore {
  const rows = new Map<string, { accountId: string; expiresAt: number }>()
  const erase = (obsolete: (row: { accountId: string; expiresAt: number }) => boolean) => {
    for (const [key, row] of rows) if (obsolete(row)) rows.delete(key)
  }
  return {
    async claim(keyHash, proposedId, expiresAt, now) {
      const key = keyHash.toString('hex')
      const known = rows.get(key)
      if (known && known.expiresAt > now) return known.accountId
      rows.set(key, { accountId: proposedId, expiresAt })
      return proposedId
    },
    async eraseAccount(accountId) {
      erase((row) => row.accountId === accountId)
    },
    async eraseExpired(now) {
      erase((row) => row.expiresAt <= now)
    },
  }
}
