/** Whose session on the page of their account a request shows, for services other than the one that keeps the sessions. */
import type { Account } from './account.ts'
import type { AccountsDomain } from './accounts.ts'

/** `over`: not any more, or it never was; `foreign`: no page of ours has sent it; `away`: nobody can tell now. */
export type SessionCheckOutcome =
  | { readonly result: 'right'; readonly account: Account }
  | { readonly result: 'over' | 'foreign' | 'away' }

type Verdict =
  | { readonly result: 'right'; readonly accountId: string }
  | { readonly result: 'over' | 'foreign' }

export interface SessionCheckOptions<S> {
  readonly accounts: Pick<AccountsDomain, 'findById'>
  /** Whoever keeps the sessions. */
  readonly sessions: {
    /** Rejects when it is away. */
    judge(shown: S): Promise<Verdict>
  }
}

/** The account may be suspended. */
export function createSessionCheck<S>({ accounts, sessions }: SessionCheckOptions<S>) {
  return async (shown: S): Promise<SessionCheckOutcome> => {
    const verdict = await sessions.judge(shown).catch(() => ({ result: 'away' }) as const)
    if (verdict.result !== 'right') return verdict
    const account = await accounts.findById(verdict.accountId)
    return account === undefined ? { result: 'over' } : { result: 'right', account }
  }
}
