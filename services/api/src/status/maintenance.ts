/** Maintenance that is announced two days before, so that what it interrupts does not count. The notice to people follows the bus. */
import type { Bus } from '@sealpost/bus'
import type { Clock, Random } from '@sealpost/runtime'
import type { WebhookData, Webhooks } from '../webhooks/webhooks.ts'
import { NOTICE_MS } from './agreement.ts'
import type { Component } from './component.ts'
import { StatusError } from './status-error.ts'
import type { Maintenance, StatusStore } from './store.ts'

declare module '@sealpost/bus' {
  interface Topics {
    /** Maintenance was planned, called off, or is over before its time: read again what you know of it. */
    'maintenance/changed': { maintenanceId: string }
  }
}

const HOUR_MS = 3_600_000
const LENGTH_MS_MAX = 24 * HOUR_MS
const AHEAD_MS_MAX = 366 * 24 * HOUR_MS
const PLANNED_MAX = 100

export interface NewMaintenance {
  readonly components: readonly Component[]
  readonly summary: string
  readonly beginsAt: number
  readonly endsAt: number
}

export interface MaintenanceDesk {
  /** Throws MAINTENANCE_NOTICE, MAINTENANCE_SPAN, MAINTENANCE_LIMIT. */
  plan(maintenance: NewMaintenance): Promise<Maintenance>
  /** Calls it off before it begins; ends it now, when it is under way. Throws MAINTENANCE_UNKNOWN, MAINTENANCE_OVER. */
  cancel(id: string): Promise<Maintenance>
  find(id: string): Promise<Maintenance | undefined>
  /** Under way or still to come, without what was called off; the next first. */
  ahead(): Promise<Maintenance[]>
  /** The same with what was called off. */
  planned(): Promise<Maintenance[]>
}

export interface MaintenanceOptions {
  readonly store: StatusStore
  readonly bus: Bus
  readonly webhooks: Pick<Webhooks, 'along'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

export function createMaintenance(options: MaintenanceOptions): MaintenanceDesk {
  const { store, bus, webhooks, clock, random } = options
  const planned = (): Promise<Maintenance[]> => {
    const now = clock.now()
    return store.maintenance({ from: now, until: now + AHEAD_MS_MAX, limit: 2 * PLANNED_MAX })
  }
  const ahead = async (): Promise<Maintenance[]> =>
    (await planned()).filter(({ cancelledAt }) => cancelledAt === undefined)
  const tellAll = (row: Maintenance): Promise<void> =>
    bus.publish('maintenance/changed', { maintenanceId: row.id })
  return {
    planned,
    ahead,
    find: (id) => store.findMaintenance(id),
    async plan({ components, summary, beginsAt, endsAt }) {
      const now = clock.now()
      if (beginsAt < now + NOTICE_MS) throw new StatusError('MAINTENANCE_NOTICE')
      const tooLong = endsAt <= beginsAt || endsAt > beginsAt + LENGTH_MS_MAX || endsAt > now + AHEAD_MS_MAX
      if (tooLong) throw new StatusError('MAINTENANCE_SPAN')
      if ((await ahead()).length >= PLANNED_MAX) throw new StatusError('MAINTENANCE_LIMIT')
      const added = {
        id: random.uuid(),
        components: [...new Set(components)],
        summary,
        announcedAt: now,
        beginsAt,
        endsAt,
        cancelledAt: undefined,
      }
      await webhooks.along('maintenance.planned', describe(added), (tell) =>
        store.insertMaintenance(added, tell),
      )
      await tellAll(added)
      return added
    },
    async cancel(id) {
      const found = await store.findMaintenance(id)
      if (found === undefined) throw new StatusError('MAINTENANCE_UNKNOWN')
      const now = clock.now()
      if (found.cancelledAt !== undefined || found.endsAt <= now) throw new StatusError('MAINTENANCE_OVER')
      const change = now < found.beginsAt ? { cancelledAt: now } : { endsAt: now }
      const what = 'cancelledAt' in change ? 'called_off' : 'ended'
      const changed = { ...found, ...change }
      const isChanged = await webhooks.along(`maintenance.${what}`, describe(changed), (tell) =>
        store.changeMaintenance(id, change, tell),
      )
      if (!isChanged) throw new StatusError('MAINTENANCE_OVER')
      await tellAll(changed)
      return changed
    },
  }
}

/** For webhooks. */
function describe({ id, components, beginsAt, endsAt }: Maintenance): WebhookData {
  return {
    maintenance_id: id,
    components,
    begins_at: new Date(beginsAt).toISOString(),
    ends_at: new Date(endsAt).toISOString(),
  }
}
