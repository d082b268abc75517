/** Why a request about status, maintenance, incidents or credit is refused. */
import { OperationalError } from '@sealpost/errors'

const messages = {
  PROBE_TIME: 'Probes of the last 24 hours are taken, and none of the future',
  MAINTENANCE_UNKNOWN: 'There is no such maintenance',
  MAINTENANCE_NOTICE: 'Maintenance is announced two days before it begins',
  MAINTENANCE_SPAN: 'Maintenance ends after it began, and takes 24 hours at most',
  MAINTENANCE_OVER: 'The maintenance is over, or was called off before',
  MAINTENANCE_LIMIT: 'There is too much maintenance planned',
  INCIDENT_UNKNOWN: 'There is no such incident',
  INCIDENT_CLOSED: 'The incident is closed',
  INCIDENT_OPEN: 'The incident is not closed yet',
  INCIDENT_SPAN: 'An incident begins before it ends, and neither is in the future',
  INCIDENT_LIMIT: 'The incident has as many updates as it may have',
  MONTH_AHEAD: 'That month has not begun',
  MONTH_RUNNING: 'The month is not over: nobody knows yet what is owed',
  CLAIM_UNKNOWN: 'There is no such claim',
  CLAIM_EXISTS: 'There is such a claim already',
  CLAIM_LATE: 'Credit is claimed within seven days of the month’s end',
  CLAIM_DECIDED: 'The claim is decided',
} as const

export type StatusErrorCode = keyof typeof messages

export class StatusError extends OperationalError {
  override readonly name = 'StatusError'
  declare readonly code: StatusErrorCode

  constructor(code: StatusErrorCode) {
    super(code, messages[code])
  }
}

/** What a client is told (RFC 9457). */
export const STATUS_REFUSALS = {
  PROBE_TIME: [422, 'probe-time'],
  MAINTENANCE_UNKNOWN: [404, 'maintenance-unknown'],
  MAINTENANCE_NOTICE: [422, 'maintenance-notice'],
  MAINTENANCE_SPAN: [422, 'maintenance-span'],
  MAINTENANCE_OVER: [409, 'maintenance-over'],
  MAINTENANCE_LIMIT: [409, 'maintenance-limit'],
  INCIDENT_UNKNOWN: [404, 'incident-unknown'],
  INCIDENT_CLOSED: [409, 'incident-closed'],
  INCIDENT_OPEN: [409, 'incident-open'],
  INCIDENT_SPAN: [422, 'incident-span'],
  INCIDENT_LIMIT: [409, 'incident-limit'],
  MONTH_AHEAD: [422, 'month-ahead'],
  MONTH_RUNNING: [409, 'month-running'],
  CLAIM_UNKNOWN: [404, 'claim-unknown'],
  CLAIM_EXISTS: [409, 'claim-exists'],
  CLAIM_LATE: [422, 'claim-late'],
  CLAIM_DECIDED: [409, 'claim-decided'],
} as const satisfies Record<StatusErrorCode, readonly [number, string]>
