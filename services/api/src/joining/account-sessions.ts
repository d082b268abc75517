/** Sessions of account owners on their page: a cookie of 256 random bits, kept as its SHA-256; over at rest and in the end, as the plan or the server said when it began, and when everything is signed out. */
import type { Account, AccountsDomain, PlanLimits } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { hashToken, type SessionTimes, TOKEN_BYTES, TOKEN_PATTERN, TOUCH_MS } from '../access/sessions.ts'
import type { AccountSessionRow, AccountSessionStore } from './account-session-store.ts'

export interface AccountSessions {
  /** The token is for the cookie, and answered here only. */
  start(account: Account): Promise<string>
  /** Undefined: there is none, or not any more. The account may be suspended. */
  find(token: string): Promise<Account | undefined>
  end(token: string): Promise<void>
  /** Those that are worth something, the newest first. `token`: of the one that asks, if it is by one. */
  list(account: Account, token: string | undefined): Promise<OwnSession[]>
  /** False when the account has no such session. */
  endOne(accountId: string, id: string): Promise<boolean>
  /** It goes on although everything else of the account was signed out. */
  renew(token: string): Promise<void>
  eraseAccount(accountId: string): Promise<void>
  eraseExpired(): Promise<void>
}

export interface OwnSession extends Pick<AccountSessionRow, 'id' | 'startedAt' | 'seenAt'> {
  /** Whether it is the one that asks. */
  readonly isCurrent: boolean
}

const PER_ACCOUNT_MAX = 20

interface Parts {
  readonly store: AccountSessionStore
  readonly accounts: Pick<AccountsDomain, 'findById' | 'plans'>
  readonly clock: Clock
  readonly random: Random
  /** Where no plan says otherwise. */
  readonly times: SessionTimes
}

export function createAccountSessions({ store, accounts, clock, random, times }: Parts): AccountSessions {
  return {
    async start({ id: accountId, signOuts }) {
      const token = random.token(TOKEN_BYTES)
      const now = clock.now()
      const { restMs, lifeMs } = timesOf((await accounts.plans.of(accountId)).limits, times)
      const session = {
        id: random.uuid(),
        accountId,
        signOuts,
        startedAt: now,
        seenAt: now,
        restMs,
        endsAt: now + lifeMs,
      }
      await store.insert(hashToken(token), session, PER_ACCOUNT_MAX)
      return token
    },

    async find(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const session = await store.find(hashToken(token))
      const now = clock.now()
      if (!session || isOver(session, now)) return undefined
      const account = await accounts.findById(session.accountId)
      if (account?.signOuts !== session.signOuts || account.state === 'terminated') return undefined
      if (session.seenAt + TOUCH_MS <= now) await store.touch(hashToken(token), now)
      return account
    },

    end: (token) => store.end(hashToken(token)),

    async list({ id, signOuts }, token) {
      const current = token === undefined ? undefined : await store.find(hashToken(token))
      const now = clock.now()
      return (await store.list(id))
        .filter((session) => session.signOuts === signOuts && !isOver(session, now))
        .map((session) => ({ ...session, isCurrent: session.id === current?.id }))
    },

    endOne: (accountId, id) => store.endOne(accountId, id),

    async renew(token) {
      const session = await store.find(hashToken(token))
      const account = session && (await accounts.findById(session.accountId))
      if (account) await store.renew(hashToken(token), account.signOuts)
    },

    eraseAccount: (accountId) => store.eraseAccount(accountId),
    eraseExpired: () => store.eraseOver(clock.now()),
  }
}

function isOver({ seenAt, restMs, endsAt }: AccountSessionRow, now: number): boolean {
  return endsAt <= now || seenAt + restMs <= now
}

function timesOf(limits: PlanLimits, { restMs, lifeMs }: SessionTimes): SessionTimes {
  const { session_rest_minutes: minutes, session_hours: hours } = limits
  return {
    restMs: minutes === undefined ? restMs : minutes * 60_000,
    lifeMs: hours === undefined ? lifeMs : hours * 3_600_000,
  }
}
