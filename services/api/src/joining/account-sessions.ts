/** Sessions of account owners on their page: a cookie of 256 random bits, kept as its SHA-256; over after 30 minutes of rest, after 12 hours, and when everything is signed out. */
import { createHash } from 'node:crypto'
import type { Account, AccountsDomain } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import type { AccountSessionStore } from './account-session-store.ts'

export interface AccountSessions {
  /** The token is for the cookie, and answered here only. */
  start(account: Account): Promise<string>
  /** Undefined: there is none, or not any more. The account may be suspended. */
  find(token: string): Promise<Account | undefined>
  end(token: string): Promise<void>
  /** It goes on although everything else of the account was signed out. */
  renew(token: string): Promise<void>
  eraseAccount(accountId: string): Promise<void>
  eraseExpired(): Promise<void>
}

const TOKEN_BYTES = 32
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/
const PER_ACCOUNT_MAX = 20
const REST_MS = 30 * 60_000
const LIFE_MS = 12 * 3_600_000
/** How finely rest is measured. */
const TOUCH_MS = 60_000

interface Parts {
  readonly store: AccountSessionStore
  readonly accounts: Pick<AccountsDomain, 'findById'>
  readonly clock: Clock
  readonly random: Random
}

export function createAccountSessions({ store, accounts, clock, random }: Parts): AccountSessions {
  return {
    async start({ id: accountId, signOuts }) {
      const token = random.token(TOKEN_BYTES)
      const now = clock.now()
      await store.insert(hashOf(token), { accountId, signOuts, startedAt: now, seenAt: now }, PER_ACCOUNT_MAX)
      return token
    },

    async find(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const session = await store.find(hashOf(token))
      const now = clock.now()
      if (!session || session.startedAt + LIFE_MS <= now || session.seenAt + REST_MS <= now) return undefined
      const account = await accounts.findById(session.accountId)
      if (account?.signOuts !== session.signOuts || account.state === 'terminated') return undefined
      if (session.seenAt + TOUCH_MS <= now) await store.touch(hashOf(token), now)
      return account
    },

    end: (token) => store.end(hashOf(token)),

    async renew(token) {
      const session = await store.find(hashOf(token))
      const account = session && (await accounts.findById(session.accountId))
      if (account) await store.renew(hashOf(token), account.signOuts)
    },

    eraseAccount: (accountId) => store.eraseAccount(accountId),
    eraseExpired: () => store.eraseBefore(clock.now() - LIFE_MS),
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
