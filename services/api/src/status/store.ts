/**
 * What is known of the service's status. Retention: minutes 93 days, days, maintenance and incidents three years. Times are milliseconds since
 * the epoch unless told. One contract: store.test.ts.
 */
import type { Tell } from '../webhooks/webhooks.ts'
import type { Component, ProbeResult } from './component.ts'
import type { Span } from './minutes.ts'

export interface DayRow {
  readonly component: Component
  /** UTC, YYYY-MM-DD. */
  readonly day: string
  readonly good: number
  readonly lost: number
  readonly counted: number
}

export interface Maintenance {
  readonly id: string
  readonly components: readonly Component[]
  readonly summary: string
  readonly announcedAt: number
  readonly beginsAt: number
  readonly endsAt: number
  readonly cancelledAt: number | undefined
}

export const SEVERITIES = ['minor', 'major', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

export interface IncidentUpdate {
  readonly at: number
  readonly text: string
}

export interface Incident {
  readonly id: string
  readonly components: readonly Component[]
  readonly severity: Severity
  readonly title: string
  readonly beganAt: number
  readonly endedAt: number | undefined
  readonly report: string | undefined
  readonly reportedAt: number | undefined
  /** In their order. */
  readonly updates: readonly IncidentUpdate[]
}

/** `tell` is called in the transaction of the change, if there is one: in memory nobody is told. */
export interface StatusStore {
  /** A minute that is there already stays good only if this probe was good as well. */
  record(minute: number, results: readonly ProbeResult[]): Promise<void>
  /** The minutes of a span in which the component served, and those in which it is known not to have. */
  minutes(component: Component, span: Span): Promise<{ minute: number; good: boolean }[]>
  /** The first minute or day that is known of a component, as a minute; undefined: it was never probed. */
  since(component: Component): Promise<number | undefined>
  /** Replaces what was known of those days. */
  saveDays(rows: readonly DayRow[]): Promise<void>
  /** Days from the first to the last, both included; by component and day. */
  days(first: string, last: string): Promise<DayRow[]>
  insertMaintenance(maintenance: Maintenance, tell?: Tell): Promise<void>
  /** False: there is no such maintenance that is not cancelled. */
  changeMaintenance(
    id: string,
    change: { endsAt: number } | { cancelledAt: number },
    tell?: Tell,
  ): Promise<boolean>
  findMaintenance(id: string): Promise<Maintenance | undefined>
  /** That ends after `from` and begins before `until`, cancelled ones included, by beginning, at most `limit`. */
  maintenance(query: { from: number; until: number; limit: number }): Promise<Maintenance[]>
  /** With its first update, if it has any. */
  insertIncident(incident: Incident, tell?: Tell): Promise<void>
  /** Replaces severity, end and report, and adds an update, if one is given; false: there is no such incident. */
  changeIncident(
    incident: Omit<Incident, 'updates'>,
    update: IncidentUpdate | undefined,
    tell?: Tell,
  ): Promise<boolean>
  findIncident(id: string): Promise<Incident | undefined>
  /** The newest first: begun before `before` (with a smaller id, where they begin at once), at most `limit`. */
  incidents(query: {
    before: { at: number; id: string } | undefined
    openOrSince?: number
    limit: number
  }): Promise<Incident[]>
  /** Minutes before the first, and days, maintenance and incidents that ended before the second. */
  erase(beforeMinute: number, before: number): Promise<void>
}
