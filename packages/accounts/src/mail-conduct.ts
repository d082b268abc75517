/** How accounts use mail, as far as administrators must know: what was noticed and wants their look, and how they restricted one account. */
import type { Jid } from '@sealpost/jid'
import type { Clock } from '@sealpost/runtime'
import { AccountError } from './account.ts'
import { dayOf } from './day.ts'
import type { Deciding } from './organisation.ts'
import type { AccountStore } from './store.ts'

/**
 * `large-files`: sends many large files, again and again. `mailbox-messages`, `mailbox-bytes`: gets more in a day than a person can use. `spam`, `malware`, `bounces`:
 * was suspended for what it sent, or because too many did not want it.
 */
export const MAIL_REVIEW_REASONS = [
  'large-files',
  'mailbox-messages',
  'mailbox-bytes',
  'spam',
  'malware',
  'bounces',
] as const
export type MailReviewReason = (typeof MAIL_REVIEW_REASONS)[number]

/** Highest limit that can be set, in messages a day. */
export const MAIL_LIMIT_MAX = 1_000_000
/** What nobody looks at for so long is forgotten. */
const REVIEW_DAYS_MAX = 30

export interface MailReview {
  readonly accountId: string
  readonly reason: MailReviewReason
  /** Last noticed, in UTC. */
  readonly noticedOn: string
}

export interface MailConductStore {
  limit(accountId: string): Promise<number | undefined>
  /** Undefined takes it back. False when there is no such account, or `narrowerOnly`, and it would allow more than the limit that is there. */
  setLimit(accountId: string, messagesPerDay: number | undefined, narrowerOnly: boolean): Promise<boolean>
  /** What was noticed before `forgetBefore` goes. An account that is gone is left out. */
  notice(review: MailReview, forgetBefore: string): Promise<void>
  /** The newest first; of one account, if told. */
  reviews(since: string, limit: number, accountId?: string): Promise<MailReview[]>
  clear(accountId: string): Promise<void>
}

/** Refusals are AccountErrors. */
export interface MailConduct {
  /** Messages a day that an administrator allows the account; undefined: as many as everybody. One indexed query. */
  limit(accountId: string): Promise<number | undefined>
  /** Undefined takes the restriction back. `by` an organisation, it only becomes narrower: ACCOUNT_HELD. Throws ACCOUNT_UNKNOWN. */
  setLimit(jid: Jid, messagesPerDay: number | undefined, by?: Deciding): Promise<void>
  notice(accountId: string, reason: MailReviewReason): Promise<void>
  /** The newest 200 that nobody has looked at; of one account, if told. */
  reviews(accountId?: string): Promise<MailReview[]>
  /** Somebody has looked at the account. Throws ACCOUNT_UNKNOWN. */
  looked(jid: Jid): Promise<void>
}

const REVIEWS_MAX = 200
const DAY_MS = 86_400_000

export interface MailConductParts {
  readonly store: MailConductStore
  readonly accounts: Pick<AccountStore, 'find'>
  readonly clock: Clock
}

export function createMailConduct({ store, accounts, clock }: MailConductParts): MailConduct {
  const today = (): string => dayOf(clock.now())
  const oldest = (): string => dayOf(clock.now() - REVIEW_DAYS_MAX * DAY_MS)
  const idOf = async (jid: Jid): Promise<string> => {
    const row = await accounts.find({ domain: jid.domain, localpart: jid.local })
    if (row === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
    return row.id
  }
  return {
    limit: (accountId) => store.limit(accountId),
    async setLimit(jid, messagesPerDay, { within } = {}) {
      if (!(await store.setLimit(await idOf(jid), messagesPerDay, within !== undefined)))
        throw new AccountError(within === undefined ? 'ACCOUNT_UNKNOWN' : 'ACCOUNT_HELD')
    },
    notice: (accountId, reason) => store.notice({ accountId, reason, noticedOn: today() }, oldest()),
    reviews: (accountId) => store.reviews(oldest(), REVIEWS_MAX, accountId),
    looked: async (jid) => store.clear(await idOf(jid)),
  }
}
