/** Sealed answers in memory: the plain model of the Postgres store. */
import type { AnswerStore, Claim, StoredAnswer } from './answer-store.ts'

export function memoryAnswers(): AnswerStore {
  const rows = new Map<string, StoredAnswer & Pick<Claim, 'expiresAt'>>()
  return {
    async claim({ keyHash, ...claim }, now) {
      const key = keyHash.toString('hex')
      const known = rows.get(key)
      if (known !== undefined && known.expiresAt > now) {
        const { expiresAt: _expiresAt, ...answer } = known
        return answer
      }
      rows.set(key, { ...claim, status: undefined, sealed: undefined })
      return undefined
    },
    async answer(keyHash, status, sealed) {
      const key = keyHash.toString('hex')
      const known = rows.get(key)
      if (known !== undefined) rows.set(key, { ...known, status, sealed })
    },
    async release(keyHash) {
      const key = keyHash.toString('hex')
      if (rows.get(key)?.status === undefined) rows.delete(key)
    },
    async eraseExpired(now) {
      for (const [key, { expiresAt }] of rows) if (expiresAt <= now) rows.delete(key)
    },
  }
}
