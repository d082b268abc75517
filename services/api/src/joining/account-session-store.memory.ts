/** Sessions of account owners in memory: the plain model of the Postgres store. */
import type { AccountSessionRow, AccountSessionStore } from './account-session-store.ts'

export function memoryAccountSessionStore(): AccountSessionStore {
  const rows = new Map<string, AccountSessionRow>()
  const keyOf = (tokenHash: Buffer) => tokenHash.toString('hex')
  const change = (tokenHash: Buffer, changed: Partial<AccountSessionRow>) => {
    const row = rows.get(keyOf(tokenHash))
    if (row) rows.set(keyOf(tokenHash), { ...row, ...changed })
  }
  const drop = (isObsolete: (row: AccountSessionRow) => boolean) => {
    for (const [key, row] of rows) if (isObsolete(row)) rows.delete(key)
  }
  return {
    async insert(tokenHash, session, max) {
      const others = [...rows].filter(([, row]) => row.accountId === session.accountId)
      others.sort(([, one], [, other]) => other.startedAt - one.startedAt)
      for (const [key] of others.slice(max - 1)) rows.delete(key)
      rows.set(keyOf(tokenHash), session)
    },
    find: async (tokenHash) => rows.get(keyOf(tokenHash)),
    touch: async (tokenHash, seenAt) => change(tokenHash, { seenAt }),
    renew: async (tokenHash, signOuts) => change(tokenHash, { signOuts }),
    list: async (accountId) =>
      [...rows.values()]
        .filter((row) => row.accountId === accountId)
        .toSorted((one, other) => other.startedAt - one.startedAt),
    async endOne(accountId, id) {
      const count = rows.size
      drop((row) => row.accountId === accountId && row.id === id)
      return rows.size < count
    },
    end: async (tokenHash) => void rows.delete(keyOf(tokenHash)),
    eraseAccount: async (accountId) => drop((row) => row.accountId === accountId),
    eraseOver: async (now) => drop(({ endsAt, seenAt, restMs }) => endsAt <= now || seenAt + restMs <= now),
  }
}
