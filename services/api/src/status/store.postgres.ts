/** Status in Postgres, schema `api`. */
import { dayOf } from '@sealpost/accounts'
import { sql, type Db } from '@sealpost/db'
import type { Component } from './component.ts'
import type { DayRow, Incident, IncidentUpdate, Maintenance, Severity, StatusStore } from './store.ts'

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresStatus(db: Db): StatusStore {
  return { ...probeRows(db), ...maintenanceRows(db), ...incidentRows(db) }
}

function probeRows(
  db: Db,
): Pick<StatusStore, 'record' | 'minutes' | 'since' | 'saveDays' | 'days' | 'erase'> {
  return {
    async record(minute, results) {
      await db.execute(sql`
        insert into api.status_minute as m (component, minute, good)
        select component, ${minute}, good
          from unnest(${results.map(({ component }) => component)}::text[], ${results.map(({ good }) => good)}::boolean[])
            as r (component, good)
        on conflict (component, minute) do update set good = m.good and excluded.good`)
    },
    minutes: (component, { from, until }) =>
      db.query<{ minute: number; good: boolean }>(sql`
        select minute, good from api.status_minute
         where component = ${component} and minute >= ${from} and minute < ${until} order by minute`),
    async since(component) {
      const [row] = await db.query<{ minute: number | null }>(sql`
        select least(
          (select min(minute) from api.status_minute where component = ${component}),
          (select min(extract(epoch from day) / 60)::integer from api.status_day where component = ${component})) as minute`)
      return row?.minute ?? undefined
    },
    async saveDays(rows) {
      await db.execute(sql`
        insert into api.status_day (component, day, good, lost, counted)
        select * from unnest(
          ${rows.map(({ component }) => component)}::text[], ${rows.map(({ day }) => day)}::date[],
          ${rows.map(({ good }) => good)}::integer[], ${rows.map(({ lost }) => lost)}::integer[],
          ${rows.map(({ counted }) => counted)}::integer[])
        on conflict (component, day) do update
          set good = excluded.good, lost = excluded.lost, counted = excluded.counted`)
    },
    days: (first, last) =>
      db.query<DayRow>(sql`
        select component, day::text as day, good, lost, counted from api.status_day
         where day between ${first}::date and ${last}::date order by component collate "C", day`),
    async erase(beforeMinute, before) {
      const instant = new Date(before)
      await db.execute(sql`delete from api.status_minute where minute < ${beforeMinute}`)
      await db.execute(sql`delete from api.status_day where day < ${dayOf(before)}::date`)
      await db.execute(sql`delete from api.status_maintenance where ends_at < ${instant}`)
      await db.execute(sql`delete from api.status_incident where ended_at < ${instant}`)
    },
  }
}

interface MaintenanceRow {
  readonly id: string
  readonly components: readonly Component[]
  readonly summary: string
  readonly announced_at: Date
  readonly begins_at: Date
  readonly ends_at: Date
  readonly cancelled_at: Date | null
}

function toMaintenance(row: MaintenanceRow): Maintenance {
  return {
    id: row.id,
    components: row.components,
    summary: row.summary,
    announcedAt: row.announced_at.getTime(),
    beginsAt: row.begins_at.getTime(),
    endsAt: row.ends_at.getTime(),
    cancelledAt: row.cancelled_at?.getTime(),
  }
}

function maintenanceRows(
  db: Db,
): Pick<StatusStore, 'insertMaintenance' | 'changeMaintenance' | 'findMaintenance' | 'maintenance'> {
  return {
    insertMaintenance: (row, tell) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`
          insert into api.status_maintenance (id, components, summary, announced_at, begins_at, ends_at, cancelled_at)
          values (${row.id}::uuid, ${[...row.components]}, ${row.summary}, ${new Date(row.announcedAt)},
                  ${new Date(row.beginsAt)}, ${new Date(row.endsAt)}, ${dateOf(row.cancelledAt)})`)
        await tell?.(tx)
      }),
    changeMaintenance: (id, change, tell) =>
      db.transaction(async (tx) => {
        const endsAt = dateOf('endsAt' in change ? change.endsAt : undefined)
        const cancelledAt = dateOf('cancelledAt' in change ? change.cancelledAt : undefined)
        const rows = await tx.query<{ id: string }>(sql`
          update api.status_maintenance
             set ends_at = coalesce(${endsAt}::timestamptz, ends_at), cancelled_at = ${cancelledAt}::timestamptz
           where id = ${id}::uuid and cancelled_at is null returning id`)
        if (rows.length === 0) return false
        await tell?.(tx)
        return true
      }),
    async findMaintenance(id) {
      const [row] = await db.query<MaintenanceRow>(
        sql`select * from api.status_maintenance where id = ${id}::uuid`,
      )
      return row && toMaintenance(row)
    },
    async maintenance({ from, until, limit }) {
      const rows = await db.query<MaintenanceRow>(sql`
        select * from api.status_maintenance
         where ends_at > ${new Date(from)} and begins_at < ${new Date(until)} order by begins_at, id limit ${limit}`)
      return rows.map(toMaintenance)
    },
  }
}

