/** Status, maintenance, incidents and credit over Postgres. */
import type { Bus } from '@sealpost/bus'
import type { Db } from '@sealpost/db'
import type { Clock, Random } from '@sealpost/runtime'
import { Availability } from './availability.ts'
import { postgresClaims } from './claim-store.postgres.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { type Claims, createClaims } from './claims.ts'
import { createIncidents, type Incidents } from './incidents.ts'
import { createMaintenance, type MaintenanceDesk } from './maintenance.ts'
import { createPublicStatus, type PublicStatus } from './public-status.ts'
import { postgresStatus } from './store.postgres.ts'

const COMPACT_MS = 600_000

export interface Status {
  readonly availability: Pick<Availability, 'record' | 'month'>
  readonly maintenance: MaintenanceDesk
  readonly incidents: Incidents
  readonly claims: Claims
  /** As everybody may see it. */
  now(): Promise<PublicStatus>
}

export interface CreateStatusOptions {
  /** With the role `sealpost_api`. */
  readonly db: Db
  readonly bus: Bus
  readonly webhooks: Pick<Webhooks, 'along'>
  readonly clock: Clock
  readonly random: Random
  readonly onError: (error: unknown) => void
}

export function createStatus({ db, onError, ...parts }: CreateStatusOptions): Status & AsyncDisposable {
  const { clock, random } = parts
  const store = postgresStatus(db)
  const availability = new Availability(store, clock)
  const incidents = createIncidents({ store, ...parts })
  const maintenance = createMaintenance({ store, ...parts })
  const claims = createClaims({ store: postgresClaims(db), availability, clock, random })
  const work = async (): Promise<void> => {
    try {
      await availability.compact()
      await claims.eraseOld()
    } catch (error) {
      onError(error)
    }
  }
  let working = work()
  const timer = clock.every(COMPACT_MS, () => (working = work()))
  return {
    availability,
    maintenance,
    incidents,
    claims,
    now: createPublicStatus({ availability, incidents, maintenance, clock }),
    [Symbol.asyncDispose]: () => {
      timer[Symbol.dispose]()
      return working
    },
  }
}
