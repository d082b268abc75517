/** The status as everybody may see it: put together at most every fifteen seconds, however many ask. */
import { dayOf } from '@sealpost/accounts'
import type { Clock } from '@sealpost/runtime'
import { monthAt } from './agreement.ts'
import { type Availability, sumMonth } from './availability.ts'
import { COMPONENTS, type Component } from './component.ts'
import type { Incidents } from './incidents.ts'
import type { MaintenanceDesk } from './maintenance.ts'
import type { DayRow, Incident, Maintenance } from './store.ts'

/** `unknown`: nobody has probed it lately. */
export const STATES = ['up', 'degraded', 'down', 'maintenance', 'unknown'] as const
export type State = (typeof STATES)[number]

export interface ComponentStatus {
  readonly component: Component
  readonly state: State
  /** Of this month, in percent; undefined: never probed. */
  readonly availability: number | undefined
  /** The last ninety days, the oldest first; those before the first probe are absent. */
  readonly days: readonly DayRow[]
}

export interface PublicStatus {
  readonly at: number
  /** The worst of the components. */
  readonly state: State
  readonly components: readonly ComponentStatus[]
  /** Open, or ended in the last ninety days; the newest first. */
  readonly incidents: readonly Incident[]
  /** Under way and to come; the next first. */
  readonly maintenance: readonly Maintenance[]
}

export interface PublicStatusOptions {
  readonly availability: Availability
  readonly incidents: Incidents
  readonly maintenance: MaintenanceDesk
  readonly clock: Pick<Clock, 'now'>
}

export const BAR_DAYS = 90
const DAY_MS = 86_400_000
const FRESH_MS = 15_000
const INCIDENTS_MAX = 100

/** Asks once for all who ask within FRESH_MS; a failure is nobody's but theirs. */
export function createPublicStatus(options: PublicStatusOptions): () => Promise<PublicStatus> {
  let known: { readonly at: number; readonly status: Promise<PublicStatus> } | undefined
  return () => {
    const now = options.clock.now()
    if (known === undefined || now - known.at >= FRESH_MS || now < known.at) {
      const status = find(options, now)
      const entry = { at: now, status }
      known = entry
      status.catch(() => {
        if (known === entry) known = undefined
      })
    }
    return known.status
  }
}

async function find(options: PublicStatusOptions, now: number): Promise<PublicStatus> {
  const { availability, incidents, maintenance } = options
  const [days, told, planned, probed] = await Promise.all([
    availability.days(dayOf(now, 1 - BAR_DAYS), dayOf(now)),
    incidents.list({ before: undefined, openOrSince: now - BAR_DAYS * DAY_MS, limit: INCIDENTS_MAX }),
    maintenance.ahead(),
    Promise.all(COMPONENTS.map((component) => availability.current(component))),
  ])
  const thisMonth = monthAt(now).name
  const months = sumMonth(days.filter(({ day }) => day.startsWith(thisMonth)))
  const components = COMPONENTS.map((component, index) => ({
    component,
    state: stateOf(component, { good: probed[index], told, planned, now }),
    availability: months.find((month) => month.component === component)?.availability,
    days: days.filter((row) => row.component === component),
  }))
  return { at: now, state: worst(components), components, incidents: told, maintenance: planned }
}

interface Known {
  readonly good: boolean | undefined
  readonly told: readonly Incident[]
  readonly planned: readonly Maintenance[]
  readonly now: number
}

function stateOf(component: Component, { good, told, planned, now }: Known): State {
  const underWay = planned.some(
    ({ components, beginsAt, endsAt }) => components.includes(component) && beginsAt <= now && now < endsAt,
  )
  if (underWay) return 'maintenance'
  if (good === false) return 'down'
  const open = told.find(({ components, endedAt }) => endedAt === undefined && components.includes(component))
  if (open !== undefined) return open.severity === 'critical' ? 'down' : 'degraded'
  return good === undefined ? 'unknown' : 'up'
}

/** From the worst to the best; what nobody knows of says nothing about the whole, unless nothing else is known. */
const SEVERITY: readonly State[] = ['down', 'degraded', 'maintenance', 'up', 'unknown']

function worst(components: readonly ComponentStatus[]): State {
  return SEVERITY.find((state) => components.some((each) => each.state === state)) ?? 'unknown'
}
