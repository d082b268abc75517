/** How status, maintenance and incidents look in the API. */
import { Type, type Static } from '@sealpost/http'
import { COMPONENTS } from '../status/component.ts'
import { reportDueAt } from '../status/incidents.ts'
import { type Incident, type Maintenance, SEVERITIES } from '../status/store.ts'
import { timeSchema } from './rights-schema.ts'

export const componentSchema = Type.Enum([...COMPONENTS])
export const componentsSchema = Type.Array(componentSchema, { minItems: 1, maxItems: COMPONENTS.length })
export const severitySchema = Type.Enum([...SEVERITIES])
export const instantSchema = timeSchema
/** One line for everybody to read. */
export const titleSchema = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\p{Cc}]+$' })
/** Prose for everybody to read. */
export const textSchema = Type.String({ minLength: 1, maxLength: 4_000 })
export const idParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

export const maintenanceSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  components: Type.Array(componentSchema),
  summary: Type.String(),
  announced_at: instantSchema,
  begins_at: instantSchema,
  ends_at: instantSchema,
  cancelled_at: Type.Optional(instantSchema),
})

export const incidentSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  components: Type.Array(componentSchema),
  severity: severitySchema,
  title: Type.String(),
  began_at: instantSchema,
  ended_at: Type.Optional(instantSchema),
  updates: Type.Array(Type.Object({ at: instantSchema, text: Type.String() }), {
    description: 'In their order',
  }),
  report: Type.Optional(Type.String()),
  reported_at: Type.Optional(instantSchema),
  report_due_at: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Fifteen days after the end; absent while it lasts, and once the report is there',
    }),
  ),
})

export const iso = (ms: number): string => new Date(ms).toISOString()

const isoOr = <K extends string>(name: K, ms: number | undefined): { [key in K]?: string } =>
  (ms === undefined ? {} : { [name]: iso(ms) }) as { [key in K]?: string }

export function showMaintenance(row: Maintenance): Static<typeof maintenanceSchema> {
  return {
    id: row.id,
    components: [...row.components],
    summary: row.summary,
    announced_at: iso(row.announcedAt),
    begins_at: iso(row.beginsAt),
    ends_at: iso(row.endsAt),
    ...isoOr('cancelled_at', row.cancelledAt),
  }
}

export function showIncident(incident: Incident): Static<typeof incidentSchema> {
  return {
    id: incident.id,
    components: [...incident.components],
    severity: incident.severity,
    title: incident.title,
    began_at: iso(incident.beganAt),
    ...isoOr('ended_at', incident.endedAt),
    updates: incident.updates.map(({ at, text }) => ({ at: iso(at), text })),
    ...(incident.report === undefined ? {} : { report: incident.report }),
    ...isoOr('reported_at', incident.reportedAt),
    ...isoOr('report_due_at', reportDueAt(incident)),
  }
}

export function printMaintenance(row: Static<typeof maintenanceSchema>): string {
  const state = row.cancelled_at === undefined ? '' : '  (called off)'
  return `${row.id}  ${row.begins_at} to ${row.ends_at}  ${row.components.join(', ')}  ${row.summary}${state}`
}

export function printIncident(row: Static<typeof incidentSchema>): string {
  const end = row.ended_at === undefined ? 'open' : `until ${row.ended_at}`
  const due = row.report_due_at === undefined ? '' : `  report due ${row.report_due_at}`
  const head = `${row.id}  ${row.severity}  ${row.began_at} ${end}  ${row.components.join(', ')}  ${row.title}${due}`
  return [head, ...row.updates.map(({ at, text }) => `    ${at}  ${text}`)].join('\n')
}
