/** Accounts in memory, for the tests of whoever needs accounts but no database. */
import { accountsOver, type AccountsDomain, type AccountsOptions } from './accounts.ts'
import { memoryStores } from './store.memory.ts'

/** The domain over a store that forgets everything with the process. */
export function createMemoryAccounts(options: Omit<AccountsOptions, 'db'>): AccountsDomain {
  return accountsOver({ ...options, ...memoryStores() })
}