interface IncidentRow {
  readonly id: string
  readonly components: readonly Component[]
  readonly severity: Severity
  readonly title: string
  readonly began_at: Date
  readonly ended_at: Date | null
  readonly report: string | null
  readonly reported_at: Date | null
  /** JSON knows no instants: text as ISO 8601 has it. */
  readonly updates: readonly { readonly at: string; readonly text: string }[]
}

function toIncident(row: IncidentRow): Incident {
  return {
    id: row.id,
    components: row.components,
    severity: row.severity,
    title: row.title,
    beganAt: row.began_at.getTime(),
    endedAt: row.ended_at?.getTime(),
    report: row.report ?? undefined,
    reportedAt: row.reported_at?.getTime(),
    updates: row.updates.map(({ at, text }) => ({ at: Date.parse(at), text })),
  }
}

const incidentColumns = sql`i.*, coalesce(
  (select jsonb_agg(jsonb_build_object('at', u.at, 'text', u.text) order by u.position)
     from api.status_incident_update u where u.incident_id = i.id), '[]') as updates`

function incidentRows(
  db: Db,
): Pick<StatusStore, 'insertIncident' | 'changeIncident' | 'findIncident' | 'incidents'> {
  const addUpdate = (id: string, { at, text }: IncidentUpdate) => sql`
    insert into api.status_incident_update (incident_id, position, at, text)
    select ${id}::uuid, coalesce(max(position), 0) + 1, ${new Date(at)}, ${text}
      from api.status_incident_update where incident_id = ${id}::uuid`
  return {
    insertIncident: (row, tell) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`
          insert into api.status_incident (id, components, severity, title, began_at, ended_at, report, reported_at)
          values (${row.id}::uuid, ${[...row.components]}, ${row.severity}, ${row.title}, ${new Date(row.beganAt)},
                  ${dateOf(row.endedAt)}, ${row.report ?? null}, ${dateOf(row.reportedAt)})`)
        for (const update of row.updates) await tx.execute(addUpdate(row.id, update))
        await tell?.(tx)
      }),
    changeIncident: (row, update, tell) =>
      db.transaction(async (tx) => {
        // The lock of the row makes updates that come at once follow each other.
        const found = await tx.query<{ id: string }>(sql`
          update api.status_incident
             set severity = ${row.severity}, ended_at = ${dateOf(row.endedAt)}, report = ${row.report ?? null},
                 reported_at = ${dateOf(row.reportedAt)}
           where id = ${row.id}::uuid returning id`)
        if (found.length === 0) return false
        if (update !== undefined) await tx.execute(addUpdate(row.id, update))
        await tell?.(tx)
        return true
      }),
    async findIncident(id) {
      const [row] = await db.query<IncidentRow>(
        sql`select ${incidentColumns} from api.status_incident i where i.id = ${id}::uuid`,
      )
      return row && toIncident(row)
    },
    async incidents({ before, openOrSince, limit }) {
      const rows = await db.query<IncidentRow>(sql`
        select ${incidentColumns} from api.status_incident i
         where (${before === undefined} or (i.began_at, i.id) < (${dateOf(before?.at)}::timestamptz, ${before?.id ?? null}::uuid))
           and (${openOrSince === undefined} or i.ended_at is null or i.ended_at >= ${dateOf(openOrSince)}::timestamptz)
         order by i.began_at desc, i.id desc limit ${limit}`)
      return rows.map(toIncident)
    },
  }
}

function dateOf(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms)
}
