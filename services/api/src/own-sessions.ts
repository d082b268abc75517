/** Sessions on the pages of accounts, for the services that keep what accounts own elsewhere: mail and keys. */
import type { OwnSessions } from '@sealpost/ports'
import type { AccountSessions } from './joining/account-sessions.ts'
import { foreignness, originsOfAccounts } from './routes/browser.ts'

export interface OwnSessionsOptions {
  readonly sessions: Pick<AccountSessions, 'find'>
  /** `https://HOST:PORT` */
  readonly origin: () => string
}

export function ownSessions({ sessions, origin }: OwnSessionsOptions): OwnSessions {
  return {
    async judge(shown) {
      if (foreignness(shown, originsOfAccounts(shown, origin())) !== undefined) return { result: 'foreign' }
      const account = await sessions.find(shown.token)
      return account === undefined ? { result: 'over' } : { result: 'right', accountId: account.id }
    },
  }
}
