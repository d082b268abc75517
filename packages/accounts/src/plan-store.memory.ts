import { DEFAULT_PLAN, type Plan, type PlanStore } from './plans.ts'

/** Without a plan. */
const MAILBOX_MIB = 1024

export interface MemoryPlanStore extends PlanStore {
  mailboxMib(accountId: string): number
  nameOf(accountId: string): string
}

/**
 * Plans in memory: for tests and as the plain model of the Postgres store. `exists`: whether there is such an account. `checkPools` throws when the
 * mailboxes of an organisation's accounts have become larger together than they may.
 */
export function memoryPlanStore(
  exists: (accountId: string) => boolean,
  checkPools: () => void,
): MemoryPlanStore {
  const plans = new Map<string, Plan>()
  const assigned = new Map<string, string>()
  const setOrDelete = <T>(map: Map<string, T>, key: string, value: T | undefined): void => {
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }
  const change = <T>(map: Map<string, T>, key: string, value: T | undefined): void => {
    const before = map.get(key)
    setOrDelete(map, key, value)
    try {
      checkPools()
    } catch (error) {
      setOrDelete(map, key, before)
      throw error
    }
  }
  const users = (name: string): number => [...assigned.values()].filter((each) => each === name).length
  return {
    nameOf: (accountId) => assigned.get(accountId) ?? DEFAULT_PLAN,
    mailboxMib: (accountId) => plans.get(assigned.get(accountId) ?? '')?.limits.mailbox_mib ?? MAILBOX_MIB,
    list: async () =>
      [...plans.values()]
        .map((plan) => ({ ...plan, accounts: users(plan.name) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    async put(plan, max) {
      if (!plans.has(plan.name) && plans.size >= max) return false
      change(plans, plan.name, plan)
      return true
    },
    async remove(name) {
      if (!plans.has(name)) return 'unknown'
      if (users(name) > 0) return 'used'
      plans.delete(name)
      return 'removed'
    },
    of: async (accountId) => plans.get(assigned.get(accountId) ?? ''),
    namesOf: async (accountIds) =>
      new Map(
        accountIds.flatMap((id) => {
          const name = assigned.get(id)
          return name === undefined ? [] : [[id, name] as const]
        }),
      ),
    async assign(accountId, name) {
      if (!exists(accountId) || (name !== undefined && !plans.has(name))) return false
      change(assigned, accountId, name)
      return true
    },
  }
}
