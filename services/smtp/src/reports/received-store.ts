/** What others reported about our domains: see migrations/0040_reports.sql. */
import { createHash } from 'node:crypto'
import { type Db, sql } from '@sealpost/db'
import type { ReportCount } from '@sealpost/mail'
import type { ReportKind, ReportedDay } from '@sealpost/ports'

export interface ProvenReport {
  readonly kind: ReportKind
  /** The domain that it is proven to be from. */
  readonly reporter: string
  readonly id: string
  /** `YYYY-MM-DD` */
  readonly day: string
  /** About our domains alone. */
  readonly counts: readonly ReportCount[]
}

const KEPT_DAYS = 90
const SEEN_DAYS = 16
/** Of one domain, day and kind; others are counted together. */
const REPORTERS_MAX = 200
const OTHER = 'other'
const COUNT_MAX = 1_000_000_000_000_000
const LISTED_MAX = 1_000
const DAY_MS = 24 * 60 * 60_000
const HASH_BYTES = 16

/** All throw DbError. */
export interface ReceivedStore {
  /** False: it was counted before. */
  add(report: ProvenReport): Promise<boolean>
  /** Since the day, latest first, at most 1,000 together. */
  list(query: { readonly domain?: string | undefined; readonly since: string }): Promise<ReportedDay[]>
  collect(nowMs: number): Promise<void>
}

export function receivedStore(db: Db): ReceivedStore {
  return {
    async add({ kind, reporter, id, day, counts }) {
      const hash = createHash('sha256').update(`${kind}\0${reporter}\0${id}`).digest().subarray(0, HASH_BYTES)
      const [row] = await db.query<{ fresh: boolean }>(sql`
        with fresh as (
          insert into smtp.report_seen (report, day) values (${hash}, ${day}::date) on conflict do nothing returning true
        ), known as (
          select domain, count(distinct reporter) as reporters, bool_or(reporter = ${reporter}) as is_known
          from smtp.report_count
          where kind = ${kind} and day = ${day}::date and domain = any(${counts.map(({ domain }) => domain)}::text[])
          group by domain
        ), added as (
          insert into smtp.report_count as c (kind, domain, day, reporter, result, count)
          select ${kind}, given.domain, ${day}::date,
            case when known.reporters >= ${REPORTERS_MAX} and not known.is_known then ${OTHER} else ${reporter} end,
            given.result, given.count
          from unnest(
            ${counts.map(({ domain }) => domain)}::text[], ${counts.map(({ result }) => result)}::text[],
            ${counts.map(({ count }) => count)}::bigint[]
          ) as given (domain, result, count) left join known using (domain)
          where exists (select from fresh)
          on conflict (domain, day, kind, reporter, result) do update set count = least(c.count + excluded.count, ${COUNT_MAX}::bigint)
        )
        select exists (select from fresh) as fresh`)
      return row?.fresh === true
    },

    async list({ domain, since }) {
      const rows = await db.query<{
        kind: ReportKind
        domain: string
        day: string
        reporter: string
        results: Record<string, number>
      }>(sql`
        select kind, domain, day::text as day, reporter, jsonb_object_agg(result, count) as results
        from smtp.report_count
        where day >= ${since}::date and (${domain ?? null}::text is null or domain = ${domain ?? null}::text)
        group by kind, domain, day, reporter
        order by day desc, domain, kind, reporter limit ${LISTED_MAX}::int`)
      return rows.map(({ results, ...reported }) => ({
        ...reported,
        results: Object.entries(results)
          .map(([result, count]) => ({ result, count }))
          .toSorted((a, b) => b.count - a.count),
      }))
    },

    async collect(nowMs) {
      const ago = (days: number): string => dayOf(nowMs - days * DAY_MS)
      await db.execute(sql`delete from smtp.report_count where day < ${ago(KEPT_DAYS)}::date`)
      await db.execute(sql`delete from smtp.report_seen where day < ${ago(SEEN_DAYS)}::date`)
    },
  }
}

/** In UTC. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
