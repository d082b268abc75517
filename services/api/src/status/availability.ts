/** From probes to days and months: what each component kept of what was promised. */
import { dayOf } from '@sealpost/accounts'
import type { Clock } from '@sealpost/runtime'
import { type Month, availability, credit, mailboxCredit } from './agreement.ts'
import { COMPONENTS, type Component, type ProbeResult } from './component.ts'
import {
  countedLoss,
  LOSS_MINUTES_MIN,
  losses,
  MINUTE_MS,
  minuteOf,
  type Span,
  urgentWindows,
} from './minutes.ts'
import { StatusError } from './status-error.ts'
import type { DayRow, StatusStore } from './store.ts'

const DAY_MINUTES = 24 * 60
const DAY_MS = DAY_MINUTES * MINUTE_MS
/** Probes of a minute may take the next one to arrive. */
const LATE_MINUTES = 2
/** A prober that could not reach us tells later what it found. */
const PROBE_AGE_MAX = DAY_MINUTES
const DAYS_KEPT = 93
const MINUTES_KEPT = DAYS_KEPT * DAY_MINUTES
const KEPT_MS = 3 * 366 * DAY_MS
/** Days that late probes may still change. */
const OPEN_DAYS = 2
/** Windows of one day: more were never planned. */
const WINDOWS_MAX = 1_000

export interface MonthOf {
  readonly component: Component
  /** Minutes of it that are known so far. */
  readonly minutes: number
  readonly lost: number
  readonly counted: number
  /** Percent. */
  readonly availability: number
  /** Per mille of the month's fee, if the month ended now. */
  readonly credit: number
}

export class Availability {
  readonly #store: StatusStore
  readonly #clock: Pick<Clock, 'now'>

  constructor(store: StatusStore, clock: Pick<Clock, 'now'>) {
    this.#store = store
    this.#clock = clock
  }

  /** What a prober found in a minute. Throws PROBE_TIME. */
  async record(minute: number, results: readonly ProbeResult[]): Promise<void> {
    const now = minuteOf(this.#clock.now())
    if (minute > now || minute < now - PROBE_AGE_MAX) throw new StatusError('PROBE_TIME')
    if (results.length > 0) await this.#store.record(minute, results)
  }

  /** What the newest probe found; undefined: there was none in the last minutes. */
  async current(component: Component): Promise<boolean | undefined> {
    const now = minuteOf(this.#clock.now())
    const rows = await this.#store.minutes(component, { from: now - LATE_MINUTES, until: now + 1 })
    return rows.at(-1)?.good
  }

  /** Days from the first to the last, today as far as it is known. Days before the first probe are absent. */
  async days(first: string, last: string): Promise<DayRow[]> {
    const now = this.#clock.now()
    const rows = await this.#store.days(first, last)
    const known = rows.filter(({ day }) => day < dayOf(now))
    const written = new Set(known.map(({ component, day }) => `${component} ${day}`))
    // Days are written some minutes after midnight, and those that a machine slept through some minutes after it woke.
    const open = Array.from({ length: DAYS_KEPT }, (_, ago) => dayOf(now, -ago))
      .filter((day) => first <= day && day <= last)
      .toReversed()
    const missing = COMPONENTS.map((component) =>
      this.#daysOf(
        component,
        open.filter((day) => !written.has(`${component} ${day}`)),
      ),
    )
    const found = (await Promise.all(missing)).flat()
    return [...known, ...found].toSorted((a, b) => (a.day < b.day ? -1 : 1))
  }

  async month(month: Month): Promise<MonthOf[]> {
    if (month.from > this.#clock.now()) throw new StatusError('MONTH_AHEAD')
    return sumMonth(await this.days(dayOf(month.from), dayOf(month.until - 1)))
  }

  /** Writes the days that are over, also those in which nobody was here; forgets what is old enough. Repeatable. */
  async compact(): Promise<void> {
    const now = this.#clock.now()
    const today = Math.floor(now / DAY_MS)
    const saved = await this.#store.days(dayOf(now - MINUTES_KEPT * MINUTE_MS), dayOf(now))
    for (const component of COMPONENTS) {
      const last = saved.findLast((row) => row.component === component)?.day
      const oldest = today - DAYS_KEPT + 1
      const first = last === undefined ? oldest : Math.min(today - OPEN_DAYS, Date.parse(last) / DAY_MS + 1)
      const begin = Math.max(first, oldest)
      const days = Array.from({ length: Math.max(0, today - begin) }, (_, index) =>
        dayOf((begin + index) * DAY_MS),
      )
      const rows = await this.#daysOf(component, days)
      if (rows.length > 0) await this.#store.saveDays(rows)
    }
    await this.#store.erase(minuteOf(now) - MINUTES_KEPT, now - KEPT_MS)
  }

  /** One after the other; those of which nothing is known, or to be known, are absent. */
  async #daysOf(component: Component, days: readonly string[]): Promise<DayRow[]> {
    const since = days.length === 0 ? undefined : await this.#store.since(component)
    if (since === undefined) return []
    const rows: DayRow[] = []
    for (const day of days) {
      const row = await this.#day(component, day, since)
      if (row !== undefined) rows.push(row)
    }
    return rows
  }

  /** `since`: the first minute of the component that is known. Undefined: nothing of that day is known, or to be known. */
  async #day(component: Component, day: string, since: number): Promise<DayRow | undefined> {
    const known = minuteOf(this.#clock.now()) - LATE_MINUTES
    const begin = Date.parse(day) / MINUTE_MS
    const span = { from: Math.max(begin, since), until: Math.min(begin + DAY_MINUTES, known) }
    if (span.from >= span.until) return undefined
    // Beyond the day's ends, to see how long a loss was that goes over midnight.
    const wide = {
      from: Math.max(span.from - LOSS_MINUTES_MIN, since),
      until: Math.min(span.until + LOSS_MINUTES_MIN, known),
    }
    const rows = await this.#store.minutes(component, wide)
    const good = new Set(rows.filter((row) => row.good).map(({ minute }) => minute))
    const counted = countedLoss(losses(good, wide), await this.#excluded(component, span), span)
    const goodOfDay = [...good].filter((minute) => minute >= span.from && minute < span.until).length
    return { component, day, good: goodOfDay, lost: span.until - span.from - goodOfDay, counted }
  }

  /** Whole minutes of maintenance: what has begun counts from its beginning on. */
  async #excluded(component: Component, span: Span): Promise<Span[]> {
    const announced = await this.#store.maintenance({
      from: span.from * MINUTE_MS,
      until: span.until * MINUTE_MS,
      limit: WINDOWS_MAX,
    })
    const windows = announced
      .filter(({ cancelledAt, components }) => cancelledAt === undefined && components.includes(component))
      .map(({ beginsAt, endsAt }) => ({ from: minuteOf(beginsAt), until: Math.ceil(endsAt / MINUTE_MS) }))
    return [...windows, ...urgentWindows(span)]
  }
}

/** `days`: all that is known of one month. Components of which nothing is known are absent. */
export function sumMonth(days: readonly DayRow[]): MonthOf[] {
  return COMPONENTS.flatMap((component) => {
    const own = days.filter((row) => row.component === component)
    if (own.length === 0) return []
    const sum = (of: 'good' | 'lost' | 'counted') => own.reduce((total, row) => total + row[of], 0)
    const [lost, counted] = [sum('lost'), sum('counted')]
    const owed = Math.max(credit(counted), component === 'mail' ? mailboxCredit(counted) : 0)
    const minutes = sum('good') + lost
    return [{ component, minutes, lost, counted, availability: availability(counted), credit: owed }]
  })
}
