/** Notices in memory: the plain model of the Postgres store. */
import type { Notice, NoticeStore } from './store.ts'

const order = ({ createdAt, id }: Notice): string => `${new Date(createdAt).toISOString()} ${id}`

const isTo = ({ audience }: Notice, accountId: string, organisations: readonly string[]): boolean =>
  audience.to === 'all' ||
  (audience.to === 'account' && audience.id === accountId) ||
  (audience.to === 'organisation' && organisations.includes(audience.id))

export function memoryNoticeStore(): NoticeStore {
  const rows = new Map<string, Notice>()
  const newest = (): Notice[] => [...rows.values()].toSorted((a, b) => (order(a) < order(b) ? 1 : -1))
  const update = (id: string, change: (notice: Notice) => Partial<Notice> | undefined): boolean => {
    const notice = rows.get(id)
    const changed = notice && change(notice)
    if (notice === undefined || changed === undefined) return false
    rows.set(id, { ...notice, ...changed })
    return true
  }
  return {
    async add(notice) {
      if (!rows.has(notice.id)) rows.set(notice.id, notice)
    },
    find: async (id) => rows.get(id),
    list: async ({ after, limit }) =>
      newest()
        .filter(({ audience }) => audience.to !== 'account')
        .filter((notice) => after === undefined || order(notice) < `${after.at} ${after.id}`)
        .slice(0, limit),
    shownTo: async (accountId, organisations, now, limit) =>
      newest()
        .filter((notice) => isTo(notice, accountId, organisations))
        .filter(({ shownUntil, withdrawnAt }) => shownUntil > now && withdrawnAt === undefined)
        .slice(0, limit),
    personal: async (accountId) =>
      newest().filter(({ audience }) => audience.to === 'account' && audience.id === accountId),
    withdraw: async (id, now) =>
      update(id, ({ withdrawnAt }) => (withdrawnAt === undefined ? { withdrawnAt: now } : undefined)),
    unsent: async (limit) =>
      newest()
        .toReversed()
        .filter(
          ({ withdrawnAt, mail, chat }) => withdrawnAt === undefined && [mail, chat].includes('pending'),
        )
        .slice(0, limit),
    claimChat: async (id) => update(id, ({ chat }) => (chat === 'pending' ? { chat: 'done' } : undefined)),
    claimMail: async (id, accountId, after) =>
      update(id, ({ mail, mailClaimed, mailAfter }) =>
        mail === 'pending' && mailClaimed === undefined && mailAfter === after
          ? { mailClaimed: accountId }
          : undefined,
      ),
    settleMail: async (id, accountId, outcome) =>
      void update(id, (notice) =>
        notice.mailClaimed === accountId
          ? { mailAfter: accountId, mailClaimed: undefined, [outcome]: notice[outcome] + 1 }
          : undefined,
      ),
    releaseMail: async (id, accountId) =>
      void update(id, ({ mailClaimed }) =>
        mailClaimed === accountId ? { mailClaimed: undefined } : undefined,
      ),
    endMail: async (id) =>
      void update(id, () => ({ mail: 'done', mailAfter: undefined, mailClaimed: undefined })),
    async eraseAccount(accountId) {
      for (const { id, audience } of rows.values())
        if (audience.to === 'account' && audience.id === accountId) rows.delete(id)
    },
    async eraseOrganisation(organisationId) {
      for (const { id, audience } of rows.values())
        if (audience.to === 'organisation' && audience.id === organisationId) rows.delete(id)
    },
    async forget(shownBefore) {
      for (const { id, shownUntil } of rows.values()) if (shownUntil < shownBefore) rows.delete(id)
    },
  }
}
