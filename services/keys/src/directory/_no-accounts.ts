import type { DirectoryOptions } from './directory.ts'

/** As of addresses that are nobody's here. */
export const noAccounts: Pick<DirectoryOptions, 'accountOf' | 'pools'> = {
  accountOf: () => Promise.resolve(undefined),
  pools: { take: () => Promise.resolve('held'), giveBack: () => Promise.resolve() },
}
