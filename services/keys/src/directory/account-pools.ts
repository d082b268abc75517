/** What is published for accounts of ours, counted by their organisations' pools (docs/decisions/0027). Other addresses are nobody's. */
import { type AccountsDomain, OrganisationError } from '@sealpost/accounts'
import type { AccountOf } from './account-of.ts'
import type { PublicationPools } from './directory.ts'

export interface AccountPoolsOptions {
  readonly accounts: Pick<AccountsDomain, 'organisations'>
  readonly accountOf: AccountOf
}

export class AccountPools implements PublicationPools {
  readonly #options: AccountPoolsOptions

  constructor(options: AccountPoolsOptions) {
    this.#options = options
  }

  async take(address: string): ReturnType<PublicationPools['take']> {
    const { accounts, accountOf } = this.#options
    const accountId = (await accountOf(address))?.id
    if (accountId === undefined) return 'held'
    try {
      return (await accounts.organisations.holdKey(accountId)) ? 'taken' : 'held'
    } catch (error) {
      if (error instanceof OrganisationError && error.code === 'POOL_EXCEEDED') return 'exceeded'
      throw error
    }
  }

  async giveBack(address: string): Promise<void> {
    const { accounts, accountOf } = this.#options
    const accountId = (await accountOf(address))?.id
    if (accountId !== undefined) await accounts.organisations.releaseKey(accountId)
  }

  /** What a process has counted that died before it published. */
  async settle(isPublished: (address: string) => Promise<boolean>): Promise<void> {
    const { organisations } = this.#options.accounts
    for (let after: string | undefined; ;) {
      const holders = await organisations.keyHolders(after)
      for (const { id, localpart, domain } of holders)
        if (!(await isPublished(`${localpart}@${domain}`))) await organisations.releaseKey(id)
      after = holders.at(-1)?.id
      if (after === undefined) return
    }
  }
}
