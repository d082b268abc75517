/** What is published for accounts of ours, counted by their organisations' pools (docs/decisions/0027). Other addresses are nobody's. */
import { type AccountsDomain, OrganisationError } from '@sealpost/accounts'
import { JidError, parseJid } from '@sealpost/jid'
import type { PublicationPools } from './directory.ts'

export interface AccountPoolsOptions {
  readonly accounts: Pick<AccountsDomain, 'find' | 'organisations'>
  /** Domains served, canonical. */
  readonly domains: readonly string[]
}

export class AccountPools implements PublicationPools {
  readonly #options: AccountPoolsOptions

  constructor(options: AccountPoolsOptions) {
    this.#options = options
  }

  async take(address: string): ReturnType<PublicationPools['take']> {
    const accountId = await this.#accountOf(address)
    if (accountId === undefined) return 'held'
    try {
      return (await this.#options.accounts.organisations.holdKey(accountId)) ? 'taken' : 'held'
    } catch (error) {
      if (error instanceof OrganisationError && error.code === 'POOL_EXCEEDED') return 'exceeded'
      throw error
    }
  }

  async giveBack(address: string): Promise<void> {
    const accountId = await this.#accountOf(address)
    if (accountId !== undefined) await this.#options.accounts.organisations.releaseKey(accountId)
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

  async #accountOf(address: string): Promise<string | undefined> {
    const { accounts, domains } = this.#options
    try {
      const jid = parseJid(address)
      return domains.includes(jid.domain) ? (await accounts.find(jid))?.id : undefined
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }
}
