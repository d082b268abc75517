/** Commands about the status of the service: what everybody may see, and what probers report. */
import { Type, type Static } from '@sealpost/http'
import { TARGET_PERMILLE } from '../status/agreement.ts'
import { minuteOf } from '../status/minutes.ts'
import { type PublicStatus, STATES } from '../status/public-status.ts'
import { type Command, type CommandContext, defineCommand } from './command.ts'
import {
  componentSchema,
  incidentSchema,
  instantSchema,
  iso,
  maintenanceSchema,
  showIncident,
  showMaintenance,
} from './status-schema.ts'

const stateSchema = Type.Enum([...STATES])

const statusSchema = Type.Object({
  at: instantSchema,
  state: Type.Enum([...STATES], { description: 'The worst of the components' }),
  target: Type.Number({ description: 'Availability that is promised for a month, in percent' }),
  components: Type.Array(
    Type.Object({
      id: componentSchema,
      state: stateSchema,
      availability: Type.Optional(
        Type.Number({ description: 'Of this month, in percent of 30 days; absent: never probed' }),
      ),
      days: Type.Array(
        Type.Object({
          day: Type.String({ format: 'date' }),
          good: Type.Integer({ description: 'Minutes in which it served' }),
          lost: Type.Integer({ description: 'Minutes in which it did not, or in which nobody could probe' }),
          counted: Type.Integer({ description: 'Of those the ones that count against the agreement' }),
        }),
        { description: 'The last ninety, the oldest first; those before the first probe are absent' },
      ),
    }),
  ),
  incidents: Type.Array(incidentSchema, {
    description: 'Open, or ended in the last ninety days; newest first',
  }),
  maintenance: Type.Array(maintenanceSchema, { description: 'Under way and announced; the next first' }),
  shred_lag_seconds: Type.Optional(
    Type.Number({
      description: 'Within which 99 % of what was delivered in the last 24 hours was destroyed',
    }),
  ),
  shred_pending_seconds: Type.Optional(
    Type.Number({
      description:
        'For how long the oldest key that is to be destroyed has been on disk since; 0: there is none',
    }),
  ),
  self_audit: Type.Optional(
    Type.Object(
      {
        at: Type.String({ format: 'date-time' }),
        passed: Type.Boolean({
          description:
            'In all, nothing that was delivered could be read from the disks, and what waited could',
        }),
      },
      {
        description:
          'The last audits of the server by itself, of messages and of mails: the older one counts',
      },
    ),
  ),
  backup_verified_at: Type.Optional(
    Type.String({ format: 'date-time', description: 'When a backup was last restored and found whole' }),
  ),
})

async function showStatus({ status, statistics }: CommandContext): Promise<Static<typeof statusSchema>> {
  const [now, { figures }] = await Promise.all([status.now(), statistics.overview()])
  const lag = figures.find(({ name }) => name === 'chat.shred')?.lastDay?.p99
  const level = (wanted: string) => figures.find(({ name }) => name === wanted)?.now
  const verified = level('backup.verified')
  const pending = [level('chat.shred.pending'), level('mail.shred.pending')].filter(
    (age) => age !== undefined,
  )
  const audits = (['audit', 'mail.audit'] as const).flatMap((name) => {
    const [ended, passed] = [level(`${name}.at`), level(`${name}.passed`)]
    return ended === undefined || passed === undefined ? [] : [{ ended, passed: passed === 1 }]
  })
  return {
    ...show(now),
    ...(lag === undefined ? {} : { shred_lag_seconds: lag }),
    ...(pending.length === 0 ? {} : { shred_pending_seconds: Math.max(...pending) }),
    ...(audits.length === 0 ? {} : { self_audit: summarize(audits) }),
    ...(verified === undefined ? {} : { backup_verified_at: iso(verified * 1000) }),
  }
}

function summarize(audits: readonly { readonly ended: number; readonly passed: boolean }[]) {
  return {
    at: iso(Math.min(...audits.map(({ ended }) => ended)) * 1000),
    passed: audits.every(({ passed }) => passed),
  }
}

function show({ at, state, components, incidents, maintenance }: PublicStatus) {
  return {
    at: iso(at),
    state,
    target: TARGET_PERMILLE / 10,
    components: components.map((each) => ({
      id: each.component,
      state: each.state,
      ...(each.availability === undefined ? {} : { availability: each.availability }),
      days: each.days.map(({ day, good, lost, counted }) => ({ day, good, lost, counted })),
    })),
    incidents: incidents.map(showIncident),
    maintenance: maintenance.map(showMaintenance),
  }
}

const status = defineCommand({
  name: 'status.show',
  summary: 'Show how the service is, how it was in the last ninety days, and what is announced',
  method: 'GET',
  path: '/v1/status',
  access: 'anyone',
  status: 200,
  response: statusSchema,
  handle: (context) => showStatus(context),
  lines: [{ noun: 'status', verb: 'show', print: printStatus }],
})

function printStatus({ state, components, incidents, maintenance }: Static<typeof statusSchema>): string {
  const lines = components.map(
    ({ id, state: each, availability }) =>
      `${id.padEnd(8)}${each.padEnd(12)}${availability === undefined ? '' : `${String(availability)} % this month`}`,
  )
  const open = incidents.filter(({ ended_at: ended }) => ended === undefined)
  return [
    state,
    ...lines,
    ...open.map(({ id, title }) => `Incident ${id}: ${title}`),
    ...maintenance.map(({ begins_at: begins, summary }) => `Maintenance ${begins}: ${summary}`),
  ].join('\n')
}

const reportProbes = defineCommand({
  name: 'status.probe',
  summary: 'Report what a prober found in a minute of the last 24 hours',
  method: 'POST',
  path: '/v1/status/probes',
  access: 'status:probe',
  unrecorded: true,
  body: Type.Object(
    {
      at: Type.String({ ...instantSchema, description: 'Any instant of the minute' }),
      results: Type.Array(
        Type.Object({ component: componentSchema, good: Type.Boolean() }, { additionalProperties: false }),
        { minItems: 1, maxItems: 5 },
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({ taken: Type.Integer() }),
  async handle(context, { body }) {
    const results = [...new Map(body.results.map((result) => [result.component, result])).values()]
    await context.status.availability.record(minuteOf(Date.parse(body.at)), results)
    return { taken: results.length }
  },
})

export const statusCommands: readonly Command[] = [status, reportProbes]
