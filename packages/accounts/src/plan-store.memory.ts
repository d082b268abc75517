import type { Plan, PlanStore } from './plans.ts'

/** Plans in memory: for tests and as the plain model of the Postgres store. `exists`: whether there is such an account. */
export function memoryPlanStore(exists: (accountId: string) => boolean): PlanStore {
  const plans = new Map<string, Plan>()
  const assigned = new Map<string, string>()
  const users = (name: string): number => [...assigned.values()].filter((each) => each === name).length
  return {
    list: async () =>
      [...plans.values()]
        .map((plan) => ({ ...plan, accounts: users(plan.name) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    async put(plan, max) {
      if (!plans.has(plan.name) && plans.size >= max) return false
      plans.set(plan.name, plan)
      return true
    },
    async remove(name) {
      if (!plans.has(name)) return 'unknown'
      if (users(name) > 0) return 'used'
      plans.delete(name)
      return 'removed'
    },
    of: async (accountId) => plans.get(assigned.get(accountId) ?? ''),
    async assign(accountId, name) {
      if (!exists(accountId) || (name !== undefined && !plans.has(name))) return false
      if (name === undefined) assigned.delete(accountId)
      else assigned.set(accountId, name)
      return true
    },
  }
}
