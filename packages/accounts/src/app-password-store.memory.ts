/** App passwords in memory: for tests and as the plain model of the Postgres store. */
import type { ScramVerifier } from '@sealpost/sasl'
import type { AppPassword, AppPasswordStore } from './app-passwords.ts'

export interface KeptAppPassword {
  readonly accountId: string
  readonly appPassword: AppPassword
  readonly verifiers: readonly ScramVerifier[]
}

/** Over a map by id; `isAlive`: whether there is such an account that is not terminated. */
export function memoryAppPasswordStore(
  kept: Map<string, KeptAppPassword>,
  isAlive: (accountId: string) => boolean,
): AppPasswordStore {
  const of = (accountId: string) => [...kept.values()].filter((each) => each.accountId === accountId)
  return {
    async insert(accountId, appPassword, verifiers, max) {
      if (!isAlive(accountId)) return 'gone'
      if (of(accountId).length >= max) return 'full'
      if (of(accountId).some((each) => each.appPassword.tag === appPassword.tag)) return 'taken'
      kept.set(appPassword.id, { accountId, appPassword, verifiers })
      return 'inserted'
    },
    of: async (accountId) => of(accountId).map(({ appPassword }) => appPassword),
    async remove(accountId, id) {
      const removed = of(accountId).filter(({ appPassword }) => id === undefined || appPassword.id === id)
      for (const { appPassword } of removed) kept.delete(appPassword.id)
      return removed.length
    },
    async recordUse(ids, day) {
      for (const id of ids) {
        const known = kept.get(id)
        if (known) kept.set(id, { ...known, appPassword: { ...known.appPassword, lastUsedOn: day } })
      }
    },
  }
}
