/** Notices in Postgres, schema `api`. */
import { raw, sql, type Db } from '@sealpost/db'
import type { Audience, Notice, NoticeKind, NoticeStore } from './store.ts'

interface SqlNotice {
  id: string
  kind: NoticeKind
  audience: Audience['to']
  organisation_id: string | null
  account_id: string | null
  title: string
  body: string
  starts_at: Date | null
  ends_at: Date | null
  created_at: Date
  shown_until: Date
  withdrawn_at: Date | null
  mail: Notice['mail']
  mail_after: string | null
  mail_claimed: string | null
  mailed: number
  refused: number
  uncertain: number
  chat: Notice['chat']
}

const COUNTERS = { mailed: raw('mailed'), refused: raw('refused'), uncertain: raw('uncertain') } as const

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresNoticeStore(db: Db): NoticeStore {
  return { ...readers(db), ...writers(db), ...mailing(db) }
}

type Readers = Pick<NoticeStore, 'find' | 'list' | 'shownTo' | 'personal' | 'unsent'>
type Mailing = Pick<NoticeStore, 'claimChat' | 'claimMail' | 'settleMail' | 'releaseMail' | 'endMail'>

function readers(db: Db): Readers {
  const select = async (rest: ReturnType<typeof sql>): Promise<Notice[]> =>
    (await db.query<SqlNotice>(sql`select * from api.notice ${rest}`)).map(fromRow)
  return {
    find: async (id) => (await select(sql`where id = ${id}::uuid`))[0],
    list: ({ after, limit }) =>
      select(sql`
        where audience <> 'account'
          and (${after?.at ?? null}::timestamptz is null or (created_at, id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}::int`),
    shownTo: (accountId, organisations, now, limit) =>
      select(sql`
        where (audience = 'all' or account_id = ${accountId}::uuid or organisation_id = any(${organisations}::uuid[]))
          and shown_until > ${new Date(now)} and withdrawn_at is null
        order by created_at desc, id desc limit ${limit}::int`),
    personal: (accountId) =>
      select(sql`where account_id = ${accountId}::uuid order by created_at desc, id desc`),
    unsent: (limit) =>
      select(sql`
        where withdrawn_at is null and 'pending' in (mail, chat) order by created_at, id limit ${limit}::int`),
  }
}

function writers(
  db: Db,
): Pick<NoticeStore, 'add' | 'withdraw' | 'eraseAccount' | 'eraseOrganisation' | 'forget'> {
  return {
    async add({ audience, startsAt, endsAt, ...notice }) {
      const id = 'id' in audience ? audience.id : null
      await db.execute(sql`
        insert into api.notice (id, kind, audience, organisation_id, account_id, title, body, starts_at, ends_at, created_at, shown_until, mail, chat)
        values (${notice.id}::uuid, ${notice.kind}, ${audience.to}, ${audience.to === 'organisation' ? id : null}::uuid,
          ${audience.to === 'account' ? id : null}::uuid, ${notice.title}, ${notice.body}, ${date(startsAt)}, ${date(endsAt)},
          ${date(notice.createdAt)}, ${date(notice.shownUntil)}, ${notice.mail}, ${notice.chat})
        on conflict do nothing`)
    },
    async withdraw(id, now) {
      const changed = await db.execute(sql`
        update api.notice set withdrawn_at = ${new Date(now)} where id = ${id}::uuid and withdrawn_at is null`)
      return changed > 0
    },
    async eraseAccount(accountId) {
      await db.execute(sql`delete from api.notice where account_id = ${accountId}::uuid`)
    },
    async eraseOrganisation(id) {
      await db.execute(sql`delete from api.notice where organisation_id = ${id}::uuid`)
    },
    async forget(shownBefore) {
      await db.execute(sql`delete from api.notice where shown_until < ${new Date(shownBefore)}`)
    },
  }
}

function mailing(db: Db): Mailing {
  return {
    async claimChat(id) {
      const changed = await db.execute(
        sql`update api.notice set chat = 'done' where id = ${id}::uuid and chat = 'pending'`,
      )
      return changed > 0
    },
    async claimMail(id, accountId, after) {
      const changed = await db.execute(sql`
        update api.notice set mail_claimed = ${accountId}::uuid
        where id = ${id}::uuid and mail = 'pending' and mail_claimed is null and mail_after is not distinct from ${after ?? null}::uuid`)
      return changed > 0
    },
    async settleMail(id, accountId, outcome) {
      const counter = COUNTERS[outcome]
      await db.execute(sql`
        update api.notice set mail_after = mail_claimed, mail_claimed = null, ${counter} = ${counter} + 1
        where id = ${id}::uuid and mail_claimed = ${accountId}::uuid`)
    },
    async releaseMail(id, accountId) {
      await db.execute(sql`
        update api.notice set mail_claimed = null where id = ${id}::uuid and mail_claimed = ${accountId}::uuid`)
    },
    async endMail(id) {
      await db.execute(
        sql`update api.notice set mail = 'done', mail_after = null, mail_claimed = null where id = ${id}::uuid`,
      )
    },
  }
}

function date(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms)
}

function fromRow(row: SqlNotice): Notice {
  return {
    id: row.id,
    kind: row.kind,
    audience: audienceOf(row),
    title: row.title,
    body: row.body,
    startsAt: row.starts_at?.getTime(),
    endsAt: row.ends_at?.getTime(),
    createdAt: row.created_at.getTime(),
    shownUntil: row.shown_until.getTime(),
    withdrawnAt: row.withdrawn_at?.getTime(),
    mail: row.mail,
    mailAfter: row.mail_after ?? undefined,
    mailClaimed: row.mail_claimed ?? undefined,
    mailed: row.mailed,
    refused: row.refused,
    uncertain: row.uncertain,
    chat: row.chat,
  }
}

function audienceOf({ audience, organisation_id: organisation, account_id: account }: SqlNotice): Audience {
  if (audience === 'all' || audience === 'online') return { to: audience }
  return { to: audience, id: organisation ?? account ?? '' }
}
