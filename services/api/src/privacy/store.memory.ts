/** Privacy requests in memory: the plain model of the Postgres store. */
import type { PrivacyRequest, PrivacyStore } from './store.ts'

export function memoryPrivacyStore(): PrivacyStore {
  const rows = new Map<string, PrivacyRequest>()
  const order = ({ receivedOn, id }: PrivacyRequest): string => `${receivedOn} ${id}`
  return {
    async add(request, openMax) {
      const open = [...rows.values()].filter(
        ({ accountId, state }) => accountId === request.accountId && state === 'open',
      )
      if (open.length >= openMax) return false
      rows.set(request.id, request)
      return true
    },
    find: async (id) => rows.get(id),
    async list({ after, limit, state, kind, accountId, dueBefore }) {
      return [...rows.values()]
        .filter((row) => state === undefined || row.state === state)
        .filter((row) => kind === undefined || row.kind === kind)
        .filter((row) => accountId === undefined || row.accountId === accountId)
        .filter((row) => dueBefore === undefined || (row.state === 'open' && row.dueOn < dueBefore))
        .filter((row) => after === undefined || order(row) < `${after.at} ${after.id}`)
        .toSorted((a, b) => (order(a) < order(b) ? 1 : -1))
        .slice(0, limit)
    },
    async close(id, closing) {
      const row = rows.get(id)
      if (row?.state !== 'open') return false
      rows.set(id, { ...row, ...closing })
      return true
    },
    async eraseAccount(accountId, today) {
      for (const row of rows.values()) {
        if (row.accountId !== accountId) continue
        const closing = row.state === 'open' ? ({ state: 'answered', closedOn: today } as const) : {}
        rows.set(row.id, { ...row, ...closing, accountId: undefined, details: undefined, answer: undefined })
      }
    },
    async forget(closedBefore) {
      for (const { id, closedOn } of rows.values())
        if (closedOn !== undefined && closedOn < closedBefore) rows.delete(id)
    },
  }
}
