/** Approvals in memory: the plain model of the Postgres store. */
import type { ApprovalRow, ApprovalStore } from './approval-store.ts'

export function memoryApprovalStore(): ApprovalStore {
  const rows = new Map<string, ApprovalRow>()
  const open = (id: string, now: number): ApprovalRow | undefined => {
    const row = rows.get(id)
    return row !== undefined && row.expiresAt > now ? row : undefined
  }
  return {
    async ask(row, max) {
      for (const { id, expiresAt } of rows.values()) if (expiresAt <= row.askedAt) rows.delete(id)
      const own = [...rows.values()].filter(({ requester }) => requester.id === row.requester.id)
      const same = own.find(
        ({ state, requestHash }) =>
          (state === 'open' || state === 'approved') && requestHash.equals(row.requestHash),
      )
      if (same !== undefined) return same
      if (own.filter(({ state }) => state === 'open').length >= max) return undefined
      rows.set(row.id, row)
      return row
    },
    find: async (id, now) => open(id, now),
    list: async ({ before, limit, state, organisationIds, now }) => {
      const all = [...rows.values()]
        .filter((row) => row.expiresAt > now)
        .filter((row) => state === undefined || row.state === state)
        .filter(({ organisationId = '' }) => organisationIds?.includes(organisationId) !== false)
        .toSorted((one, other) => other.askedAt - one.askedAt || (one.id < other.id ? 1 : -1))
      const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1
      return all.slice(from, from + limit)
    },
    async decide(id, state, decidedBy, now) {
      const row = open(id, now)
      if (row?.state !== 'open') return undefined
      const decided = { ...row, state, decidedBy }
      rows.set(id, decided)
      return decided
    },
    async use(id, requesterId, requestHash, now) {
      const row = open(id, now)
      if (
        row?.state !== 'approved' ||
        row.requester.id !== requesterId ||
        !row.requestHash.equals(requestHash)
      )
        return false
      rows.set(id, { ...row, state: 'used' })
      return true
    },
  }
}
