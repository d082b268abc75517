/** Status in memory: the plain model of the Postgres store. */
import { dayOf } from '@sealpost/accounts'
import { MINUTE_MS } from './minutes.ts'
import type { DayRow, Incident, Maintenance, StatusStore } from './store.ts'

export function memoryStatus(): StatusStore {
  const minutes = new Map<string, { component: string; minute: number; good: boolean }>()
  const days = new Map<string, DayRow>()
  const maintenance = new Map<string, Maintenance>()
  const incidents = new Map<string, Incident>()
  const minutesOf = (component: string) =>
    [...minutes.values()].filter((row) => row.component === component).toSorted((a, b) => a.minute - b.minute)
  return {
    async record(minute, results) {
      for (const { component, good } of results) {
        const key = `${component} ${String(minute)}`
        minutes.set(key, { component, minute, good: good && minutes.get(key)?.good !== false })
      }
    },
    async minutes(component, { from, until }) {
      return minutesOf(component)
        .filter(({ minute }) => minute >= from && minute < until)
        .map(({ minute, good }) => ({ minute, good }))
    },
    async since(component) {
      const known = [...days.values()]
        .filter((row) => row.component === component)
        .map(({ day }) => Date.parse(day) / MINUTE_MS)
      const all = [...known, ...minutesOf(component).map(({ minute }) => minute)]
      return all.length === 0 ? undefined : Math.min(...all)
    },
    async saveDays(rows) {
      for (const row of rows) days.set(`${row.component} ${row.day}`, row)
    },
    async days(first, last) {
      return [...days.entries()]
        .filter(([, { day }]) => day >= first && day <= last)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, row]) => row)
    },
    ...memoryRecords(maintenance, incidents),
    async erase(beforeMinute, before) {
      for (const [key, row] of minutes) if (row.minute < beforeMinute) minutes.delete(key)
      for (const [key, row] of days) if (row.day < dayOf(before)) days.delete(key)
      for (const [id, row] of maintenance) if (row.endsAt < before) maintenance.delete(id)
      for (const [id, row] of incidents) if ((row.endedAt ?? Infinity) < before) incidents.delete(id)
    },
  }
}

function memoryRecords(
  maintenance: Map<string, Maintenance>,
  incidents: Map<string, Incident>,
): Omit<StatusStore, 'record' | 'minutes' | 'since' | 'saveDays' | 'days' | 'erase'> {
  return {
    async insertMaintenance(row) {
      maintenance.set(row.id, row)
    },
    async changeMaintenance(id, change) {
      const row = maintenance.get(id)
      if (row === undefined || row.cancelledAt !== undefined) return false
      maintenance.set(id, { ...row, ...change })
      return true
    },
    async findMaintenance(id) {
      return maintenance.get(id)
    },
    async maintenance({ from, until, limit }) {
      return [...maintenance.values()]
        .filter(({ beginsAt, endsAt }) => endsAt > from && beginsAt < until)
        .toSorted((a, b) => a.beginsAt - b.beginsAt || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
    },
    async insertIncident(row) {
      incidents.set(row.id, row)
    },
    async changeIncident(row, update) {
      const known = incidents.get(row.id)
      if (known === undefined) return false
      const { severity, endedAt, report, reportedAt } = row
      const updates = update === undefined ? known.updates : [...known.updates, update]
      incidents.set(row.id, { ...known, severity, endedAt, report, reportedAt, updates })
      return true
    },
    async findIncident(id) {
      return incidents.get(id)
    },
    async incidents({ before, openOrSince, limit }) {
      return [...incidents.values()]
        .filter(
          ({ beganAt, id }) =>
            before === undefined || beganAt < before.at || (beganAt === before.at && id < before.id),
        )
        .filter(({ endedAt }) => openOrSince === undefined || (endedAt ?? Infinity) >= openOrSince)
        .toSorted((a, b) => b.beganAt - a.beganAt || (a.id < b.id ? 1 : -1))
        .slice(0, limit)
    },
  }
}
