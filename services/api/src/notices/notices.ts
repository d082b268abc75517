/**
 * What the operator tells people, shown in the panel and on the account page, sent by mail and said in chat.
 * The words are the server's own: they are no message of anybody, and in chat they reach who is connected and are kept nowhere (RFC 6121 §8.5.2.1.1).
 */
import type { Page } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { cutPage } from '../cut-page.ts'
import { formatPlace, parsePlace } from '../day.ts'
import { RightsError } from '../rights-error.ts'
import type { Audience, Notice, NoticeKind, NoticeStore } from './store.ts'

export interface NewNotice {
  readonly kind: NoticeKind
  readonly audience: Audience
  readonly title: string
  readonly body: string
  readonly startsAt?: number | undefined
  readonly endsAt?: number | undefined
  readonly shownUntil?: number | undefined
  /** Not by mail, or not in chat; both are unless told. */
  readonly mail?: boolean | undefined
  readonly chat?: boolean | undefined
}

/** Refusals are RightsErrors. */
export interface Notices {
  /** `id` makes it repeatable. Throws NOTICE_MALFORMED. */
  publish(notice: NewNotice, id?: string): Promise<Notice>
  /** As it would be published. Throws as `publish`. */
  preview(notice: NewNotice): Notice
  /** Throws NOTICE_UNKNOWN, NOTICE_WITHDRAWN. */
  withdraw(id: string): Promise<Notice>
  /** As withdraw, where there may be none, or it was before. */
  retract(id: string): Promise<void>
  /** False also where there is none. */
  isWithdrawn(id: string): Promise<boolean>
  /** Throws NOTICE_UNKNOWN. */
  find(id: string): Promise<Notice>
  /** The newest first, without those to one account. Throws CURSOR_MALFORMED. */
  list(query: { readonly cursor?: string | undefined; readonly limit: number }): Promise<Page<Notice>>
  /** Shown to the account now, the newest first. */
  shownTo(accountId: string): Promise<Notice[]>
  /** Those to this account alone. */
  personal(accountId: string): Promise<Notice[]>
  eraseAccount(accountId: string): Promise<void>
  /** Those to this organisation. */
  eraseOrganisation(id: string): Promise<void>
  /** To be called daily or more often. */
  forget(): Promise<void>
}

export interface NoticesOptions {
  readonly store: NoticeStore
  /** Ids of the organisation of an account and of all above it. */
  readonly organisationsOf: (accountId: string) => Promise<readonly string[]>
  /** Told when there is something to send. */
  readonly onPublished: () => void
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SHOWN_MS = 30 * DAY_MS
const KEPT_MS = 366 * DAY_MS
const SHOWN_MAX = 100

export function createNotices({
  store,
  organisationsOf,
  onPublished,
  clock,
  random,
}: NoticesOptions): Notices {
  const find = async (id: string): Promise<Notice> => {
    const notice = await store.find(id)
    if (notice === undefined) throw new RightsError('NOTICE_UNKNOWN')
    return notice
  }
  const preview = (notice: NewNotice, id = random.uuid()): Notice => toNotice(notice, id, clock.now())
  return {
    find,
    preview: (notice) => preview(notice),
    async publish(notice, id) {
      const added = preview(notice, id)
      await store.add(added)
      onPublished()
      return added
    },
    async withdraw(id) {
      await find(id)
      if (!(await store.withdraw(id, clock.now()))) throw new RightsError('NOTICE_WITHDRAWN')
      return find(id)
    },
    async retract(id) {
      await store.withdraw(id, clock.now())
    },
    isWithdrawn: async (id) => (await store.find(id))?.withdrawnAt !== undefined,
    async list({ cursor, limit }) {
      const rows = await store.list({ after: parsePlace(cursor), limit: limit + 1 })
      return cutPage(rows, limit, ({ createdAt, id }) =>
        formatPlace({ at: new Date(createdAt).toISOString(), id }),
      )
    },
    shownTo: async (accountId) =>
      store.shownTo(accountId, await organisationsOf(accountId), clock.now(), SHOWN_MAX),
    personal: (accountId) => store.personal(accountId),
    eraseAccount: (accountId) => store.eraseAccount(accountId),
    eraseOrganisation: (id) => store.eraseOrganisation(id),
    forget: () => store.forget(clock.now() - KEPT_MS),
  }
}

function toNotice({ kind, audience, title, body, ...rest }: NewNotice, id: string, now: number): Notice {
  const { startsAt, endsAt, mail = true, chat = true } = rest
  const planned = kind === 'maintenance'
  const timed = startsAt !== undefined && endsAt !== undefined && startsAt < endsAt
  if (planned ? !timed : (startsAt ?? endsAt) !== undefined) throw new RightsError('NOTICE_MALFORMED')
  const byMail = mail && audience.to !== 'online'
  return {
    id,
    kind,
    audience,
    title,
    body,
    startsAt,
    endsAt,
    createdAt: now,
    shownUntil: rest.shownUntil ?? endsAt ?? now + SHOWN_MS,
    withdrawnAt: undefined,
    mail: byMail ? 'pending' : 'off',
    mailAfter: undefined,
    mailClaimed: undefined,
    mailed: 0,
    refused: 0,
    uncertain: 0,
    chat: chat ? 'pending' : 'off',
  }
}
