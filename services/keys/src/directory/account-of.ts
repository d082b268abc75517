/** Whose address it is, of those that have an account here. */
import type { Account, AccountsDomain } from '@sealpost/accounts'
import { JidError, parseJid } from '@sealpost/jid'

/** Undefined for addresses without one. */
export type AccountOf = (address: string) => Promise<Account | undefined>

/** `domains`: those served, canonical. */
export function accountOf(accounts: Pick<AccountsDomain, 'find'>, domains: readonly string[]): AccountOf {
  return async (address) => {
    try {
      const jid = parseJid(address)
      return domains.includes(jid.domain) ? await accounts.find(jid) : undefined
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }
}
