import type { MailConductStore, MailReview } from './mail-conduct.ts'

/** Limits and reviews in memory: for tests and as the plain model of the Postgres store. `exists`: whether there is such an account. */
export function memoryMailConductStore(exists: (accountId: string) => boolean): MailConductStore {
  const limits = new Map<string, number>()
  let reviews: readonly MailReview[] = []
  return {
    limit: async (accountId) => limits.get(accountId),
    async setLimit(accountId, messagesPerDay, narrowerOnly) {
      if (narrowerOnly && (messagesPerDay ?? Infinity) > (limits.get(accountId) ?? Infinity)) return false
      if (messagesPerDay === undefined) limits.delete(accountId)
      else if (exists(accountId)) limits.set(accountId, messagesPerDay)
      return messagesPerDay === undefined || exists(accountId)
    },
    async notice(review, forgetBefore) {
      const { accountId, reason } = review
      const others = reviews.filter((each) => each.accountId !== accountId || each.reason !== reason)
      reviews = [...others, ...(exists(accountId) ? [review] : [])].filter(
        ({ noticedOn }) => noticedOn >= forgetBefore,
      )
    },
    reviews: async (since, limit, accountId) =>
      reviews
        .filter((each) => each.noticedOn >= since && (accountId ?? each.accountId) === each.accountId)
        .toSorted((a, b) => orderOf(a).localeCompare(orderOf(b)))
        .toSorted((a, b) => b.noticedOn.localeCompare(a.noticedOn))
        .slice(0, limit),
    async clear(accountId) {
      reviews = reviews.filter((each) => each.accountId !== accountId)
    },
  }
}

function orderOf({ accountId, reason }: MailReview): string {
  return `${accountId} ${reason}`
}
