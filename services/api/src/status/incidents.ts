/** Incidents as they are told to the public: opened, updated, closed, reported on within fifteen days. */
import type { Clock, Random } from '@sealpost/runtime'
import type { WebhookData, Webhooks } from '../webhooks/webhooks.ts'
import { reportDue } from './agreement.ts'
import type { Component } from './component.ts'
import { StatusError } from './status-error.ts'
import type { Incident, IncidentUpdate, Severity, StatusStore } from './store.ts'

const UPDATES_MAX = 200

export interface NewIncident {
  readonly components: readonly Component[]
  readonly severity: Severity
  readonly title: string
  /** Now unless told. */
  readonly beganAt: number | undefined
  /** What is known of it. */
  readonly text: string | undefined
}

export interface Incidents {
  /** Throws INCIDENT_SPAN for a beginning in the future. */
  open(incident: NewIncident): Promise<Incident>
  /** Throws INCIDENT_UNKNOWN, INCIDENT_CLOSED, INCIDENT_LIMIT. */
  update(id: string, text: string, severity: Severity | undefined): Promise<Incident>
  /** `endedAt`: now unless told. Throws INCIDENT_UNKNOWN, INCIDENT_CLOSED, INCIDENT_SPAN. */
  close(id: string, text: string | undefined, endedAt: number | undefined): Promise<Incident>
  /** Publishes the report, or replaces it. Throws INCIDENT_UNKNOWN, INCIDENT_OPEN. */
  report(id: string, text: string): Promise<Incident>
  find(id: string): Promise<Incident | undefined>
  list(query: Parameters<StatusStore['incidents']>[0]): Promise<Incident[]>
}

/** Until when its report is due; undefined while it lasts, and once it is there. */
export function reportDueAt({ endedAt, report }: Incident): number | undefined {
  return endedAt === undefined || report !== undefined ? undefined : reportDue(endedAt)
}

export interface IncidentsOptions {
  readonly store: StatusStore
  readonly webhooks: Pick<Webhooks, 'along'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

export function createIncidents({ store, webhooks, clock, random }: IncidentsOptions): Incidents {
  const find = async (id: string): Promise<Incident> => {
    const found = await store.findIncident(id)
    if (found === undefined) throw new StatusError('INCIDENT_UNKNOWN')
    return found
  }
  const change = async (
    what: 'updated' | 'closed' | 'reported',
    incident: Incident,
    text?: string,
  ): Promise<Incident> => {
    const update: IncidentUpdate | undefined = text === undefined ? undefined : { at: clock.now(), text }
    const changed = await webhooks.along(`incident.${what}`, describe(incident), (tell) =>
      store.changeIncident(incident, update, tell),
    )
    if (!changed) throw new StatusError('INCIDENT_UNKNOWN')
    return find(incident.id)
  }
  const findOpen = async (id: string): Promise<Incident> => {
    const found = await find(id)
    if (found.endedAt !== undefined) throw new StatusError('INCIDENT_CLOSED')
    if (found.updates.length >= UPDATES_MAX) throw new StatusError('INCIDENT_LIMIT')
    return found
  }
  return {
    find: (id) => store.findIncident(id),
    list: (query) => store.incidents(query),
    async open({ components, severity, title, beganAt, text }) {
      const now = clock.now()
      if (beganAt !== undefined && beganAt > now) throw new StatusError('INCIDENT_SPAN')
      const incident: Incident = {
        id: random.uuid(),
        components: [...new Set(components)],
        severity,
        title,
        beganAt: beganAt ?? now,
        endedAt: undefined,
        report: undefined,
        reportedAt: undefined,
        updates: text === undefined ? [] : [{ at: now, text }],
      }
      await webhooks.along('incident.opened', describe(incident), (tell) =>
        store.insertIncident(incident, tell),
      )
      return incident
    },
    async update(id, text, severity) {
      const found = await findOpen(id)
      return change('updated', { ...found, severity: severity ?? found.severity }, text)
    },
    async close(id, text, endedAt) {
      const found = await findOpen(id)
      const ended = endedAt ?? clock.now()
      if (ended < found.beganAt || ended > clock.now()) throw new StatusError('INCIDENT_SPAN')
      return change('closed', { ...found, endedAt: ended }, text)
    },
    async report(id, text) {
      const found = await find(id)
      if (found.endedAt === undefined) throw new StatusError('INCIDENT_OPEN')
      return change('reported', { ...found, report: text, reportedAt: clock.now() })
    },
  }
}

/** For webhooks; its words are at /v1/status. */
function describe({ id, components, severity, beganAt, endedAt }: Incident): WebhookData {
  return {
    incident_id: id,
    components,
    severity,
    began_at: new Date(beganAt).toISOString(),
    ...(endedAt === undefined ? {} : { ended_at: new Date(endedAt).toISOString() }),
  }
}
