/** Reports of abuse in memory: the plain model of the Postgres store. */
import type { AbuseStore, StoredReport } from './store.ts'

export function memoryAbuse(): AbuseStore {
  const reports = new Map<string, StoredReport>()
  const sorted = (): StoredReport[] => [...reports.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    async add(report, openMax) {
      const open = sorted().filter(({ state, named }) => state !== 'closed' && named === report.named)
      if (reports.has(report.id) || open.length >= openMax) return false
      reports.set(report.id, report)
      return true
    },
    find: async (id) => reports.get(id),
    list: async ({ state, named, source, accountId, after = '', limit }) =>
      sorted()
        .filter((each) => state === undefined || each.state === state)
        .filter((each) => named === undefined || each.named === named)
        .filter((each) => source === undefined || each.source === source)
        .filter((each) => accountId === undefined || each.accountId === accountId)
        .filter(({ id }) => id > after)
        .slice(0, limit),
    async change(id, { state, outcome, closedOn }) {
      const known = reports.get(id)
      if (known === undefined) return undefined
      const changed = { ...known, state: state ?? known.state, outcome, closedOn }
      reports.set(id, changed)
      return changed
    },
    async acted(id, action) {
      const known = reports.get(id)
      if (known !== undefined && !known.actions.includes(action))
        reports.set(id, { ...known, actions: [...known.actions, action] })
    },
    async counts() {
      const groups = Map.groupBy(sorted(), ({ source, category, named, state, outcome }) =>
        JSON.stringify([source, category, named, state, outcome]),
      )
      return [...groups.values()].flatMap(([first, ...rest]) => {
        if (first === undefined) return []
        const { source, category, named, state, outcome } = first
        return [{ source, category, named, state, outcome, count: rest.length + 1 }]
      })
    },
    async eraseAccount(accountId) {
      for (const [id, each] of reports) {
        if (each.accountId === accountId) reports.delete(id)
        else if (each.reporterId === accountId)
          reports.set(id, { ...each, reporterId: undefined, reporter: undefined, named: false })
      }
    },
    async eraseOld(closedBefore, receivedBefore) {
      for (const [id, { closedOn, receivedOn }] of reports)
        if ((closedOn !== undefined && closedOn < closedBefore) || receivedOn < receivedBefore)
          reports.delete(id)
    },
  }
}
