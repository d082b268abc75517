/** Requests of authorities in memory: the plain model of the Postgres store. */
import type { LegalCount, LegalRequest, LegalStore } from './store.ts'

const order = ({ receivedOn, id }: LegalRequest): string => `${receivedOn} ${id}`
const mayKnow = ({ gagUntil }: LegalRequest, today: string): boolean =>
  gagUntil === undefined || gagUntil < today
const isDecided = ({ state }: LegalRequest): boolean => state === 'approved' || state === 'produced'

export function memoryLegalStore(): LegalStore {
  const rows = new Map<string, LegalRequest>()
  const documents = new Map<string, { readonly text: string; readonly producedOn: string }>()
  const reports = new Map<string, string>()
  const all = (): LegalRequest[] => [...rows.values()].toSorted((a, b) => (order(a) < order(b) ? 1 : -1))
  return {
    add: async (request) => void rows.set(request.id, request),
    find: async (id) => rows.get(id),
    list: async ({ after, limit, state }) =>
      all()
        .filter((row) => state === undefined || row.state === state)
        .filter((row) => after === undefined || order(row) < `${after.at} ${after.id}`)
        .slice(0, limit),
    async change(id, from, to, { document, ...change } = {}) {
      const row = rows.get(id)
      if (row === undefined || !from.includes(row.state)) return false
      rows.set(id, { ...row, ...change, state: to })
      if (document !== undefined) documents.set(id, { text: document, producedOn: change.closedOn ?? '' })
      return true
    },
    document: async (id) => documents.get(id)?.text,
    async notified(id, notifiedOn) {
      const row = rows.get(id)
      if (row !== undefined) rows.set(id, { ...row, notifiedOn })
    },
    toNotify: async (today) =>
      all().filter(
        (row) =>
          isDecided(row) &&
          row.notifiedOn === undefined &&
          row.accountId !== undefined &&
          mayKnow(row, today),
      ),
    ofAccount: async (accountId, today) =>
      all().filter((row) => row.accountId === accountId && isDecided(row) && mayKnow(row, today)),
    async eraseAccount(accountId) {
      for (const row of all().filter((each) => each.accountId === accountId)) {
        rows.set(row.id, { ...row, accountId: undefined, username: undefined })
        documents.delete(row.id)
      }
    },
    counts: async (from, until) => count(all(), from, until),
    async report(period, document) {
      if (!reports.has(period)) reports.set(period, document)
      return reports.get(period) ?? document
    },
    findReport: async (period) => reports.get(period),
    async forget(closedBefore, producedBefore) {
      for (const { id, closedOn } of all())
        if (closedOn !== undefined && closedOn < closedBefore) {
          rows.delete(id)
          documents.delete(id)
        }
      for (const [id, { producedOn }] of documents) if (producedOn < producedBefore) documents.delete(id)
    },
  }
}

function count(rows: readonly LegalRequest[], from: string, until: string): LegalCount[] {
  const within = (day: string | undefined): boolean => day !== undefined && day >= from && day < until
  const counted = rows.flatMap(({ kind, state, receivedOn, closedOn }): Omit<LegalCount, 'count'>[] => [
    ...(within(receivedOn) ? [{ kind, result: 'received' } as const] : []),
    ...(within(closedOn) && (state === 'refused' || state === 'produced') ? [{ kind, result: state }] : []),
  ])
  const keys = [...new Set(counted.map(({ kind, result }) => `${kind} ${result}`))].toSorted()
  return keys.flatMap((key) => {
    const same = counted.filter(({ kind, result }) => `${kind} ${result}` === key)
    return same.slice(0, 1).map((each) => ({ ...each, count: same.length }))
  })
}
