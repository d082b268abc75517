/** What is remembered of strangers: see migrations/0010_strangers.sql. */
import { type Db, sql } from '@sealpost/db'

type Hashes = readonly [Buffer, Buffer]

export interface SenderStore {
  /** Whether mail of this kind has been tried before, at least `delayMs` ago. The first try is put on record. */
  meetTriplet(hashes: Hashes, nowMs: number, delayMs: number): Promise<boolean>
  /** Of both periods together. */
  reputation(hashes: Hashes, nowMs: number): Promise<Reputation>
  /** Counts a mail, and blocks until `blockedUntilMs` if it is spam of one who sends little else. */
  count(
    hash: Buffer,
    mail: 'ham' | 'spam',
    limits: { nowMs: number; blockMs: number; spamMin: number },
  ): Promise<void>
  /** Takes nothing from a sender until `untilMs`. */
  block(hash: Buffer, nowMs: number, untilMs: number): Promise<void>
  /** Forgets whom nobody has seen for long, and tries that were not repeated. */
  collect(nowMs: number): Promise<void>
}

export interface Reputation {
  readonly ham: number
  readonly spam: number
  readonly blocked: boolean
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const KEPT_DAYS = 36
const UNREPEATED_DAYS = 2

const minute = (ms: number): Date => new Date(Math.floor(ms / MINUTE_MS) * MINUTE_MS)
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

export function postgresSenderStore(db: Db): SenderStore {
  return {
    async meetTriplet([current, before], nowMs, delayMs) {
      const rows = await db.query<{ passed: boolean }>(sql`
        with known as (
          update smtp.greylist set seen_on = ${day(nowMs)}, passed = passed or first_at <= ${new Date(nowMs - delayMs)}
          where triplet in (${current}, ${before}) returning passed
        ), fresh as (
          insert into smtp.greylist (triplet, first_at, seen_on)
          select ${current}, ${minute(nowMs)}, ${day(nowMs)} where not exists (select from known)
          on conflict do nothing returning passed
        )
        select passed from known union all select passed from fresh`)
      return rows.some(({ passed }) => passed)
    },

    async reputation([current, before], nowMs) {
      const [row] = await db.query<{ ham: number; spam: number; blocked: boolean | null }>(sql`
        select coalesce(sum(ham), 0)::int as ham, coalesce(sum(spam), 0)::int as spam,
          bool_or(blocked_until > ${new Date(nowMs)}) as blocked
        from smtp.sender_reputation where sender in (${current}, ${before})`)
      return { ham: row?.ham ?? 0, spam: row?.spam ?? 0, blocked: row?.blocked ?? false }
    },

    async count(hash, mail, { nowMs, blockMs, spamMin }) {
      const [ham, spam] = mail === 'ham' ? [1, 0] : [0, 1]
      await db.execute(sql`
        insert into smtp.sender_reputation as r (sender, ham, spam, seen_on)
        values (${hash}, ${ham}, ${spam}, ${day(nowMs)})
        on conflict (sender) do update set
          ham = least(r.ham + ${ham}, 1000000), spam = least(r.spam + ${spam}, 1000000), seen_on = ${day(nowMs)},
          blocked_until = case
            when ${spam} = 1 and r.spam + 1 >= ${spamMin} and (r.spam + 1) > 4 * r.ham then greatest(r.blocked_until, ${minute(nowMs + blockMs)}::timestamptz)
            else r.blocked_until end`)
    },

    async block(hash, nowMs, untilMs) {
      await db.execute(sql`
        insert into smtp.sender_reputation as r (sender, ham, spam, seen_on, blocked_until)
        values (${hash}, 0, 0, ${day(nowMs)}, ${minute(untilMs)})
        on conflict (sender) do update set blocked_until = ${minute(untilMs)}, seen_on = ${day(nowMs)}`)
    },

    async collect(nowMs) {
      await db.execute(sql`
        delete from smtp.greylist
        where seen_on < ${day(nowMs - KEPT_DAYS * DAY_MS)} or (not passed and seen_on < ${day(nowMs - UNREPEATED_DAYS * DAY_MS)})`)
      await db.execute(
        sql`delete from smtp.sender_reputation where seen_on < ${day(nowMs - KEPT_DAYS * DAY_MS)}`,
      )
    },
  }
}
